import { describe, expect, it } from '@jest/globals';
import type { Progress } from '../../core/tasks/snapshot.ts';
import { at, evolve, queued, running, succeeded } from '../test-support/snapshots.ts';
import { remember } from './memory.ts';
import { markPage } from './page-mark.ts';
import { shownProgress } from './shown-progress.ts';
import { describeTask } from './words/describe.ts';
import { ENGLISH } from './words/wording.ts';

const now = (seconds: number) => Date.parse(at(seconds));
const task = (progress: Progress, seconds = 0) => running(1, progress, seconds);
const MOVING = { done: 40, total: 100, rate: 5 };

describe('what is shown between two messages', () => {
  it.each([
    [0, 40, 0.4, { fraction: 0.9, inMs: 10_000 }],
    [2.5, 52, 0.525, { fraction: 0.9, inMs: 7_500 }],
    [10, 90, 0.9, null],
    [3_600, 90, 0.9, null],
    // The clock of the page is estimated, and may be a little behind.
    [-1, 40, 0.4, { fraction: 0.9, inMs: 10_000 }],
  ])('after %s s it is %s of 100', (seconds, done, fraction, movesTo) => {
    expect(shownProgress(task(MOVING), now(seconds))).toEqual({ done, total: 100, fraction, movesTo });
  });

  it('never reaches the total', () => {
    const shown = shownProgress(task({ done: 98, total: 100, rate: 50 }), now(5));
    expect(shown).toEqual({ done: 99, total: 100, fraction: 0.99, movesTo: null });
  });

  it('stands still without a rate', () => {
    expect(shownProgress(task({ done: 40, total: 100 }), now(5))).toMatchObject({ done: 40, movesTo: null });
  });

  it('counts on where the total is not known, without a bar', () => {
    const shown = shownProgress(task({ done: 40, total: null, rate: 5 }), now(2));
    expect(shown).toMatchObject({ done: 50, fraction: null });
  });

  it('is nothing where there is no progress', () => {
    expect(shownProgress(queued(1), now(1))).toBeNull();
    expect(shownProgress(succeeded(1), now(1))).toBeNull();
  });

  it('does not go beyond a total that has shrunk', () => {
    expect(shownProgress(task({ done: 40, total: 50 }), now(0), 90)).toMatchObject({ done: 49 });
  });
});

describe('a correction', () => {
  const context = (seconds: number) => ({
    ...{ wording: ENGLISH, now: now(seconds), isStale: false, isRetried: false, base: 'http://localhost/' },
  });
  const first = remember(undefined, task(MOVING));

  it('does not take back what was shown: the count waits for the truth', () => {
    const slower = evolve(task(MOVING), {
      type: 'progress',
      at: at(4),
      attempt: 1,
      progress: { done: 45, total: 100 },
    });
    // It came 0.2 s after it left; until then 61 had been shown.
    const memory = remember(first, slower, now(4.2));
    expect(describeTask(memory, context(4.2)).facts[0]).toBe('61 of 100');
    expect(describeTask(memory, context(30)).facts[0]).toBe('61 of 100');
    expect(describeTask(memory, context(30)).bar).toMatchObject({ fraction: 0.61, movesTo: null });
  });

  it('upwards counts at once', () => {
    const faster = evolve(task(MOVING), {
      type: 'progress',
      at: at(4),
      attempt: 1,
      progress: { done: 80, total: 100 },
    });
    expect(describeTask(remember(first, faster, now(4)), context(4)).facts[0]).toBe('80 of 100');
  });

  it('of a cancelled task leaves the bar where it was shown', () => {
    const cancelling = evolve(task(MOVING), { type: 'cancel', at: at(4) });
    const memory = remember(first, cancelling, now(4));
    expect(describeTask(memory, context(9)).bar).toMatchObject({ fraction: 0.6, movesTo: null });
  });

  it('of another attempt begins anew', () => {
    const failure = { code: 'broken', message: 'It broke.', retryable: true };
    const again = evolve(
      task(MOVING),
      { type: 'fail', at: at(4), attempt: 1, error: failure, retryAt: at(5) },
      { type: 'start', at: at(5) },
      { type: 'progress', at: at(5), attempt: 2, progress: { done: 1, total: 100 } },
    );
    expect(describeTask(remember(first, again, now(5)), context(5)).facts[0]).toBe('1 of 100');
  });

  it('is not shown where the row may be out of date: nothing moves without news', () => {
    expect(describeTask(first, { ...context(1), isStale: true }).bar?.movesTo).toBeNull();
  });
});

it('the mark of a page moves on as the rows do', () => {
  expect(markPage([task(MOVING)], ENGLISH, now(2))?.text).toBe('50 %');
  expect(markPage([task(MOVING)], ENGLISH)?.text).toBe('40 %');
});
