/** How long a task will still take, by its pace. Pure. Says nothing where an estimate would be unreliable. */

import type { Progress } from '../../../core/snapshot.ts';

/** What the progress so far says about the pace. */
export interface Pace {
  readonly stage: string | undefined;
  readonly done: number;
  /** The total. When it changes by much, the pace is measured from the start again. */
  readonly total: number | null;
  /** When `done` was reported; server time in milliseconds. */
  readonly at: number;
  /** Elements a second, smoothed; null until there are two reports. */
  readonly rate: number | null;
  /** How far single reports differ from `rate`, smoothed, as a share of it. */
  readonly spread: number;
  /** For how long the pace was measured, in milliseconds. */
  readonly watched: number;
}

/** The weight of old reports halves in this time, in milliseconds. */
const HALF_LIFE = 8_000;
const MIN_WATCHED = 5_000;
const MAX_SPREAD = 0.6;
/** A total that changes by less than this share of it changes the estimate little. */
const SAME_TOTAL = 0.02;

/** The pace after one more report. `at` is server time in milliseconds. */
export function observePace(before: Pace | null, progress: Progress, at: number): Pace {
  const { stage, done, total } = progress;
  const isFresh =
    before === null ||
    before.stage !== stage ||
    done < before.done ||
    at < before.at ||
    !isSameTotal(before.total, total);
  if (isFresh) return { stage, done, total, at, rate: null, spread: 1, watched: 0 };
  const passed = at - before.at;
  // Single reports that come close together are noisy, so they are counted together.
  if (passed < 400) return before;
  const now = ((done - before.done) / passed) * 1_000;
  const keep = before.rate === null ? 0 : 0.5 ** (passed / HALF_LIFE);
  const rate = keep * (before.rate ?? 0) + (1 - keep) * now;
  const off = rate > 0 ? Math.abs(now - rate) / rate : 1;
  const spread = before.rate === null ? 0.5 : keep * before.spread + (1 - keep) * off;
  // Keep the first total, so that many small changes add up to a big one.
  return { stage, done, total: before.total, at, rate, spread, watched: before.watched + passed };
}

function isSameTotal(before: number | null, now: number | null): boolean {
  if (before === null || now === null) return before === now;
  return Math.abs(now - before) <= SAME_TOTAL * before;
}

/**
 * Seconds left, in coarse steps that do not flicker, or null where the pace is not reliable: measured too briefly, too
 * uneven, no total, no recent report, or stages (how long the next ones take is unknown).
 */
export function timeLeft(pace: Pace | null, progress: Progress | null, now: number): number | null {
  if (!pace?.rate || !progress?.total || progress.stage !== undefined) return null;
  if (pace.watched < MIN_WATCHED || pace.spread > MAX_SPREAD || now - pace.at > MIN_WATCHED) return null;
  const seconds = Math.max((progress.total - pace.done) / pace.rate - (now - pace.at) / 1_000, 1);
  const step = seconds > 600 ? 300 : seconds > 90 ? 60 : seconds > 20 ? 10 : 5;
  return Math.ceil(seconds / step) * step;
}
