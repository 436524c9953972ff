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
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(require('../output.ts')).toBeDefined();
});
