import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { shownDone } from '../../core/tasks/pace.ts';
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
    [0, 40, 0.4, { fraction: 0.9, afterMs: 0, inMs: 10_000 }],
    [2.5, 52, 0.525, { fraction: 0.9, afterMs: 0, inMs: 7_500 }],
    [10, 90, 0.9, null],
    [3_600, 90, 0.9, null],
    // The server's time is only estimated, and the estimate may be a little behind.
    [-1, 40, 0.4, { fraction: 0.9, afterMs: 0, inMs: 10_000 }],
  ])('after %s s it is %s of 100', (seconds, done, fraction, movesTo) => {
    expect(shownProgress(task(MOVING), now(seconds))).toEqual({ done, total: 100, fraction, movesTo });
  });

  it('never reaches the total', () => {
    const shown = shownProgress(task({ done: 98, total: 100, rate: 50 }), now(5));
    expect(shown).toEqual({ done: 99, total: 100, fraction: 0.99, movesTo: null });
    // 20 elements at 5 a second: it arrives one element before the total after 4 s, and does not take the 10 s of the horizon.
    const before = shownProgress(task({ done: 79, total: 100, rate: 5 }), now(2));
    expect(before).toMatchObject({ done: 89, movesTo: { fraction: 0.99, inMs: 2_000 } });
  });

  it('waits and then moves on, if more was shown already', () => {
    const shown = shownProgress(task(MOVING), now(2), 70);
    expect(shown).toEqual({
      done: 70,
      total: 100,
      fraction: 0.7,
      movesTo: { fraction: 0.9, afterMs: 4_000, inMs: 8_000 },
    });
    expect(shownProgress(task(MOVING), now(2), 95)).toMatchObject({ done: 95, movesTo: null });
  });

  it('moves as an earlier call has announced, at whatever times it is asked for', () => {
    const progress = fc.record({
      done: fc.nat(1_000),
      total: fc.option(fc.nat(1_000)),
      rate: fc.double({ min: 0.01, max: 200, noNaN: true }),
    });
    fc.assert(
      fc.property(progress, fc.nat(12_000), fc.nat(12_000), fc.nat(1_000), ({ done, total, rate }, at1, at2, least) => {
        const one = task({ done, total: total !== null && total > done ? total : null, rate });
        const [first, second] = [Math.min(at1, at2), Math.max(at1, at2)].map((ms) =>
          shownProgress(one, now(ms / 1_000), least),
        );
        expect(second?.done).toBeGreaterThanOrEqual(first?.done ?? 0);
        // Only a bar that shows more than the rate has reached by now has to wait.
        const isMoved = shownDone(one.progress as Progress, Math.min(at1, at2)) >= least;
        if (isMoved) expect(first?.movesTo?.afterMs ?? 0).toBe(0);
        const goal = first?.movesTo;
        const passed = Math.abs(at2 - at1);
        if (!goal || goal.fraction === null || first?.fraction == null) return;
        // How far the bar has come at the later time, from 0 to 1 of the way that `first` has announced.
        const share = Math.min(Math.max((passed - goal.afterMs) / (goal.inMs - goal.afterMs), 0), 1);
        expect(second?.fraction).toBeCloseTo(first.fraction + share * (goal.fraction - first.fraction), 6);
      }),
    );
  });

  it('stands still without a rate', () => {
    expect(shownProgress(task({ done: 40, total: 100 }), now(5))).toMatchObject({ done: 40, movesTo: null });
  });

  it('goes on counting where the total is not known, without a bar', () => {
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

describe('what was shown', () => {
  const context = (seconds: number) => ({
    wording: ENGLISH,
    now: now(seconds),
    isStale: false,
    isRetried: false,
    base: 'http://localhost/',
  });
  const first = remember(undefined, task(MOVING));

  it('is not taken back by a message that says less: the count stands still until the progress has caught up', () => {
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

  it('is corrected upwards at once', () => {
    const faster = evolve(task(MOVING), {
      type: 'progress',
      at: at(4),
      attempt: 1,
      progress: { done: 80, total: 100 },
    });
    expect(describeTask(remember(first, faster, now(4)), context(4)).facts[0]).toBe('80 of 100');
  });

  it('stays where a task is cancelled', () => {
    const cancelling = evolve(task(MOVING), { type: 'cancel', at: at(4) });
    const memory = remember(first, cancelling, now(4));
    expect(describeTask(memory, context(9)).bar).toMatchObject({ fraction: 0.6, movesTo: null });
  });

  it('begins at 0 again in another attempt', () => {
    const failure = { code: 'broken', message: 'It broke.', retryable: true };
    const again = evolve(
      task(MOVING),
      { type: 'fail', at: at(4), attempt: 1, error: failure, retryAt: at(5) },
      { type: 'start', at: at(5) },
      { type: 'progress', at: at(5), attempt: 2, progress: { done: 1, total: 100 } },
    );
    expect(describeTask(remember(first, again, now(5)), context(5)).facts[0]).toBe('1 of 100');
  });

  it('moves on for 10 s and no longer where the connection is lost, and no news comes', () => {
    const { bar, facts } = describeTask(first, { ...context(2), isStale: true });
    expect([facts[0], bar?.fraction, bar?.movesTo?.inMs]).toEqual(['50 of 100', 0.5, 8_000]);
    expect(describeTask(first, { ...context(60), isStale: true }).bar).toMatchObject({ fraction: 0.9, movesTo: null });
  });

  it('moves, as a bar, at the pace of the count up to 98.5 %, where the bar stops', () => {
    const memory = remember(undefined, task({ done: 960, total: 1_000, rate: 10 }));
    const { bar } = describeTask(memory, context(0));
    // The count goes on to 999, which it reaches after 3.9 s.
    expect(bar).toMatchObject({ fraction: 0.96, movesTo: { fraction: 0.985 } });
    expect(bar?.movesTo?.inMs).toBeCloseTo(2_500);
    expect(describeTask(memory, context(3)).bar).toMatchObject({ fraction: 0.985, movesTo: null });
  });
});

it('the mark of a page moves on as the rows do', () => {
  expect(markPage([task(MOVING)], ENGLISH, now(2))).toMatchObject({ text: '50 %' });
  expect(markPage([task(MOVING)], ENGLISH)?.text).toBe('40 %');
});

it('the mark of a page does not go back either', () => {
  const slower = evolve(task(MOVING), { type: 'progress', at: at(4), attempt: 1, progress: { done: 45, total: 100 } });
  const memory = remember(remember(undefined, task(MOVING)), slower, now(4));
  expect(markPage([slower], ENGLISH, now(5), new Map([[slower.id, memory]]))?.text).toBe('60 %');
});

it('the time left is shown until the next message is overdue', () => {
  const second = evolve(task(MOVING), {
    type: 'progress',
    at: at(10),
    attempt: 1,
    progress: { ...MOVING, done: 60, total: 1_000, rate: 2 },
  });
  const first = remember(undefined, task({ ...MOVING, total: 1_000, rate: 2 }));
  const memory = remember(first, second, now(10));
  const left = (seconds: number) =>
    describeTask(memory, {
      wording: ENGLISH,
      now: now(seconds),
      isStale: false,
      isRetried: false,
      base: 'http://localhost/',
    }).facts[1];
  expect([left(10), left(20.2), left(21)]).toEqual(['about 8 min left', 'about 8 min left', undefined]);
  expect(left(19.9)).toBe('about 8 min left');
});

it('a row without a message for 10 s looks old and does not claim that the work goes on', () => {
  const context = { wording: ENGLISH, isStale: false, isRetried: false, base: 'http://localhost/' };
  const memory = remember(undefined, task(MOVING));
  expect(describeTask(memory, { ...context, now: now(10.2) })).toMatchObject({
    isStale: false,
    remarks: [],
    tone: 'active',
  });
  expect(describeTask(memory, { ...context, now: now(11) })).toMatchObject({
    isStale: true,
    remarks: ['No sign of the worker for 11 s'],
    tone: 'active',
  });
  expect(describeTask(memory, { ...context, now: now(31) })).toMatchObject({ isStale: true, tone: 'warning' });
});
