// `npm run chaos -- --break` removes guards by their text, so each text has to stand in its file, once.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { REPOSITORY } from '../../dev/paths.ts';
import { GUARDS } from './guards.ts';

it.each(Object.entries(GUARDS))('%s can be removed', (_name, { mutations }) => {
  for (const { file, from } of mutations) {
    const source = readFileSync(join(REPOSITORY, file), 'utf8');
    expect({ file, times: source.split(from).length - 1 }).toEqual({ file, times: 1 });
  }
});
