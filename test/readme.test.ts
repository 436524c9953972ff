// The README's snippets compile, as files beside each other, against what is published.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from '@jest/globals';
import { REPOSITORY } from '../dev/paths.ts';

it('the snippets of the README compile', async () => {
  const readme = readFileSync(join(REPOSITORY, 'README.md'), 'utf8');
  const snippets = [...readme.matchAll(/```tsx?\n(\/\/ (\S+\.tsx?)\b.*\n[\s\S]*?)```/g)];
  expect(snippets.map(([, , file]) => file)).toEqual(['tasks.ts', 'backend.ts', 'server.ts', 'worker.ts', 'app.tsx']);
  const folder = mkdtempSync(join(REPOSITORY, 'node_modules', '.cache-readme-'));
  try {
    for (const [, code = '', file = ''] of snippets) writeFileSync(join(folder, file), code);
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
          inloop: [join(REPOSITORY, 'core', 'index.ts')],
          'inloop/react': [join(REPOSITORY, 'client', 'react', 'index.ts')],
          'inloop/*': [join(REPOSITORY, '*', 'index.ts')],
        },
      },
      include: ['*.ts', '*.tsx', join(REPOSITORY, 'backend', 'bee-queue.d.ts')],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    const tsc = join(REPOSITORY, 'node_modules', 'typescript', 'bin', 'tsc');
    const result = await promisify(execFile)(process.execPath, [tsc, '-p', folder]).catch((error) => error);
    expect(result.stdout).toBe('');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 60_000);
