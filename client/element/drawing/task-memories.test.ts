// What a viewer was shown is not taken back within an attempt, however the estimate of the server's clock is corrected.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import { remember, type TaskMemory } from '../../headless/memory.ts';
import { markPage } from '../../headless/page-mark.ts';
import { shownProgress } from '../../headless/shown-progress.ts';
import { describeTask } from '../../headless/words/describe.ts';
import { ENGLISH } from '../../headless/words/wording.ts';
import { at, evolve, running } from '../../test-support/snapshots.ts';
import { createTaskMemories } from './task-memories.ts';

const TOTAL = 10_000;
const START = Date.parse(at(0));

/** What may happen between two drawings. The times are in milliseconds. */
type Step =
  | { readonly pass: number }
  /** The page's estimate of the server's clock is set forward by this; back if it is negative. */
  | { readonly correctBy: number }
  /** The worker reports that so many more are done, now at this rate. */
  | { readonly more: number; readonly rate: number | undefined };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ pass: fc.nat(4_000) }),
  fc.record({
    correctBy: fc.oneof(fc.integer({ min: -100, max: 100 }), fc.integer({ min: -3_600_000, max: 3_600_000 })),
  }),
  fc.record({
    more: fc.nat(300),
    rate: fc.option(fc.double({ min: 0.1, max: 200, noNaN: true }), { nil: undefined }),
  }),
);

/** Takes the steps, and calls `draw` after each, with the task and the server's time as the page knows them. */
function play(steps: readonly Step[], draw: (task: Snapshot, now: number) => void): void {
  let serverTime = START;
  let error = 0;
  let task = running(1, { done: 0, total: TOTAL, rate: 50 });
  draw(task, serverTime);
  for (const step of steps) {
    if ('pass' in step) serverTime += step.pass;
    else if ('correctBy' in step) error += step.correctBy;
    else {
      const { more, rate } = step;
      const progress = { done: (task.progress?.done ?? 0) + more, total: TOTAL, ...(rate !== undefined && { rate }) };
      task = evolve(task, { type: 'progress', at: new Date(serverTime).toISOString(), attempt: 1, progress });
    }
    draw(task, serverTime + error);
  }
}

/** Everything that is shown of the progress: the count in words, the bar, and the mark in the page's title. */
function shownOf(task: Snapshot, now: number, memories: ReadonlyMap<string, TaskMemory>): number[] {
  const memory = memories.get(task.id) as TaskMemory;
  const context = { wording: ENGLISH, now, isStale: false, isRetried: false, base: 'http://localhost/' };
  const { facts, bar } = describeTask(memory, context);
  const { fraction = null, text } = markPage([task], ENGLISH, now, memories) ?? {};
  return [
    Number(/^([\d,]+) of/.exec(facts[0] ?? '')?.[1]?.replace(',', '')),
    bar?.fraction ?? Number.NaN,
    fraction ?? Number.NaN,
    Number.parseInt(text ?? '', 10),
    shownProgress(task, now, memory.shownDone)?.done ?? Number.NaN,
  ];
}

/** Collects what is shown at each drawing. Returns a function that says whether nothing was ever less than before. */
function watch() {
  const drawings: number[][] = [];
  return {
    drawings,
    hasNeverGoneBack: () =>
      drawings.every((shown, n) => shown.every((value, index) => value >= (drawings[n - 1]?.[index] ?? 0))),
  };
}

describe('what is shown of a task never goes back when the estimate of the server’s clock is corrected', () => {
  it('in the tray, which remembers before each drawing', () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 40 }), (steps) => {
        const memories = createTaskMemories();
        const { drawings, hasNeverGoneBack } = watch();
        let tasks: readonly Snapshot[] = [];
        play(steps, (task, now) => {
          if (task !== tasks[0]) tasks = [task];
          drawings.push(shownOf(task, now, memories.update(tasks, now)));
        });
        // `drawings` is compared with itself so that a failure prints it.
        expect([hasNeverGoneBack(), drawings]).toEqual([true, drawings]);
      }),
    );
  });

  it('anywhere else, where `remember` is called for each drawing', () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 40 }), (steps) => {
        const memories = new Map<string, TaskMemory>();
        const { drawings, hasNeverGoneBack } = watch();
        play(steps, (task, now) => {
          memories.set(task.id, remember(memories.get(task.id), task, now));
          drawings.push(shownOf(task, now, memories));
        });
        // `drawings` is compared with itself so that a failure prints it.
        expect([hasNeverGoneBack(), drawings]).toEqual([true, drawings]);
      }),
    );
  });

  it('by 40 ms, by the answer that brings the next report, as once happened on a page that polled', () => {
    const memories = createTaskMemories();
    const first = running(1, { done: 50, total: 150, rate: 25 });
    expect(shownOf(first, START + 1_730, memories.update([first], START + 1_730))[0]).toBe(93);
    const next = evolve(first, {
      type: 'progress',
      at: new Date(START + 1_650).toISOString(),
      attempt: 1,
      progress: { done: 91, total: 150, rate: 25 },
    });
    expect(shownOf(next, START + 1_690, memories.update([next], START + 1_690))[0]).toBe(93);
  });
});

it('the memories stay the same objects while nothing changes and the clock goes on', () => {
  const memories = createTaskMemories();
  const tasks = [running(1, { done: 50, total: 150, rate: 25 })];
  const [before] = memories.update(tasks, START).values();
  const [after] = memories.update(tasks, START + 1_000).values();
  expect(after).toBe(before);
  memories.reset();
  expect(memories.update([], START).size).toBe(0);
});
