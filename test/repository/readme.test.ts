// The README's snippets compile as files of one folder, against the published entries.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { REPOSITORY } from '../../dev/paths.ts';
import { typeCheck } from '../support/type-check.ts';

it('the snippets of the README compile', async () => {
  const readme = readFileSync(join(REPOSITORY, 'README.md'), 'utf8');
  const snippets = [...readme.matchAll(/```tsx?\n(\/\/ (\S+\.tsx?)\b.*\n[\s\S]*?)```/g)];
  expect(snippets.map(([, , file]) => file)).toEqual(['tasks.ts', 'backend.ts', 'server.ts', 'worker.ts', 'app.tsx']);
  const files = Object.fromEntries(snippets.map(([, code = '', file = '']) => [file, code]));
  expect(await typeCheck(files)).toBe('');
}, 60_000);
