// Two tests that run at the same time, for inside-tests.cjs. The end of the first one must not keep the second one from loading a module.
import { expect, it } from '@jest/globals';

let endFirst: () => void = () => undefined;
const firstEnds = new Promise<void>((resolve) => {
  endFirst = resolve;
});

it.concurrent('of two tests that run at the same time, one ends', async () => {
  await firstEnds;
});

it.concurrent('and the other one can still load a module', async () => {
  endFirst();
  // By then Jest has ended the first test.
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(require('../output.ts')).toBeDefined();
});
