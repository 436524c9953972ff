// Compiles the small application of adopter/ as adopters would: strictly, declarations of packages included. For the tests of
// the package.
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './packed.ts';

/**
 * How an application's modules are found: `node`, as Node does, once in ES modules and once in CommonJS; `bundler`; or `node10`,
 * which is what `module: commonjs` meant before TypeScript 6, and still means in many applications on Express 4.
 */
export type Resolution = 'node' | 'bundler' | 'node10';

const OPTIONS: Readonly<Record<Resolution, object>> = {
  node: { module: 'nodenext' },
  bundler: { module: 'esnext', moduleResolution: 'bundler' },
  node10: { module: 'commonjs', moduleResolution: 'node' },
};

/**
 * The kinds of modules that one run of the compiler checks: `type` in package.json. Each kind gets a folder with its own copy of
 * the files.
 */
const KINDS: Readonly<Record<Resolution, readonly ('module' | 'commonjs')[]>> = {
  node: ['module', 'commonjs'],
  bundler: ['module'],
  node10: ['commonjs'],
};

/** The files that server and worker import. They are always compiled along. */
const SHARED = ['tasks.ts', 'backend.ts'];

/**
 * Compiles `files` of the application in `folder`. Resolves with '' or with the compiler's messages.
 * @param tsc path of the compiler
 * @param options `skipLibCheck`: whether the declarations of packages are not checked. Default false.
 */
export async function compile(
  tsc: string,
  folder: string,
  resolution: Resolution,
  files: readonly string[] = ['server.ts', 'worker.ts', 'page.ts'],
  { skipLibCheck = false } = {},
): Promise<string> {
  const place = join(folder, `${resolution}-${skipLibCheck}`);
  for (const type of KINDS[resolution]) {
    mkdirSync(join(place, type), { recursive: true });
    for (const file of [...SHARED, ...files]) cpSync(join(folder, file), join(place, type, file));
    writeFileSync(join(place, type, 'package.json'), JSON.stringify({ type }));
  }
  const compilerOptions = {
    strict: true,
    skipLibCheck,
    noEmit: true,
    esModuleInterop: true,
    target: 'es2022',
    types: ['node'],
    lib: ['es2023', 'dom', 'dom.iterable'],
    ...OPTIONS[resolution],
  };
  writeFileSync(join(place, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*/*.ts'] }));
  return run(process.execPath, [tsc, '-p', place], place).catch((error: Error) => error.message);
}
