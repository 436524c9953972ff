/** What a row shows of its task, independent of how it is drawn. Pure: follows from a snapshot, its memory and the time. */

import { PACE_HORIZON_MS } from '../../../core/tasks/pace.ts';
import type {
  QueuedSnapshot,
  RetryingSnapshot,
  RunningSnapshot,
  Snapshot,
  SucceededSnapshot,
} from '../../../core/tasks/snapshot.ts';
import { canCancel, canRetry } from '../../../core/tasks/transition.ts';
import { isGone } from '../../feed/state/merge.ts';
import { FULLEST_BAR, GROWTH_SHOWN, NO_SIGN_AFTER, SHORTEST_WAIT } from '../limits.ts';
import type { TaskMemory } from '../memory.ts';
import { type ShownProgress, shownProgress } from '../shown-progress.ts';
import { capitalize, factsOf, linksOf, type ResultLink, toWords } from './result.ts';
import { timeLeft } from './time-left.ts';
import { explain, type Wording } from './wording.ts';

/** What a row is marked as, by a shape and a colour. */
export type Tone = 'waiting' | 'active' | 'warning' | 'good' | 'partial' | 'bad' | 'neutral';

/** What a row shows and offers. All texts are plain text, never markup. */
export interface RowView {
  readonly id: string;
  readonly title: string;
  readonly tone: Tone;
  /** The status in words: "Running". */
  readonly status: string;
  /** How far, how long, how many: "42 of 256 · about 2 min left". */
  readonly facts: readonly string[];
  /** Why, in sentences: the reason of a failure, a note, a sign of life. */
  readonly remarks: readonly string[];
  /**
   * Null for no bar. `fraction` is from 0 to below 1, null where it is not known. A bar that moves on by itself waits
   * for `movesTo.afterMs` milliseconds, and is at `movesTo.fraction` in `movesTo.inMs` milliseconds. It may go back only where
   * `subject` is another one: attempt, stage and total.
   */
  readonly bar: {
    readonly fraction: number | null;
    readonly text: string;
    readonly movesTo: { readonly fraction: number; readonly afterMs: number; readonly inMs: number } | null;
    readonly subject: string;
  } | null;
  /** Shares of a partial success that add up to 1: done, skipped, failed. Null for no such bar. */
  readonly segments: readonly [done: number, skipped: number, failed: number] | null;
  readonly links: readonly ResultLink[];
  readonly action: 'cancel' | 'retry' | null;
  /** The task has ended, and may be removed. */
  readonly canDismiss: boolean;
  /** The row may be out of date: the server cannot be reached, or nothing was heard of the worker for more than 10 s. */
  readonly isStale: boolean;
  /** Whether the row changes as time passes. */
  readonly isTicking: boolean;
  /** The task takes longer than usual, or waits for a worker that can do it: to be announced once. */
  readonly isSlow: boolean;
}

/** What a row depends on besides its task. */
export interface RowContext {
  readonly wording: Wording;
  /** Server time in milliseconds. */
  readonly now: number;
  /** The server cannot be reached. */
  readonly isStale: boolean;
  /** The task was retried. */
  readonly isRetried: boolean;
  /** The page's address, for links. */
  readonly base: string;
}

/**
 * After this long without progress, in milliseconds, a row says so. A worker that lives is heard every 10 s. The half second
 * more is for a message on its way, which would otherwise make the words appear and vanish.
 */
const QUIET = PACE_HORIZON_MS + 500;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A row in the making, and all that it is made of. */
interface Draft<S extends Snapshot = Snapshot> extends TaskMemory, RowContext {
  readonly snapshot: S;
  readonly shown: ShownProgress | null;
  readonly row: Mutable<RowView> & { facts: string[]; remarks: string[] };
}

/**
 * What the row of a task shows at `context.now`. Call it again for each snapshot, and each second while `isTicking` is true.
 * @example
 * const memory = remember(memories.get(task.id), task);
 * const row = describeTask(memory, { wording: ENGLISH, now, isStale: false, isRetried: false, base: location.href });
 */
