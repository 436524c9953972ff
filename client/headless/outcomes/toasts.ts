/**
 * The toasts: which outcomes are shown in a corner of the page, and for how long. Pure: a queue, and functions that return the
 * next queue. A UI keeps the queue and passes the time in.
 *
 * A toast is a hint: an outcome whose toast is gone is still in the tray. The newest three toasts are shown; the others wait
 * and are counted. A burst of outcomes becomes one summary, except for its failures: three failures among 300 outcomes get
 * toasts. Outcomes that offer something to do (`isSticky`), in the tray failures and results with a link, stay until they are
 * dismissed.
 */

import type { OutcomeSnapshot } from '../../../core/tasks/snapshot.ts';
import { BURST_GAP, TOASTS_SHOWN } from '../limits.ts';

/** One outcome that is shown, or waits to be shown. */
export interface Toast {
  readonly task: OutcomeSnapshot;
  /** When it was added, in milliseconds. */
  readonly at: number;
  /** How long it will still be shown, in milliseconds; Infinity until it is dismissed. */
  readonly left: number;
}

/** The toasts that a page shows now. */
export interface ToastQueue {
  /** Newest first. */
  readonly toasts: readonly Toast[];
  /** Outcomes that are shown as one line: those of a burst, and missed ones. The line stays until it is dismissed. */
  readonly summary: readonly OutcomeSnapshot[];
  /** When the last outcome was added, in milliseconds. */
  readonly lastAt: number;
  /** The time up to which `left` of the toasts is counted, in milliseconds. */
  readonly now: number;
}

/** How an outcome is added to the toasts. */
export interface AddOptions {
  /** In milliseconds, by any clock that is always the same. */
  readonly now: number;
  /** How long a toast is shown, in milliseconds. Infinity: until it is dismissed. 0: no toast at all. */
  readonly duration: number;
  /** Whether there is something to do about an outcome, so that its toast stays until it is dismissed. */
  readonly isSticky: (task: OutcomeSnapshot) => boolean;
}

/** The empty queue. */
export const NO_TOASTS: ToastQueue = { toasts: [], summary: [], lastAt: -Infinity, now: 0 };

/**
 * The queue after `tasks` (oldest first) were added. Before, call {@link passTime} with the same `now`: otherwise the time since
 * its last call is taken from the new toasts.
 */
export function addToasts(queue: ToastQueue, tasks: readonly OutcomeSnapshot[], options: AddOptions): ToastQueue {
  const { now, duration, isSticky } = options;
  if (!(duration > 0) || tasks.length === 0) return queue;
  const recent = queue.toasts.filter(({ at }) => now - at < BURST_GAP);
  const goesOn = queue.summary.length > 0 && now - queue.lastAt < BURST_GAP;
  const isBurst = goesOn || recent.length + tasks.length > TOASTS_SHOWN;
  const toToast = (task: OutcomeSnapshot) => ({
    task,
    at: now,
    left: isSticky(task) ? Infinity : duration,
  });
  const hasToast = (task: OutcomeSnapshot) => !isBurst || task.status === 'failed';
  // The recent toasts belong to the burst: all of it moves to the summary, except for failures.
  const kept = queue.toasts.filter((toast) => !recent.includes(toast) || hasToast(toast.task));
  const all = [...recent.map(({ task }) => task).reverse(), ...tasks];
  return {
    ...queue,
    toasts: [...tasks.filter(hasToast).map(toToast).reverse(), ...kept],
    summary: [...queue.summary, ...all.filter((task) => !hasToast(task))],
    lastAt: now,
  };
}

/** The queue with `tasks` in its summary. */
export function addSummary(queue: ToastQueue, tasks: readonly OutcomeSnapshot[]): ToastQueue {
  return tasks.length === 0 ? queue : { ...queue, summary: [...queue.summary, ...tasks] };
}

/** The queue at `now`, without the toasts whose time is over. Time in which the toasts are paused does not count. */
export function passTime(queue: ToastQueue, now: number, isPaused: boolean): ToastQueue {
  const passed = isPaused ? 0 : Math.max(now - queue.now, 0);
  if (passed === 0 || queue.toasts.length === 0) return { ...queue, now };
  const toasts = queue.toasts
    // Time passes only for toasts that are shown. Otherwise a waiting toast could end before anybody saw it.
    .map((toast, index) => (index < TOASTS_SHOWN ? { ...toast, left: toast.left - passed } : toast))
    .filter(({ left }) => left > 0);
  return { ...queue, toasts, now };
}

/** The queue with only those tasks for which `isWanted` is true; `queue` itself where that is all of them. */
export function keepToasts(queue: ToastQueue, isWanted: (task: OutcomeSnapshot) => boolean): ToastQueue {
  const toasts = queue.toasts.filter(({ task }) => isWanted(task));
  const summary = queue.summary.filter(isWanted);
  const isSame = toasts.length === queue.toasts.length && summary.length === queue.summary.length;
  return isSame ? queue : { ...queue, toasts, summary };
}

/**
 * What is shown: the toasts, newest first, and how many more wait. `next`: in how many milliseconds the next toast goes;
 * Infinity if none goes by itself.
 */
export function showToasts(queue: ToastQueue): {
  readonly shown: readonly Toast[];
  readonly more: number;
  readonly next: number;
} {
  const shown = queue.toasts.slice(0, TOASTS_SHOWN);
  return { shown, more: queue.toasts.length - shown.length, next: Math.min(...shown.map(({ left }) => left)) };
}
