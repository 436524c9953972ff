/**
 * The pragma of `test-environment.cjs`: each of these tests waits for all others, so they pass only if all run at the same time.
 *
 * @at-once 5
 */
import { it } from '@jest/globals';

const ALL = [1, 2, 3, 4, 5];
let here = 0;
let open: () => void = () => undefined;
const allHere = new Promise<void>((resolve) => {
  open = resolve;
});

it.concurrent.each(ALL)(
  'of five tests that run at the same time, number %i meets the others',
  async () => {
    here += 1;
    if (here === ALL.length) open();
    await allHere;
  },
  10_000,
);