export function describeTask(memory: TaskMemory, context: RowContext): RowView {
  const { snapshot } = memory;
  const { wording, now, isStale, isRetried } = context;
  const { id, title, status, error, finishedAt } = snapshot;
  const hasEnded = finishedAt !== null;
  const shown = hasEnded ? null : shownProgress(snapshot, now, memory.shownDone);
  const canDoAgain = canRetry(status) && !isRetried && !isGone(snapshot);
  const row: Draft['row'] = {
    id,
    title,
    tone: 'active',
    status: wording[status],
    facts: partsOf(snapshot, shown?.done, wording),
    remarks: [],
    bar: null,
    segments: null,
    links: [],
    action: canCancel(status) ? 'cancel' : canDoAgain ? 'retry' : null,
    canDismiss: hasEnded,
    isStale: isStale && !hasEnded,
    isTicking: true,
    isSlow: isWaitingForWorker(snapshot),
  };
  const draft = { ...memory, ...context, shown, row };
  switch (status) {
    case 'queued':
      describeQueued(draft as Draft<QueuedSnapshot>);
      break;
    case 'running':
      describeRunning(draft as Draft<RunningSnapshot>);
      describeWork(draft);
      break;
    case 'retrying':
      describeRetrying(draft as Draft<RetryingSnapshot>);
      break;
    case 'cancelling':
      row.tone = 'neutral';
      describeWork(draft);
      break;
    case 'succeeded':
      describeSuccess(draft as Draft<SucceededSnapshot>);
      break;
    case 'failed':
      row.tone = 'bad';
      break;
    case 'cancelled':
      row.tone = 'neutral';
  }
  if (error) row.remarks.push(explain(error, wording));
  if (hasEnded) {
    const age = now - Date.parse(finishedAt);
    row.facts.push(age < 60_000 ? wording.justNow : wording.ago(inWords(age, wording)));
    if (isRetried) row.remarks.push(wording.retried);
  }
  return row;
}

function describeQueued({ row, snapshot, wording, now, isStale }: Draft<QueuedSnapshot>): void {
  row.tone = 'waiting';
  // NaN where it is to start at once.
  const startsAt = Date.parse(snapshot.startsAt ?? '');
  row.isTicking = startsAt > now;
  if (row.isTicking) row.status = wording.startsAt(startsAt, now);
  else if (row.isSlow) {
    row.tone = 'warning';
    row.status = wording.waitingForWorker;
  } else if (snapshot.queue && !isStale) row.facts.push(wording.ahead(snapshot.queue.ahead));
}

function describeRunning({ row, snapshot, pace, shown, wording, now, isStale }: Draft<RunningSnapshot>): void {
  const { progress, attempt, expectedAt } = snapshot;
  if (hasWorker(snapshot) && progress?.stage !== undefined) row.status = capitalize(toWords(progress.stage));
  const left = isStale ? null : timeLeft(pace, progress, now, shown?.done);
  if (left !== null) row.facts.push(wording.timeLeft(wording.duration(left)));
  if (attempt > 1) row.remarks.push(wording.restarted(attempt, snapshot.attempts, progress?.from));
  row.isSlow = expectedAt !== null && now > Date.parse(expectedAt);
  if (row.isSlow) row.remarks.push(wording.slow);
  if (progress?.note) row.remarks.push(progress.note);
}

