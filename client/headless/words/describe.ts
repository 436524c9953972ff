/** What a row shows of its task, independent of how it is drawn. Pure: follows from a snapshot, its memory and the time. */

import { PACE_HORIZON_MS } from '../../../core/tasks/pace.ts';
import { isFinished, type RunningSnapshot, type Snapshot } from '../../../core/tasks/snapshot.ts';
import { canCancel, canRetry } from '../../../core/tasks/transition.ts';
import { isGone } from '../../feed/state/merge.ts';
import { stageOf, type TaskMemory } from '../memory.ts';
import { type ShownProgress, shownProgress } from '../shown-progress.ts';
import { capitalize, factsOf, linksOf, type ResultLink, toWords } from './result.ts';
import { timeLeft } from './time-left.ts';
import { explain, type Wording } from './wording.ts';

/** How a row looks: by shape and colour. */
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

/** How long a row says that the total has grown, in milliseconds. */
const GROWTH_SHOWN = 15_000;
/**
 * After this long without progress, in milliseconds, a row says so. A worker that lives is heard every 10 s; half a second more,
 * so that a message that is on its way does not make the words flicker.
 */
const QUIET = PACE_HORIZON_MS + 500;
/** After this long without a sign of life, in milliseconds, a row warns that the worker may be gone. */
const NO_SIGN = 30_000;
/** How full a bar gets before the outcome, from 0 to 1: a full bar would look finished. */
const FULLEST = 0.985;
/** A wait of less than this would read "starts in 0 s", in milliseconds. */
const SHORTEST_WAIT = 500;

/**
 * What the row of a task shows at `context.now`. Call it again for each snapshot, and each second while `isTicking` is true.
 * @example
 * const memory = remember(memories.get(task.id), task);
 * const row = describeTask(memory, { wording: ENGLISH, now, isStale: false, isRetried: false, base: location.href });
 */
