// The package as it is published: packed, installed in an empty folder, loaded, compiled, bundled and run. Real Redis.
// `npm run test:package` does more of this: other bundlers, versions of Node, TypeScript and Express, other schemas.
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type BuildOptions, build } from 'esbuild';
import { REPOSITORY } from '../../dev/paths.ts';
import { inDist } from '../support/dist.ts';
import { startRedis, type TestRedis } from '../support/redis/redis.ts';
import { compile } from './compile.ts';
import { emptyFolder, install, pack, run } from './packed.ts';
import { expectCounted } from './run-adopter.ts';

const { path: folder, remove } = emptyFolder();
const app = join(folder, 'app');
const { exports } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as { exports: object };
let redis: TestRedis;

beforeAll(async () => {
  // The build is packed. It keeps the licence (MIT) of the scripts that are bee-queue's.
  expect(readFileSync(inDist('backend/queue/bee-queue/lua.js'), 'utf8')).toContain('MIT');
  redis = await startRedis();
  await install(app, [
    await pack(folder),
    'express@4',
    '@opentelemetry/api@1.9',
    'prom-client@15',
    'pusher-js@8',
    'react@19',
    'zod@4',
    'typescript@5.4',
    '@types/express@4',
    '@types/node@20',
    '@types/react@19',
  ]);
}, 120_000);

afterAll(async () => {
  await redis?.stop();
  remove();
});

it('every entry can be imported and required, and is one copy', async () => {
  copyFileSync(join(REPOSITORY, 'test/package/load-entries.mjs'), join(app, 'load-entries.mjs'));
  const printed = await run(process.execPath, ['load-entries.mjs'], app);
  const entries = Object.keys(exports).filter((path) => !path.endsWith('.json'));
  expect(printed.trim().split('\n')).toEqual(entries.map((path) => `${path.replace('.', 'inloop')} ok`));
}, 30_000);

describe('an application compiles without skipLibCheck', () => {
  const oldest = join(app, 'node_modules/typescript/bin/tsc');
  const newest = join(REPOSITORY, 'node_modules/typescript/bin/tsc');

  it.each([
    ['TypeScript 5.4', 'node', oldest],
    ['the newest TypeScript', 'node', newest],
    ['the newest TypeScript', 'bundler', newest],
  ] as const)(
    'by %s, modules found as by %s',
    async (_, resolution, tsc) => {
      expect(await compile(tsc, app, resolution)).toBe('');
    },
    90_000,
  );
});

describe('server and worker, bundled by esbuild,', () => {
  // Packages that are CommonJS need a `require`, which a bundle of ES modules has not: esbuild's documented way.
  const banner = { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" };

  it.each<[string, string, BuildOptions]>([
    ['CommonJS, minified', '.cjs', { minify: true }],
    ['ES modules', '.mjs', { format: 'esm', banner }],
  ])(
    'run in an empty folder: %s',
    async (_, extension, options) => {
      const empty = emptyFolder();
      try {
        const { warnings } = await build({
          absWorkingDir: app,
          entryPoints: ['server.ts', 'worker.ts'],
          outdir: empty.path,
          outExtension: { '.js': extension },
          bundle: true,
          platform: 'node',
          logLevel: 'silent',
          ...options,
        });
        expect(warnings).toEqual([]);
        const [server, worker] = ['server', 'worker'].map((name) => join(empty.path, name + extension)) as [
          string,
          string,
        ];
        await expectCounted({ server, worker, redisUrl: redis.url });
      } finally {
        empty.remove();
      }
    },
    60_000,
  );
});

it.each([
  ['inloop', 'neutral'],
  ['inloop/backend', 'node'],
  ['inloop/tasks', 'node'],
  ['inloop/worker', 'node'],
  ['inloop/client', 'browser'],
  ['inloop/element', 'browser'],
  ['inloop/react', 'browser'],
] as const)('%s loads nothing of Express, metrics, tracing or the operator’s page', async (entry, platform) => {
  const { metafile } = await build({
    stdin: { contents: `export * from ${JSON.stringify(entry)};`, resolveDir: app },
    bundle: true,
    write: false,
    metafile: true,
    logLevel: 'silent',
    platform,
    absWorkingDir: app,
    format: 'esm',
    ...(platform === 'neutral' ? { mainFields: ['module', 'main'] } : {}),
  });
  const packages = Object.keys(metafile.inputs).map((file) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1]);
  expect(packages).toContain('inloop');
  expect(packages.filter((name) => /^(express|body-parser|send|qs|cookie)$/.test(name ?? ''))).toEqual([]);
  // What needs an optional package is loaded only by those who import it.
  expect(
    Object.keys(metafile.inputs).filter((file) => /inloop\/dist\/(metrics|tracing|operator)\//.test(file)),
  ).toEqual([]);
});

it('the tarball contains no test, no record of the compiler and no path of this machine', async () => {
  const files = join(app, 'node_modules/inloop');
  const listed = (await run('find', [files, '-type', 'f'], folder)).trim().split('\n');
  expect(listed.filter((file) => /\.test\.|tsbuildinfo|test-support|dist\/(?!testing\/).*fake-/.test(file))).toEqual(
    [],
  );
  expect(await run('grep', ['-rlF', REPOSITORY, files], folder).catch(() => '')).toBe('');
});