/** The bar of a task that a worker is at, and what is known of the worker. */
function describeWork({ row, snapshot, movedAt, grewAt, shown, wording, now, isStale }: Draft): void {
  const { progress, updatedAt } = snapshot;
  if (grewAt !== null && now - grewAt < GROWTH_SHOWN) row.remarks.push(wording.moreFound(progress?.total ?? null));
  const fraction = shown?.fraction ?? null;
  row.bar = {
    fraction: fraction === null ? null : Math.min(fraction, FULLEST_BAR),
    text: row.facts[0] ?? row.status,
    movesTo: notFull(fraction ?? 0, shown?.movesTo),
    subject: [snapshot.attempt, progress?.stage, progress?.total].join(),
  };
  const silence = now - Date.parse(snapshot.signOfLifeAt ?? updatedAt);
  const isSilent = hasWorker(snapshot) && silence >= QUIET;
  row.isStale ||= isSilent;
  if (isStale) row.remarks.push(wording.lastNews(inWords(now - Date.parse(updatedAt), wording)));
  else if (isSilent) {
    if (silence >= NO_SIGN_AFTER) row.tone = 'warning';
    row.remarks.push(wording.noSign(inWords(silence, wording)));
  } else if (hasWorker(snapshot) && now - movedAt >= QUIET) {
    row.remarks.push(wording.stillGoing(inWords(silence, wording)));
  }
}

function describeRetrying({ row, snapshot, wording, now }: Draft<RetryingSnapshot>): void {
  row.tone = 'warning';
  row.facts.push(wording.attempt(snapshot.attempt, snapshot.attempts));
  const wait = Date.parse(snapshot.expectedAt ?? snapshot.updatedAt) - now;
  if (row.isSlow) row.remarks.push(wording.waitingForWorker);
  else row.facts.push(wait > SHORTEST_WAIT ? wording.nextAttempt(inWords(wait, wording)) : wording.nextAttemptSoon);
}

function describeSuccess({ row, snapshot, wording, base }: Draft<SucceededSnapshot>): void {
  const facts = factsOf(snapshot.result, wording);
  if (facts.length) row.facts = facts;
  row.segments = toSegments(snapshot);
  row.tone = row.segments ? 'partial' : 'good';
  if (row.segments) row.status = wording.partial;
  row.links = linksOf(snapshot.result, wording, base);
}

/** Whether a worker is at a running task. None is while it waits for its children. Its progress then counts the children. */
function hasWorker(snapshot: Snapshot): boolean {
  return (snapshot as RunningSnapshot).waitingFor !== 'children';
}

/** A duration in whole seconds, never below 0: "12 s". */
function inWords(ms: number, wording: Wording): string {
  return wording.duration(Math.max(0, Math.round(ms / 1_000)));
}

/** The same move, cut off where the bar is as full as it gets. */
function notFull(from: number, move: ShownProgress['movesTo'] | undefined) {
  if (move?.fraction == null || from >= FULLEST_BAR) return null;
  const { fraction, afterMs, inMs } = move;
  const to = Math.min(fraction, FULLEST_BAR);
  return { ...move, fraction: to, inMs: afterMs + ((inMs - afterMs) * (to - from)) / (fraction - from) };
}

/** Whether no running worker can do the task, for example in the middle of a deploy. */
export function isWaitingForWorker(snapshot: Snapshot): boolean {
  const { status } = snapshot;
  return (status === 'queued' || status === 'retrying') && snapshot.waitingFor === 'worker';
}

/** Whether a success left something out. */
export function isPartialSuccess(snapshot: Snapshot): boolean {
  return toSegments(snapshot) !== null;
}

/** The facts about the progress: "42 of 256", "3 skipped". @param shownDone what to show as done instead of the snapshot's `done` */
function partsOf({ progress, status }: Snapshot, shownDone: number | undefined, wording: Wording): string[] {
  if (!progress) return [];
  const { total, skipped = 0, failed = 0 } = progress;
  const done = shownDone ?? progress.done;
  const parts = [status === 'succeeded' ? wording.done(done - skipped - failed, null) : wording.done(done, total)];
  if (skipped) parts.push(wording.skipped(skipped));
  if (failed) parts.push(wording.failedCount(failed));
  return parts;
}

/** The shares of a success that left something out; null for any other task. */
function toSegments({ progress, status }: Snapshot): RowView['segments'] {
  if (status !== 'succeeded' || !progress) return null;
  const { done, skipped = 0, failed = 0 } = progress;
  const all = Math.max(done, skipped + failed);
  if (skipped + failed === 0) return null;
  return [(all - skipped - failed) / all, skipped / all, failed / all];
}
