// `npm run test:package`: the package in more surroundings than `npm test` has time for. Installs what it needs into a
// temporary folder, prints one line for each check, and ends with exit code 1 if one failed. Takes about ten minutes.
// `-- bundlers` runs one part of it: lint, express, typescript, bundlers.
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { REPOSITORY } from '../../dev/paths.ts';
import { startRedis } from '../support/redis/redis.ts';
import { buildWithNext, buildWithVite, buildWithWebpack } from './bundlers.ts';
import { compile, type Resolution } from './compile.ts';
import { emptyFolder, install, pack, run } from './packed.ts';
import { expectCounted } from './run-adopter.ts';

const TYPES = ['@types/node@20', '@types/react@19'];
const COMMON = [
  '@opentelemetry/api@1.9',
  'prom-client@15',
  'pusher-js@8',
  'react@19',
  'react-dom@19',
  'zod@4',
  ...TYPES,
];
/** Each minor version since the oldest that we take: TypeScript may break code in a minor version, too. */
const COMPILERS = ['5.4', '5.5', '5.6', '5.7', '5.8', '5.9', '6', 'latest'];
/** Besides the one that runs this. */
const NODES = ['22', '24'];
const PLATFORM = `${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;

/** Does `work`, and prints whether it succeeded. */
async function check(what: string, work: () => Promise<unknown>): Promise<void> {
  const began = performance.now();
  const error = await work().then(
    () => null,
    (reason: Error) => reason,
  );
  console.log(`${error ? 'FAILED' : 'ok'}  ${what}  (${((performance.now() - began) / 1_000).toFixed(1)} s)`);
  if (error === null) return;
  failures++;
  console.log(error.message);
}

/** Bundles server and worker of the application in `app` into an empty folder, and runs one task with the bundles. */
async function countBundled(app: string, node: string): Promise<void> {
  const { path: outdir, remove: removeOut } = emptyFolder();
  const options = {
    outdir,
    bundle: true,
    platform: 'node',
    logLevel: 'error',
    outExtension: { '.js': '.cjs' },
  } as const;
  await build({ absWorkingDir: app, entryPoints: ['server.ts', 'worker.ts'], ...options });
  await expectCounted({
    server: join(outdir, 'server.cjs'),
    worker: join(outdir, 'worker.cjs'),
    node,
    redisUrl: redis.url,
  });
  removeOut();
}

/** Runs one task without bundles: TypeScript is stripped, and Node finds the packages. */
async function countUnbundled(app: string, node: string): Promise<void> {
  const options = { absWorkingDir: app, outdir: app, format: 'esm', logLevel: 'error' } as const;
  await build({ entryPoints: ['server.ts', 'worker.ts', 'backend.ts', 'tasks.ts'], ...options });
  await expectCounted({ server: join(app, 'server.js'), worker: join(app, 'worker.js'), node, redisUrl: redis.url });
}

/** The parts of the check, by the names that the command takes. `at` makes the path of a folder; `tarball` is the packed inloop. */
const PARTS: Readonly<Record<string, (at: (name: string) => string, tarball: string) => Promise<void>>> = {
  async lint(at, tarball) {
    await check('publint and attw find nothing', async () => {
      await install(at('lint'), ['publint', '@arethetypeswrong/cli']);
      await run('npx', ['publint', '--strict', tarball], at('lint'));
      await run('npx', ['attw', tarball], at('lint'));
    });
  },

  async express(at, tarball) {
    await install(
      at('nodes'),
      NODES.map((major) => `node${major}@npm:node-${PLATFORM}@${major}`),
    );
    const nodes = [process.execPath, ...NODES.map((major) => at(`nodes/node_modules/node${major}/bin/node`))];
    for (const version of ['4.18.0', '4', '5.0.0', '5']) {
      const app = at(`express-${version}`);
      await install(app, [tarball, `express@${version}`, ...COMMON]);
      cpSync(join(REPOSITORY, 'test/package/load-entries.mjs'), join(app, 'load-entries.mjs'));
      for (const node of nodes) {
        const name = (await run(node, ['--version'], app)).trim();
        await check(`Express ${version}, Node ${name}: entries load, server and worker run, also bundled`, async () => {
          const printed = await run(node, ['load-entries.mjs'], app);
          // It prints `<entry> differs` if `import` and `require` give two copies.
          if (printed.includes('differs')) throw new Error(printed);
          await countUnbundled(app, node);
          await countBundled(app, node);
        });
      }
    }
  },

  async typescript(at, tarball) {
    const app = at('typed');
    const compilers = COMPILERS.map((version) => `ts-${version}@npm:typescript@${version}`);
    await install(app, [tarball, 'express@5', '@types/express@5', 'valibot@1', 'arktype@2', ...COMMON, ...compilers]);
    const expectNothing = async (messages: Promise<string>) => {
      if ((await messages) !== '') throw new Error(await messages);
    };
    for (const version of COMPILERS) {
      const tsc = join(app, 'node_modules', `ts-${version}`, 'bin', 'tsc');
      const resolutions: Resolution[] = version === '5.4' ? ['node', 'bundler', 'node10'] : ['node'];
      for (const resolution of resolutions) {
        const what = `TypeScript ${version}, modules found as by ${resolution}`;
        await check(what, () => expectNothing(compile(tsc, app, resolution)));
      }
      // The declarations of arktype do not compile with TypeScript 5.4.
      await check(`TypeScript ${version}, schemas of zod, valibot and arktype`, () =>
        expectNothing(compile(tsc, app, 'bundler', ['schemas.ts'], { skipLibCheck: true })),
      );
    }
  },

  async bundlers(at, tarball) {
    const app = at('bundled');
    const bundlers = ['webpack', 'webpack-cli', 'vite', 'esbuild', 'esbuild-loader'];
    await install(app, [tarball, 'express@5', ...COMMON, ...bundlers]);
    for (const [name, work] of [
      ['webpack', buildWithWebpack],
      ['Vite', buildWithVite],
    ] as const) {
      const out = emptyFolder();
      await check(`${name} builds a page, and a server and a worker that run`, () => work(app, out.path, redis.url));
      out.remove();
    }
    const next = at('next');
    await install(next, [tarball, 'next', 'express@5', '@types/express@5', 'typescript@5', ...COMMON]);
    // `install` put these there for the other parts. The Next application does not use them.
    for (const file of ['server.ts', 'worker.ts', 'page.ts', 'schemas.ts']) rmSync(join(next, file));
    await check('Next builds and serves the page of examples/next, and a route', () => buildWithNext(next));
  },
};

const { path: folder, remove } = emptyFolder();
const redis = await startRedis();
let failures = 0;
try {
  const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(PARTS);
  await run('npm', ['run', 'build'], REPOSITORY);
  const tarball = await pack(folder);
  for (const name of names) {
    const part = PARTS[name];
    if (!part) throw new Error(`Expected one of ${Object.keys(PARTS).join(', ')}, got ${name}.`);
    await part((place) => join(folder, place), tarball);
  }
} finally {
  await redis.stop();
  remove();
}
console.log(failures === 0 ? 'All is well.' : `${failures} failed.`);
process.exitCode = failures === 0 ? 0 : 1;
