// What `useShownProgress` shows from one rendering to the next, without a page.
import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import { at, evolve, running } from '../test-support/snapshots.ts';
import { NOTHING_RENDERED, showAfter } from './use-shown-progress.ts';

const START = Date.parse(at(0));

/** Renders once for each task, at that many milliseconds after the start. Returns the counts. */
function renderAll(...renderings: readonly (readonly [task: Snapshot | null, ms: number])[]): (number | undefined)[] {
  let before = NOTHING_RENDERED;
  return renderings.map(([task, ms]) => {
    const { shown, rendered } = showAfter(before, task, START + ms);
    before = rendered;
    return shown?.done;
  });
}

const first = running(1, { done: 50, total: 150, rate: 25 });

it('a count does not go back when the clock is corrected back, with the same snapshot or the next one', () => {
  const progress = { done: 91, total: 150, rate: 25 };
  const next = evolve(first, { type: 'progress', at: new Date(START + 1_650).toISOString(), attempt: 1, progress });
  expect(renderAll([first, 1_730], [first, 1_690], [next, 1_690], [next, 1_850])).toEqual([93, 93, 93, 96]);
});

it('a count does not go back by rounding, whatever count, total and rate are', () => {
  const count = fc.integer({ min: 1, max: 1_000 });
  fc.assert(
    fc.property(
      count,
      count,
      fc.integer({ min: 1, max: 100 }),
      fc.integer({ min: 1, max: 9 }),
      (done, left, rate, second) => {
        const task = running(1, { done, total: done + left, rate });
        // After a whole second a whole number of elements is done.
        const [before = 0, after] = renderAll([task, second * 1_000], [task, second * 1_000 - 40]);
        expect(after).toBeGreaterThanOrEqual(before);
      },
    ),
  );
});

it('a count without a total does not go back either', () => {
  const open = running(1, { done: 50, total: null, rate: 25 });
  expect(renderAll([open, 1_730], [open, 1_690])).toEqual([93, 93]);
});

it('a count begins again with another task, another attempt, and the children that a task waits for', () => {
  const error = { code: 'broken', message: 'It broke.', retryable: true };
  const again = evolve(
    first,
    { type: 'fail', at: at(2), attempt: 1, error, retryAt: at(3) },
    { type: 'start', at: at(3) },
    { type: 'progress', at: at(3), attempt: 2, progress: { done: 1, total: 150 } },
  );
  expect(renderAll([first, 2_000], [again, 3_000])).toEqual([100, 1]);
  expect(renderAll([first, 2_000], [running(2, { done: 3, total: 9 }), 2_000], [null, 2_000])).toEqual([
    100,
    3,
    undefined,
  ]);
  const children = {
    type: 'children',
    at: at(2),
    children: { total: 60, ended: 0, failed: 0 },
    returned: null,
  } as const;
  const waiting = evolve(evolve(first, { ...children, onChildFailure: 'ignore' }), {
    type: 'succeed',
    at: at(2),
    attempt: 1,
    result: null,
  });
  expect(renderAll([first, 2_000], [waiting, 2_000])).toEqual([100, 0]);
});
