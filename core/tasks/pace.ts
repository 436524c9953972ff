/**
 * How a viewer moves a bar between two messages. It serves the client, which draws bars by this rule, and the worker, which
 * sends a message only when a bar drawn by this rule would be wrong. Pure.
 *
 * Example: `{ done: 40, total: 100, rate: 5 }` shows 40 at once, 45 after 1 s, 90 after 10 s, and 90 from then on. A
 * message is due every 10 s. If none comes, nobody knows how the task goes on, so the bar stands still.
 */

import type { Progress } from './snapshot.ts';

/** For how long after a message a rate is believed, in ms. */
export const PACE_HORIZON_MS = 10_000;

/**
 * How many elements to show as done. A fraction: bars use it as it is, texts show its floor.
 *
 * Never less than `done`, and at most `total − 1` where `total` is known: nothing looks complete before its outcome.
 *
 * @param msSinceUpdate the server's time now, less the snapshot's `updatedAt`, in ms; less than 0 counts as 0
 */
export function shownDone(progress: Pick<Progress, 'done' | 'total' | 'rate'>, msSinceUpdate: number): number {
  const { done, total, rate } = progress;
  if (!isRate(rate)) return done;
  const moved = done + (rate * Math.min(Math.max(msSinceUpdate, 0), PACE_HORIZON_MS)) / 1_000;
  return total === null ? moved : Math.max(Math.min(moved, total - 1), done);
}

/** Whether `value` may be the rate of a progress: a number of elements a second, positive and finite. */
export function isRate(value: unknown): value is number {
  return typeof value === 'number' && value > 0 && value < Number.POSITIVE_INFINITY;
}

/** `progress` without its rate, for a change that tells no new `done`: a rate is right only from the `done` that it came with. */
export function withoutRate(progress: Progress | null): Progress | null {
  if (progress?.rate === undefined) return progress;
  const { rate, ...rest } = progress;
  return rest;
}
