/** Which task a crash of a worker is charged to, and what several crashes show together. */

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { judgeCrash, suspicionAfter } from './crash-verdict.ts';
import { type Isolation, NO_SUSPICION, type Probation, probationFor, type Suspicion } from './probation.ts';

const NOBODY: ReadonlySet<string> = new Set();
const task = (id: string, isolation: Isolation = 'free', suspicion: Partial<Suspicion> = {}) => ({
  id,
  isolation,
  suspicion: { ...NO_SUSPICION, ...suspicion },
});
const verdicts = (...of: Parameters<typeof judgeCrash>) => Object.fromEntries(judgeCrash(...of));

describe('a crash of a worker', () => {
  it('is charged to a task that ran alone', () => {
    expect(verdicts([task('a')], NOBODY)).toEqual({ a: 'charged' });
  });

  it('while several tasks ran is charged to none of them: each could be the cause', () => {
    expect(verdicts([task('a'), task('b')], NOBODY)).toEqual({ a: 'suspect', b: 'suspect' });
  });

  it('while one is on probation is charged to that one', () => {
    expect(verdicts([task('a'), task('b', 'probation'), task('c')], NOBODY)).toEqual({
      a: 'innocent',
      b: 'charged',
      c: 'innocent',
    });
  });

  it('that was blocked beyond the deadline of the only task fails that task', () => {
    expect(verdicts([task('a')], new Set(['a']))).toEqual({ a: 'deadline' });
  });

  it('that was blocked beyond the deadline of one of several tells nothing: any of them may have blocked it', () => {
    expect(verdicts([task('a'), task('b')], new Set(['b']))).toEqual({ a: 'suspect', b: 'suspect' });
  });

  it('that was blocked while one is on probation makes that one a stronger suspect, until it runs alone', () => {
    for (const overdue of ['a', 'b']) {
      expect(verdicts([task('a'), task('b', 'probation')], new Set([overdue]))).toEqual({
        a: 'innocent',
        b: 'suspect',
      });
    }
  });

  it('of a worker without tasks concerns nobody', () => {
    expect(verdicts([], NOBODY)).toEqual({});
  });

  it('is charged in the end even to a task that was never the only one, so that it ends some day', () => {
    expect(verdicts([task('a', 'free', { shared: 9 }), task('b')], NOBODY)).toEqual({ a: 'charged', b: 'suspect' });
  });
});

describe('the suspicion against a task', () => {
  it('grows with each crash that it may have caused, and holds the longest time that it had run', () => {
    const shared = suspicionAfter(NO_SUSPICION, 'suspect', 5_000);
    expect(shared).toEqual({ shared: 1, charged: 0, lived: 5_000 });
    expect(suspicionAfter(shared, 'charged', 2_000)).toEqual({ shared: 1, charged: 1, lived: 5_000 });
  });

  it('is taken back when another task turns out to be the cause', () => {
    expect(suspicionAfter({ shared: 1, charged: 1, lived: 5_000 }, 'innocent', 9_000)).toMatchObject({
      shared: 0,
      charged: 1,
    });
  });
});

// A simulation: at most one task kills its worker, and the worker is started again whenever it dies, until every task has ended.
describe('a worker with a killer among its tasks', () => {
  interface SimulatedTask {
    readonly id: string;
    /** After how many ms it ends, or kills its process. */
    readonly ms: number;
    readonly kills: boolean;
    attempt: number;
    suspicion: Suspicion;
    end: 'succeeded' | 'failed' | null;
  }

  /** One life of the process: returns when it dies, or has nothing left to do. */
  function live(tasks: SimulatedTask[], concurrency: number): void {
    const waiting = tasks.filter(({ end }) => end === null);
    const running = new Map<SimulatedTask, { readonly began: number; readonly probation: Probation }>();
    let now = 0;
    const isOnProbation = ({ began, probation }: { began: number; probation: Probation }) =>
      now < began + probation.probationMs;
    for (;;) {
      for (const next of [...waiting]) {
        const probation = probationFor(next.suspicion);
        const isExclusive = [...running.values()].some((other) => now < other.began + other.probation.exclusiveMs);
        if (running.size >= concurrency || isExclusive) break;
        if (probation.isolation === 'alone' && running.size > 0) continue;
        waiting.splice(waiting.indexOf(next), 1);
        running.set(next, { began: now, probation });
      }
      if (running.size === 0) return;
      const ends = [...running].flatMap(([sim, { began, probation }]) =>
        [sim.ms, probation.exclusiveMs, probation.probationMs].map((ms) => began + ms).filter((at) => at > now),
      );
      now = Math.min(...ends);
      for (const [sim, run] of [...running]) {
        if (run.began + sim.ms > now) continue;
        if (!sim.kills) {
          sim.end = 'succeeded';
          running.delete(sim);
          continue;
        }
        const crashed = [...running].map(([one, other]) => ({
          id: one.id,
          isolation: isOnProbation(other) ? other.probation.isolation : ('free' as const),
          suspicion: one.suspicion,
        }));
        for (const [id, verdict] of judgeCrash(crashed, NOBODY)) {
          const one = tasks.find((other) => other.id === id) as SimulatedTask;
          one.suspicion = suspicionAfter(one.suspicion, verdict, now - (running.get(one)?.began ?? now));
          if (verdict === 'charged') one.attempt += 1;
          if (one.attempt > 3) one.end = 'failed';
        }
        return;
      }
    }
  }

  const anyTask = fc.record({ ms: fc.integer({ min: 1, max: 2_000_000 }), kills: fc.boolean() });

  it('ends each of them: the killer fails, the others succeed on their first attempt', () => {
    fc.assert(
      fc.property(
        fc.array(anyTask, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 4 }),
        (specs, concurrency) => {
          // With one killer the verdict is always right. With more, an honest task may be beside a killer on its probation.
          const first = specs.findIndex(({ kills }) => kills);
          const tasks = specs.map(
            ({ ms, kills }, n): SimulatedTask => ({
              id: `t${n}`,
              ms,
              kills: kills && n === first,
              attempt: 1,
              suspicion: NO_SUSPICION,
              end: null,
            }),
          );
          for (let lives = 0; lives < 100 && tasks.some(({ end }) => end === null); lives++) live(tasks, concurrency);
          for (const { kills, end } of tasks) expect(end).toBe(kills ? 'failed' : 'succeeded');
          for (const { kills, attempt } of tasks) if (!kills) expect(attempt).toBe(1);
        },
      ),
    );
  });
});