export function describeTask(memory: TaskMemory, context: RowContext): RowView {
  const { snapshot, movedAt, pace, grewAt } = memory;
  const { wording, now, isStale, isRetried, base } = context;
  const seconds = (ms: number) => wording.duration(Math.max(0, Math.round(ms / 1_000)));
  const since = (at: string) => now - Date.parse(at);
  const { id, title, progress, attempt, attempts } = snapshot;
  const shown = isFinished(snapshot) ? null : shownProgress(snapshot, now, memory.shownDone);
  const parts = partsOf(snapshot, shown?.done, wording);
  let facts = [...parts];
  const remarks: string[] = [];
  let status: string = wording[snapshot.status];
  let tone: Tone = 'active';
  let bar: RowView['bar'] = null;
  let segments: RowView['segments'] = null;
  let links: RowView['links'] = [];
  const isWaiting = isWaitingForWorker(snapshot);
  let isSlow = isWaiting;
  let isSilent = false;
  let isTicking = true;
  // No worker is at a task that waits for its children, and its stage is none of its own.
  const hasWorker = (snapshot as RunningSnapshot).waitingFor !== 'children';

  const showWork = () => {
    if (grewAt !== null && now - grewAt < GROWTH_SHOWN) remarks.push(wording.moreFound(progress?.total ?? null));
    const fraction = shown?.fraction ?? null;
    bar = {
      fraction: fraction === null ? null : Math.min(fraction, FULLEST),
      text: parts[0] ?? status,
      movesTo: notFull(fraction ?? 0, shown?.movesTo),
      subject: [attempt, stageOf(snapshot), progress?.total].join(),
    };
    const silence = since(snapshot.signOfLifeAt ?? snapshot.updatedAt);
    isSilent = hasWorker && silence >= QUIET;
    if (isStale) remarks.push(wording.lastNews(seconds(since(snapshot.updatedAt))));
    else if (isSilent) {
      if (silence >= NO_SIGN) tone = 'warning';
      remarks.push(wording.noSign(seconds(silence)));
    } else if (hasWorker && now - movedAt >= QUIET) remarks.push(wording.stillGoing(seconds(silence)));
  };

  switch (snapshot.status) {
    case 'queued': {
      tone = 'waiting';
      // NaN where it is to start at once.
      const wait = -since(snapshot.startsAt ?? '');
      isTicking = wait > 0;
      if (isTicking) status = wording.startsAt(now + wait, now);
      else if (isWaiting) {
        tone = 'warning';
        status = wording.waitingForWorker;
      } else if (snapshot.queue && !isStale) facts.push(wording.ahead(snapshot.queue.ahead));
      break;
    }
    case 'running': {
      if (hasWorker && progress?.stage !== undefined) status = capitalize(toWords(progress.stage));
      const left = isStale ? null : timeLeft(pace, progress, now, shown?.done);
      if (left !== null) facts.push(wording.timeLeft(wording.duration(left)));
      if (attempt > 1) remarks.push(wording.restarted(attempt, attempts, progress?.from));
      isSlow = snapshot.expectedAt !== null && now > Date.parse(snapshot.expectedAt);
      if (isSlow) remarks.push(wording.slow);
      if (progress?.note) remarks.push(progress.note);
      showWork();
      break;
    }
    case 'retrying': {
      tone = 'warning';
      const wait = -since(snapshot.expectedAt ?? snapshot.updatedAt);
      facts.push(wording.attempt(attempt, attempts));
      if (isWaiting) remarks.push(wording.waitingForWorker);
      else facts.push(wait > SHORTEST_WAIT ? wording.nextTry(seconds(wait)) : wording.nextTrySoon);
      break;
    }
    case 'cancelling':
      tone = 'neutral';
      showWork();
      break;
    case 'succeeded': {
      const own = factsOf(snapshot.result, wording);
      if (own.length) facts = own;
      segments = toSegments(snapshot);
      tone = segments ? 'partial' : 'good';
      if (segments) status = wording.partial;
      links = linksOf(snapshot.result, wording, base);
      break;
    }
    case 'failed':
      tone = 'bad';
      break;
    case 'cancelled':
      tone = 'neutral';
  }
  if (snapshot.error) remarks.push(explain(snapshot.error, wording));
  if (isFinished(snapshot)) {
    const age = since(snapshot.finishedAt);
    facts.push(age < 60_000 ? wording.justNow : wording.ago(seconds(age)));
    if (isRetried) remarks.push(wording.retried);
  }

  const canDoAgain = canRetry(snapshot.status) && !isRetried && !isGone(snapshot);
  return {
    id,
    title,
    tone,
    status,
    facts,
    remarks,
    bar,
    segments,
    links,
    isSlow,
    action: canCancel(snapshot.status) ? 'cancel' : canDoAgain ? 'retry' : null,
    canDismiss: isFinished(snapshot),
    isStale: (isStale || isSilent) && !isFinished(snapshot),
    isTicking,
  };
}

/** The same move, which ends where the bar is as full as it gets. */
function notFull(from: number, move: ShownProgress['movesTo'] | undefined) {
  if (move?.fraction == null || from >= FULLEST) return null;
  const { fraction, afterMs, inMs } = move;
  const to = Math.min(fraction, FULLEST);
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

/** @param shownDone what to show as done in place of what the snapshot says */
function partsOf({ progress, status }: Snapshot, shownDone: number | undefined, wording: Wording): string[] {
  if (!progress) return [];
  const { total, skipped = 0, failed = 0 } = progress;
  const done = shownDone ?? progress.done;
  const parts = [
    wording.done(status === 'succeeded' ? done - skipped - failed : done, status === 'succeeded' ? null : total),
  ];
  if (skipped) parts.push(wording.skipped(skipped));
  if (failed) parts.push(wording.failedCount(failed));
  return parts;
}

function toSegments({ progress, status }: Snapshot): RowView['segments'] {
  if (status !== 'succeeded' || !progress) return null;
  const { done, skipped = 0, failed = 0 } = progress;
  const all = Math.max(done, skipped + failed);
  if (skipped + failed === 0) return null;
  return [(all - skipped - failed) / all, skipped / all, failed / all];
}
