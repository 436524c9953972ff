/** How long a task will still take, as far as its pace tells. Pure, and silent rather than wrong. */

import type { Progress } from '../../../core/snapshot.ts';

/** What was learnt from the progress so far. */
export interface Pace {
  readonly stage: string | undefined;
  readonly done: number;
  /** Of how many. One that has changed by more than a little makes what was learnt void. */
  readonly total: number | null;
  /** When `done` was told; server time in milliseconds. */
  readonly at: number;
  /** Elements a second, smoothed; null until there are two reports. */
  readonly rate: number | null;
  /** How far single reports are from `rate`, smoothed, as a share of it. */
  readonly spread: number;
  /** For how long it has been watched, in milliseconds. */
  readonly watched: number;
}

/** Weight of old news fades by half in this many milliseconds. */
const HALF_LIFE = 8_000;
const MIN_WATCHED = 5_000;
const MAX_SPREAD = 0.6;
/** A total that has changed by less, as a share of it, changes little in what is left. */
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
  // Reports that come close together say little each; they are taken together.
  if (passed < 400) return before;
  const now = ((done - before.done) / passed) * 1_000;
  const keep = before.rate === null ? 0 : 0.5 ** (passed / HALF_LIFE);
  const rate = keep * (before.rate ?? 0) + (1 - keep) * now;
  const off = rate > 0 ? Math.abs(now - rate) / rate : 1;
  const spread = before.rate === null ? 0.5 : keep * before.spread + (1 - keep) * off;
  // The total stays as it was at first, so that many small changes add up.
  return { stage, done, total: before.total, at, rate, spread, watched: before.watched + passed };
}

function isSameTotal(before: number | null, now: number | null): boolean {
  if (before === null || now === null) return before === now;
  return Math.abs(now - before) <= SAME_TOTAL * before;
}

/**
 * Seconds left, in steps that do not flicker, or null where the pace is not reliable: too short a look, too uneven,
 * no total, no recent report, or stages (the ones to come are unknown).
 */
export function timeLeft(pace: Pace | null, progress: Progress | null, now: number): number | null {
  if (!pace?.rate || !progress?.total || progress.stage !== undefined) return null;
  if (pace.watched < MIN_WATCHED || pace.spread > MAX_SPREAD || now - pace.at > MIN_WATCHED) return null;
  const seconds = Math.max((progress.total - pace.done) / pace.rate - (now - pace.at) / 1_000, 1);
  const step = seconds > 600 ? 300 : seconds > 90 ? 60 : seconds > 20 ? 10 : 5;
  return Math.ceil(seconds / step) * step;
}
