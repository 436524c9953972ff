// What a page pays for, minified and gzipped, without pusher-js: limits that the README promises.
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { build } from 'esbuild';

async function sizeOf(contents: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: __dirname },
    ...{ bundle: true, minify: true, format: 'esm', target: 'es2022', write: false, external: ['pusher-js'] },
  });
  return gzipSync(outputFiles[0]?.contents ?? '', { level: 9 }).length;
}

const FEED = "export { connectTasks } from './index.ts';";
const BOTH = `${FEED} export { InloopTray } from './element/index.ts';`;

describe('size', () => {
  it('is at most 6 KB for the feed', async () => {
    expect(await sizeOf(FEED)).toBeLessThanOrEqual(6 * 1_024);
  });

  it('is at most 12 KB more for the tray', async () => {
    expect((await sizeOf(BOTH)) - (await sizeOf(FEED))).toBeLessThanOrEqual(12 * 1_024);
  });
});
