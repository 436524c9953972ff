// Runs the worker's own rule for steps, and its estimator, on a made task in simulated time, and compares what a page shows with
// the truth. No services. For the part `pace`.
import { shownDone } from '../../core/tasks/pace.ts';
import type { Progress } from '../../core/tasks/snapshot.ts';
import { DueSteps } from '../../worker/due-steps.ts';

const STEP_MS = 10;
const LOOK_MS = 100;
/** A reporter looks so long after the first report that follows a pause (worker/looks.ts). */
const SOON_MS = 10;
const FIRST_MS = 200;
/** A page draws 50 frames a second here. */
const FRAME_MS = 20;

/** Says, at each step of time, what to tell the page; null for nothing. */
export type Sender = (now: number, truth: Progress) => Progress | null;

export interface PaceResult {
  /** Messages a minute, that the task is queued and its outcome among them. */
  readonly perMinute: number;
  /** By how many elements the count on the page was off, as a share of the total: on average, in 99 % of the frames, at most. */
  readonly mean: number;
  readonly p99: number;
  readonly most: number;
  /** The share of the frames in which the bar moved. */
  readonly moved: number;
}

/** inloop's sender with this accuracy. */
export function onSurprise(accuracy: number): Sender {
  const steps = new DueSteps(accuracy, null, 0);
  let nextLookAt = FIRST_MS;
  let soonAt = Number.POSITIVE_INFINITY;
  let isCalm = true;
  let seen = 0;
  let seenLast = 0;
  return (now, truth) => {
    if (truth.done !== seenLast && isCalm && now >= FIRST_MS) {
      isCalm = false;
      soonAt = now + SOON_MS;
    }
    seenLast = truth.done;
    if (now < nextLookAt && now < soonAt) return null;
    if (now >= soonAt) soonAt = Number.POSITIVE_INFINITY;
    if (now >= nextLookAt) nextLookAt += LOOK_MS;
    isCalm = truth.done === seen;
    seen = truth.done;
    if (steps.look(truth, now) === null) return null;
    const progress = steps.withRate(truth);
    steps.tell(progress, now);
    return progress;
  };
}

/** One that tells how far the task is every `ms`, where there is news. */
export function every(ms: number): Sender {
  let told = -1;
  return (now, truth) => {
    if (now % ms !== 0 || truth.done === told) return null;
    told = truth.done;
    return truth;
  };
}

/** @param times when each element is finished, in ms */
export function simulate(times: Float64Array, sender: Sender): PaceResult {
  const total = times.length;
  const end = times[total - 1] ?? 0;
  const errors: number[] = [];
  let finished = 0;
  let told: Progress | null = null;
  let toldAt = 0;
  let messages = 2;
  let bar = 0;
  let moves = 0;
  for (let now = STEP_MS; now < end; now += STEP_MS) {
    while (finished < total && (times[finished] ?? 0) <= now) finished += 1;
    const done = Math.min(finished, total - 1);
    const message = sender(now, { done, total });
    if (message !== null) {
      told = message;
      toldAt = now;
      messages += 1;
    }
    if (now % FRAME_MS !== 0) continue;
    const shown = told === null ? 0 : shownDone(told, now - toldAt);
    // A bar never goes back: it waits.
    if (shown > bar) moves += 1;
    bar = Math.max(bar, shown);
    errors.push(Math.abs(Math.floor(shown) - done) / total);
  }
  errors.sort((a, b) => a - b);
  return {
    perMinute: (messages / end) * 60_000,
    mean: errors.reduce((sum, error) => sum + error, 0) / errors.length,
    p99: errors[Math.floor(errors.length * 0.99)] ?? 0,
    most: errors.at(-1) ?? 0,
    moved: moves / errors.length,
  };
}
