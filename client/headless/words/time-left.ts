/** Estimates how long a task will still take, from its pace. Gives no estimate where it would be unreliable. Pure. */

import { isRate, PACE_HORIZON_MS } from '../../../core/tasks/pace.ts';
import type { Progress } from '../../../core/tasks/snapshot.ts';
import { MAX_PACE_SPREAD, MIN_PACE_TIME, MIN_REPORT_GAP, PACE_HALF_LIFE, SAME_TOTAL } from '../limits.ts';

/** What the progress so far says about the pace. */
export interface Pace {
  readonly stage: string | undefined;
  readonly done: number;
  /** The total when the measurement began. If it changes by more than 2 %, the pace is measured from the start again. */
  readonly total: number | null;
  /** When `done` was reported; server time in milliseconds. */
  readonly at: number;
  /** Elements a second, smoothed; null until there are two reports. */
  readonly rate: number | null;
  /** How far single reports differ from `rate`, smoothed; 0.5 means by half of it. */
  readonly spread: number;
  /** For how long the pace has been measured, in milliseconds. */
  readonly watched: number;
}

/** The pace after one more report. `at` is server time in milliseconds. */
export function observePace(before: Pace | null, progress: Progress, at: number): Pace {
  const { stage, done, total } = progress;
  const isNewStart =
    before === null ||
    before.stage !== stage ||
    done < before.done ||
    at < before.at ||
    !isSameTotal(before.total, total);
  if (isNewStart) return { stage, done, total, at, rate: null, spread: 1, watched: 0 };
  const passed = at - before.at;
  if (passed < MIN_REPORT_GAP) return before;
  const latest = ((done - before.done) / passed) * 1_000;
  /** The weight of the reports before this one. */
  const keep = before.rate === null ? 0 : 0.5 ** (passed / PACE_HALF_LIFE);
  const rate = keep * (before.rate ?? 0) + (1 - keep) * latest;
  const deviation = rate > 0 ? Math.abs(latest - rate) / rate : 1;
  const spread = before.rate === null ? 0.5 : keep * before.spread + (1 - keep) * deviation;
  // `total` stays the first one, so that many small changes add up to a big change.
  return { stage, done, total: before.total, at, rate, spread, watched: before.watched + passed };
}

function isSameTotal(before: number | null, now: number | null): boolean {
  if (before === null || now === null) return before === now;
  return Math.abs(now - before) <= SAME_TOTAL * before;
}

/**
 * Seconds left, in coarse steps, so that the text changes rarely. Null where the pace is not reliable: measured too briefly, too
 * uneven, no total, no recent report, or stages (how long the next ones take is unknown).
 * @param shownDone how many elements are shown as done at `now`. Default: as many as were reported
 */
export function timeLeft(
  pace: Pace | null,
  progress: Progress | null,
  now: number,
  shownDone = pace?.done ?? 0,
): number | null {
  if (!pace?.rate || !progress?.total || progress.stage !== undefined) return null;
  // With a rate, the next report may be 10 s away, and on its way for a moment.
  const recent = isRate(progress.rate) ? PACE_HORIZON_MS + MIN_REPORT_GAP : MIN_PACE_TIME;
  if (pace.watched < MIN_PACE_TIME || pace.spread > MAX_PACE_SPREAD || now - pace.at > recent) return null;
  const byReport = (progress.total - pace.done) / pace.rate - (now - pace.at) / 1_000;
  const seconds = Math.max(Math.min(byReport, (progress.total - shownDone) / pace.rate), 1);
  const step = seconds > 600 ? 300 : seconds > 90 ? 60 : seconds > 20 ? 10 : 5;
  return Math.ceil(seconds / step) * step;
}
