// What the entries of the client export: `inloop/client` for code that follows tasks, `inloop/headless` for code that draws
// them. Their types are tested in test/repository/adopters-code.test.ts.
import { expect, it } from '@jest/globals';
import * as headless from './headless/index.ts';
import * as client from './index.ts';

it('inloop/client follows tasks, and nothing else', () => {
  expect(Object.keys(client).sort()).toEqual(['connectTasks', 'createTaskFeed', 'shareConnection']);
});

it('inloop/headless has nothing that connects', () => {
  expect(Object.keys(headless)).toEqual(expect.arrayContaining(['groupTasks', 'mergeSnapshots', 'presentOutcomes']));
  for (const name of Object.keys(client)) expect(headless).not.toHaveProperty(name);
});
