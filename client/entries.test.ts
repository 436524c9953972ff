// What the entries of the client export: what a follower needs from `inloop/client`, what draws from `inloop/headless`. Their
// types: test/repository/adopters-code.test.ts.
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
