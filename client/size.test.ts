// What a page pays for, minified and gzipped, without pusher-js: limits that the README promises.
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { build } from 'esbuild';

/** The page's own file, and the files that are loaded on demand, as a bundler makes them. */
async function bundle(contents: string): Promise<{ readonly size: number; readonly onDemand: string[] }> {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: __dirname },
    ...{ bundle: true, minify: true, format: 'esm', target: 'es2022', write: false, external: ['pusher-js'] },
    ...{ splitting: true, outdir: 'out', metafile: true },
  });
  const imports = Object.values(metafile.outputs).find(({ entryPoint }) => entryPoint === '<stdin>')?.imports ?? [];
  const onDemand = imports.filter(({ kind }) => kind === 'dynamic-import').map(({ path }) => path);
  const atOnce = outputFiles.filter(({ path }) => !onDemand.some((name) => path.endsWith(name)));
  return { size: atOnce.reduce((sum, file) => sum + gzipSync(file.contents, { level: 9 }).length, 0), onDemand };
}

const sizeOf = async (contents: string) => (await bundle(contents)).size;

const FEED = "export { connectTasks } from './index.ts';";
const BOTH = `${FEED} export { InloopTray } from './element/index.ts';`;

describe('size', () => {
  it('is at most 6.1 KB for the feed', async () => {
    expect(await sizeOf(FEED)).toBeLessThanOrEqual(6.1 * 1_024);
  });

  it('is at most 12 KB more for the tray', async () => {
    expect((await sizeOf(BOTH)) - (await sizeOf(FEED))).toBeLessThanOrEqual(12 * 1_024);
  });

  it('leaves the cipher of encrypted channels out of the page until it is needed', async () => {
    expect((await bundle(FEED)).onDemand).toEqual([expect.stringContaining('encryption')]);
  });
});
