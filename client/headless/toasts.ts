/**
 * The toasts: which outcomes are shown beside the page, and for how long. Pure: a queue, and functions that return the next
 * queue. A UI keeps the queue and passes the time in.
 *
 * A toast is a hint: the tray still holds what it does not show any more. The newest three are shown; the rest wait and
 * are counted. A burst of outcomes becomes one summary, except for its failures, so that three among 300 are found at once.
 * Failures, and outcomes that offer something to do, stay until they are dismissed.
 */

import type { OutcomeSnapshot } from '../../core/snapshot.ts';

/** One outcome on show, or waiting to be. */
export interface Toast {
  readonly task: OutcomeSnapshot;
  /** When it came; milliseconds. */
  readonly at: number;
  /** How long it will still be shown, in milliseconds; Infinity until it is dismissed. */
  readonly left: number;
}

export interface ToastQueue {
  /** Newest first. */
  readonly toasts: readonly Toast[];
  /** What is said in one: bursts, and what was missed. It stays until it is dismissed. */
  readonly summary: readonly OutcomeSnapshot[];
  /** When the last outcome came; milliseconds. */
  readonly lastAt: number;
  /** Until when time is counted; milliseconds. */
  readonly now: number;
}

export interface AddOptions {
  /** Milliseconds since whenever. */
  readonly now: number;
  /** How long a toast is shown, in milliseconds. Infinity: until it is dismissed. 0: no toast at all. */
  readonly duration: number;
  /** Whether there is something to do about an outcome, so that it must not go by itself. */
  readonly isSticky: (task: OutcomeSnapshot) => boolean;
}

/** Nothing to say. */
export const NO_TOASTS: ToastQueue = { toasts: [], summary: [], lastAt: -Infinity, now: 0 };

/** So many are shown at once. */
const MOST = 3;
/** More than {@link MOST} outcomes, each within this time of the one before, in milliseconds, are a burst. */
const BURST = 1_000;

/** The queue with `tasks` (oldest first) told of. */
export function addToasts(queue: ToastQueue, tasks: readonly OutcomeSnapshot[], options: AddOptions): ToastQueue {
  const { now, duration, isSticky } = options;
  if (!(duration > 0) || tasks.length === 0) return queue;
  const goesOn = now - queue.lastAt < BURST;
  const fresh = goesOn ? queue.toasts.filter(({ at }) => now - at < BURST) : [];
  const isBurst = fresh.length + tasks.length > MOST || (goesOn && queue.summary.length > 0);
  const toToast = (task: OutcomeSnapshot) => ({
    ...{ task, at: now, left: isSticky(task) ? Infinity : duration },
  });
  if (isBurst) {
    const known = queue.toasts.filter((toast) => !fresh.includes(toast) || hasFailed(toast.task));
    const joined = fresh.map(({ task }) => task).reverse();
    const summary = [...queue.summary, ...[...joined, ...tasks].filter((task) => !hasFailed(task))];
    return { ...queue, toasts: [...tasks.filter(hasFailed).map(toToast).reverse(), ...known], summary, lastAt: now };
  }
  return { ...queue, toasts: [...tasks.map(toToast).reverse(), ...queue.toasts], lastAt: now };
}

function hasFailed({ status }: OutcomeSnapshot): boolean {
  return status === 'failed';
}

/** The queue with `tasks` in its summary. */
export function addSummary(queue: ToastQueue, tasks: readonly OutcomeSnapshot[]): ToastQueue {
  return tasks.length === 0 ? queue : { ...queue, summary: [...queue.summary, ...tasks] };
}

/** The queue at `now`: what was shown for long enough is gone. Time in which the toasts are paused does not count. */
export function passTime(queue: ToastQueue, now: number, isPaused: boolean): ToastQueue {
  const passed = isPaused ? 0 : Math.max(now - queue.now, 0);
  if (passed === 0 || queue.toasts.length === 0) return { ...queue, now };
  const toasts = queue.toasts
    // Time passes only for those that are shown, or nobody would ever see the rest.
    .map((toast, index) => (index < MOST ? { ...toast, left: toast.left - passed } : toast))
    .filter(({ left }) => left > 0);
  return { ...queue, toasts, now };
}

/** The queue with what `isWanted` says, and nothing else; itself where that is everything. */
export function keepToasts(queue: ToastQueue, isWanted: (task: OutcomeSnapshot) => boolean): ToastQueue {
  const toasts = queue.toasts.filter(({ task }) => isWanted(task));
  const summary = queue.summary.filter(isWanted);
  const isSame = toasts.length === queue.toasts.length && summary.length === queue.summary.length;
  return isSame ? queue : { ...queue, toasts, summary };
}

/** What is shown: the toasts, newest first, how many more wait, and when the next one goes (milliseconds, or Infinity). */
export function showToasts({ toasts }: ToastQueue): {
  readonly shown: readonly Toast[];
  readonly more: number;
  readonly next: number;
} {
  const shown = toasts.slice(0, MOST);
  return { shown, more: toasts.length - shown.length, next: Math.min(...shown.map(({ left }) => left)) };
}
