// What a page pays for, minified and gzipped, without pusher-js. docs/tray.md promises the limits of feed and tray, and
// docs/operator.md that of the page of operators.
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { build } from 'esbuild';
import { readPageFiles } from '../operator/page-files.ts';

/**
 * Bundles a module into one file, as a page loads it. `size`: the bytes of the file, minified and gzipped. `onDemand`: the
 * modules that it loads later, by `import()`.
 *
 * @param isAll whether those modules are part of the file; then `onDemand` is empty
 */
async function bundle(
  contents: string,
  isAll = false,
): Promise<{ readonly size: number; readonly onDemand: string[] }> {
  const onDemand: string[] = [];
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: __dirname },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    external: ['pusher-js', 'react'],
    plugins: [
      {
        name: 'on-demand',
        setup({ onResolve }) {
          onResolve({ filter: /^\./ }, ({ kind, path }) => {
            if (kind !== 'dynamic-import' || isAll) return undefined;
            onDemand.push(path);
            return { path, external: true };
          });
        },
      },
    ],
  });
  return { size: gzipSync(outputFiles[0]?.contents ?? '', { level: 9 }).length, onDemand: onDemand.sort() };
}

const sizeOf = async (contents: string, isAll?: boolean) => (await bundle(contents, isAll)).size;

const FEED = "export { connectTasks } from './index.ts';";
const BOTH = `${FEED} export { InloopTray } from './element/index.ts';`;

describe('size', () => {
  // The 9 KB also hold: whose tasks they are, the messages between tabs, the server's time, and the connection for push.
  it('is at most 9 KB for the feed', async () => {
    expect(await sizeOf(FEED)).toBeLessThanOrEqual(9 * 1_024);
  });

  it('is at most 2.25 KB more for the React hooks', async () => {
    const react = await sizeOf(`${FEED} export * from './react/index.ts';`);
    expect(react - (await sizeOf(FEED))).toBeLessThanOrEqual(2.25 * 1_024);
  });

  it('is at most 15 KB more for the tray, as it comes with the page', async () => {
    expect((await sizeOf(BOTH)) - (await sizeOf(FEED))).toBeLessThanOrEqual(15 * 1_024);
  });

  it('is at most 20 KB more in all, with what it fetches when it has a use for it: the shared connection, signals for a page in the background, toasts', async () => {
    const { onDemand } = await bundle(BOTH);
    // The modules left out here are those of the feed: see the next test.
    expect(onDemand.filter((path) => !/encryption|explain/.test(path))).toEqual([
      '../tabs/shared-pusher.ts',
      './background-signals.ts',
      './toast-stack.ts',
    ]);
    expect((await sizeOf(BOTH, true)) - (await sizeOf(FEED, true))).toBeLessThanOrEqual(20 * 1_024);
  });

  it('leaves the cipher of encrypted channels, and the words for debugging, out of the page until they are needed', async () => {
    expect((await bundle(FEED)).onDemand).toEqual(['./encryption.ts', './explain.ts']);
  });

  it('is at most 22 KB for the whole page of operators: HTML, script, styles and icon', () => {
    const sizes = Object.values(readPageFiles()).map((text) => gzipSync(text, { level: 9 }).length);
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThanOrEqual(22 * 1_024);
  });
});
