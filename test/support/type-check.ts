// Type-checks code as an adopter would write it, against the sources of inloop's entries.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { REPOSITORY } from '../../dev/paths.ts';

const sourceOf = (...entry: string[]) => [join(REPOSITORY, ...entry, 'index.ts')];

/**
 * Returns the compiler's messages about `files` (their contents by path within one folder); '' if there are none.
 *
 * @param options compiler options besides those of the repository
 */
export async function typeCheck(files: Readonly<Record<string, string>>, options: object = {}): Promise<string> {
  // Below node_modules, so that the packages they import are found.
  const folder = mkdtempSync(join(REPOSITORY, 'node_modules', '.cache-types-'));
  const config = {
    extends: '../../tsconfig.base.json',
    compilerOptions: {
      noEmit: true,
      composite: false,
      declaration: false,
      allowImportingTsExtensions: true,
      rewriteRelativeImportExtensions: false,
      lib: ['ES2023', 'DOM', 'DOM.Iterable'],
      jsx: 'react-jsx',
      types: ['node'],
      typeRoots: ['../@types'],
      paths: {
        inloop: sourceOf('core'),
        'inloop/headless': sourceOf('client', 'headless'),
        'inloop/react': sourceOf('client', 'react'),
        'inloop/tasks': sourceOf('server', 'tasks'),
        'inloop/*': sourceOf('*'),
      },
      ...options,
    },
    include: ['**/*.ts', '**/*.tsx'],
  };
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    const tsc = join(REPOSITORY, 'node_modules', 'typescript', 'bin', 'tsc');
    const result = await promisify(execFile)(process.execPath, [tsc, '-p', folder]).catch((error) => error);
    return result.stdout;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
