import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { OutcomeSnapshot } from '../../../core/tasks/snapshot.ts';
import { failed, succeeded } from '../../test-support/snapshots.ts';
import { addSummary, addToasts, keepToasts, NO_TOASTS, passTime, showToasts, type ToastQueue } from './toasts.ts';

const good = (number: number) => succeeded(number) as OutcomeSnapshot;
const bad = (number: number) => failed(number) as OutcomeSnapshot;
const isSticky = ({ status }: OutcomeSnapshot) => status === 'failed';
const ids = (queue: ToastQueue) => queue.toasts.map(({ task }) => Number(task.id.slice(-4)));

/** A queue, and a clock that the test moves. */
class TimedQueue {
  queue = NO_TOASTS;
  now = 0;
  duration: number;

  constructor(duration = 6_000) {
    this.duration = duration;
  }

  add(...tasks: OutcomeSnapshot[]): this {
    this.queue = addToasts(this.queue, tasks, { now: this.now, duration: this.duration, isSticky });
    return this;
  }

  wait(ms: number, isPaused = false): this {
    this.now += ms;
    this.queue = passTime(this.queue, this.now, isPaused);
    return this;
  }
}

describe('toasts', () => {
  it('go after their time, which stops while they are paused', () => {
    const timed = new TimedQueue().add(good(1)).wait(5_999);
    expect(ids(timed.queue)).toEqual([1]);
    expect(showToasts(timed.queue).next).toBe(1);
    expect(ids(timed.wait(60_000, true).queue)).toEqual([1]);
    expect(ids(timed.wait(1).queue)).toEqual([]);
  });

  it('stay when they failed or last for ever, and are not there at all with a duration of 0', () => {
    expect(ids(new TimedQueue().add(bad(1)).wait(1e9).queue)).toEqual([1]);
    expect(ids(new TimedQueue(Number.POSITIVE_INFINITY).add(good(1)).wait(1e12).queue)).toEqual([1]);
    expect(new TimedQueue(0).add(good(1), bad(2)).queue).toBe(NO_TOASTS);
    expect(new TimedQueue(Number.NaN).add(good(1)).queue).toBe(NO_TOASTS);
  });

  it('are three at most, the newest; the rest are counted and get their time later', () => {
    const timed = new TimedQueue();
    for (let number = 1; number <= 5; number++) timed.add(good(number)).wait(1_001);
    const { shown, more } = showToasts(timed.queue);
    expect([shown.map(({ task }) => Number(task.id.slice(-4))), more]).toEqual([[5, 4, 3], 2]);
    timed.wait(4_999);
    expect(ids(timed.queue)).toEqual([2, 1]);
    expect(showToasts(timed.queue).next).toBeGreaterThan(0);
  });

  it('show each failure by itself: of 300 outcomes the three that failed are shown', () => {
    const many = Array.from({ length: 300 }, (_, n) => (n % 100 === 50 ? bad(n) : good(n)));
    const options = { duration: 6_000, isSticky };
    const atOnce = addToasts(NO_TOASTS, many, { ...options, now: 0 });
    const bitByBit = many.reduce((queue, task, n) => addToasts(queue, [task], { ...options, now: 10 * n }), NO_TOASTS);
    for (const queue of [atOnce, bitByBit]) {
      expect(showToasts(passTime(queue, 60_000, false)).shown.map(({ task }) => task.id)).toEqual([
        bad(250).id,
        bad(150).id,
        bad(50).id,
      ]);
      expect(queue.summary).toHaveLength(297);
      expect(queue.summary.some(({ status }) => status === 'failed')).toBe(false);
    }
  });

  it('are one summary for a burst, whether its outcomes come at once or one by one', () => {
    const all = Array.from({ length: 50 }, (_, index) => good(index + 1));
    const atOnce = new TimedQueue().add(...all).queue;
    expect([atOnce.toasts.length, atOnce.summary.length]).toEqual([0, 50]);
    const timed = new TimedQueue().add(bad(99)).wait(5_000);
    for (const task of all) timed.add(task).wait(100);
    expect(ids(timed.queue)).toEqual([99]);
    expect(timed.queue.summary.map(({ id }) => id)).toEqual(all.map(({ id }) => id));
    expect(ids(timed.wait(1_000).add(good(60)).queue)).toEqual([60, 99]);
  });

  it('lose and double nothing, whatever happens when', () => {
    const step = fc.oneof(
      fc.record({ add: fc.array(fc.boolean(), { maxLength: 6 }) }),
      fc.record({ wait: fc.nat(4_000), isPaused: fc.boolean() }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const timed = new TimedQueue();
        let number = 0;
        /** For how many ms each was shown, without pauses. */
        const lived = new Map<string, number>();
        const failures: string[] = [];
        const told: string[] = [];
        for (const one of steps) {
          if ('add' in one) {
            const tasks = one.add.map((isBad) => (isBad ? bad(++number) : good(++number)));
            failures.push(...tasks.filter(isSticky).map(({ id }) => id));
            told.push(...tasks.map(({ id }) => id));
            timed.add(...tasks);
          } else {
            const before = showToasts(timed.queue).shown;
            timed.wait(one.wait, one.isPaused);
            for (const { task } of before)
              lived.set(task.id, (lived.get(task.id) ?? 0) + (one.isPaused ? 0 : one.wait));
          }
          const kept = [...timed.queue.toasts.map(({ task }) => task.id), ...timed.queue.summary.map(({ id }) => id)];
          expect(new Set(kept).size).toBe(kept.length);
          for (const id of failures) expect(kept).toContain(id);
          for (const id of told) if (!kept.includes(id)) expect(lived.get(id)).toBeGreaterThanOrEqual(6_000);
          const { shown, more } = showToasts(timed.queue);
          expect(shown.length).toBeLessThanOrEqual(3);
          expect(shown.length + more).toBe(timed.queue.toasts.length);
        }
      }),
    );
  });

  it('keep those that are still wanted, and stay the same object if that is all of them', () => {
    const queue = addSummary(new TimedQueue().add(good(1), bad(2)).queue, [good(3), good(4)]);
    expect(keepToasts(queue, () => true)).toBe(queue);
    const kept = keepToasts(queue, ({ id }) => /[14]$/.test(id));
    expect([ids(kept), kept.summary.length]).toEqual([[1], 1]);
  });
});
