import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { REPOSITORY } from '../../../dev/paths.ts';
import { REASONS, reasonFor } from './reasons.ts';

it('a function is explained by the innermost folder of its file that has a reason', () => {
  expect(reasonFor('backend/store/store.ts apply')).toBe(REASONS['backend/store/']);
  expect(reasonFor('backend/async.ts delay')).toBe(REASONS['backend/']);
  expect(reasonFor('elsewhere/some.ts run')).toMatch('not written down yet');
});

it.each(Object.keys(REASONS))('%s is a folder', (folder) => {
  expect(statSync(join(REPOSITORY, folder)).isDirectory()).toBe(true);
});
