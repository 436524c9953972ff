/**
 * Turns what a handler reports into progress that can be stored and shown. Pure. It serves `transition.ts`, the store, the worker
 * and the client.
 */

import { MAX_NAME_LENGTH, MAX_NOTE_LENGTH } from '../limits.ts';
import { cut } from '../values/text.ts';
import { isRate } from './pace.ts';
import type { Progress } from './snapshot.ts';

/**
 * The progress to show after `report`, given what was shown before in the same attempt.
 *
 * Never throws, whatever a handler reports: a value that is no valid number counts as not given, and so does a property that
 * throws when it is read. Within a stage `done` never goes back, and it is never below `skipped + failed`.
 * While the task is active `done` stays below `total` (a total of 0 counts as not known), so that nothing looks
 * complete before its outcome. With `finished` it may reach `total`. A total of null says that it is not known, or not any
 * more. A total that is left out stays as it was, and so does `from`. A rate is never kept: it was right only for the `done`
 * that it came with.
 */
export function advance(shown: Progress | null, report: Progress, finished = false): Progress {
  const stage = textOf(read(report, 'stage'), MAX_NAME_LENGTH);
  const note = textOf(read(report, 'note'), MAX_NOTE_LENGTH);
  const before = shown !== null && shown.stage === stage ? shown : null;
  const reportedTotal = read(report, 'total');
  const total = reportedTotal === null ? null : (countOf(reportedTotal) ?? before?.total ?? null);
  const skipped = countOf(read(report, 'skipped')) ?? before?.skipped;
  const failed = countOf(read(report, 'failed')) ?? before?.failed;
  let done = Math.max(countOf(read(report, 'done')) ?? 0, (skipped ?? 0) + (failed ?? 0), before?.done ?? 0);
  const mustStayBelow = !finished && total !== null;
  if (mustStayBelow && done >= total) done = Math.max(total - 1, before?.done ?? 0);

  const next: { -readonly [K in keyof Progress]: Progress[K] } = {
    done,
    // A total that is not above `done` does not tell how much is left, so it counts as unknown.
    total: total === null || (mustStayBelow && total <= done) ? null : Math.max(total, done),
  };
  // `skipped` and `failed` are parts of `done`. If `done` was reduced, they may have to be reduced, too.
  if (skipped !== undefined) next.skipped = Math.min(skipped, done);
  if (failed !== undefined) next.failed = Math.min(failed, done - (next.skipped ?? 0));
  if (stage !== undefined) next.stage = stage;
  if (note !== undefined && note !== '') next.note = note;
  const from = finished ? undefined : (countOf(read(report, 'from')) ?? before?.from);
  if (from !== undefined) next.from = from;
  const rate = finished ? undefined : read(report, 'rate');
  if (isRate(rate)) next.rate = rate;
  return next;
}

/** Whether two progresses are equal. `from` is not compared: no bar shows it. */
export function sameProgress(a: Progress | null, b: Progress | null): boolean {
  if (a === null || b === null) return a === b;
  return (
    a.done === b.done &&
    a.total === b.total &&
    a.skipped === b.skipped &&
    a.failed === b.failed &&
    a.stage === b.stage &&
    a.note === b.note &&
    a.rate === b.rate
  );
}

/**
 * How much of the whole task is done, from 0 to 1, or null if that is not known.
 * @param weights of the stages, in their order. The stages before the current one count as done.
 */
export function fractionOf(progress: Progress | null, weights?: Readonly<Record<string, number>>): number | null {
  if (progress === null) return null;
  const ofStage = progress.total ? Math.min(progress.done / progress.total, 1) : null;
  if (!weights || progress.stage === undefined || !Object.hasOwn(weights, progress.stage)) return ofStage;
  let sum = 0;
  let passed = 0;
  let isPast = true;
  for (const [stage, weight] of Object.entries(weights)) {
    sum += weight;
    if (stage === progress.stage) isPast = false;
    if (isPast) passed += weight;
  }
  return (passed + (ofStage ?? 0) * (weights[progress.stage] ?? 0)) / sum;
}

/** A property of a report; undefined if reading it throws. */
function read(report: unknown, key: keyof Progress): unknown {
  try {
    return (report as Progress)[key];
  } catch {
    return undefined;
  }
}

function textOf(value: unknown, max: number): string | undefined {
  return typeof value === 'string' ? cut(value, max) : undefined;
}

function countOf(value: unknown): number | null {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) return null;
  return Math.min(Math.floor(value), Number.MAX_SAFE_INTEGER);
}
