/**
 * Every text of the tray in one table, for translations and for other UIs. Texts that come from tasks (titles, reasons,
 * notes) are not in the table, and never become markup.
 */

import type { TaskFailure } from '../../../core/error.ts';

/** A table of words. Functions get raw numbers, and durations as {@link Wording.duration} made them. */
export interface Wording {
  /** BCP 47, for numbers and plurals. */
  readonly locale: string;
  /** `seconds` is a whole number from 0. */
  duration(seconds: number): string;
  /** The text of the tray's button, and the heading of its panel. */
  readonly tasks: string;
  /** The button's label for screen readers. The number that the button shows is hidden from them. */
  button(active: number, unseen: number): string;
  /** The headings of the groups: active tasks, outcomes that were not seen yet, other outcomes. */
  readonly groupActive: string;
  readonly groupUnseen: string;
  readonly groupRecent: string;
  /** Stands in place of the list while there are no tasks. */
  readonly empty: string;
  /** The button that shows more outcomes. */
  readonly more: string;
  /** The label of the button that closes the panel. */
  readonly close: string;
  /** A status, like `running` and those that follow it. `cancelling` is also the text of a Cancel button that was pressed. */
  readonly queued: string;
  /** How many tasks will start before a queued one. */
  ahead(count: number): string;
  /** When a queued task is to start, if that is later than `now`; both in milliseconds since 1970. */
  startsAt(at: number, now: number): string;
  /** Queued or waiting for the next attempt, while no running worker can do the task. */
  readonly waitingForWorker: string;
  readonly running: string;
  readonly retrying: string;
  readonly cancelling: string;
  readonly succeeded: string;
  /** A success that skipped elements, or in which some failed. */
  readonly partial: string;
  readonly failed: string;
  readonly cancelled: string;
  /** How many elements are done. `total` is null where it is not known, and for a success. */
  done(done: number, total: number | null): string;
  /** The total has grown, so that the bar goes back. `total` is null where it is not known any more. */
  moreFound(total: number | null): string;
  /** How many of the elements were skipped. */
  skipped(count: number): string;
  /** How many of the elements failed. */
  failedCount(count: number): string;
  /** Which attempt a task waits for. */
  attempt(attempt: number, attempts: number): string;
  /** `from`: how many elements were done when the attempt began, if it goes on from a checkpoint. */
  restarted(attempt: number, attempts: number, from?: number): string;
  /** The next attempt starts in `duration`. */
  nextAttempt(duration: string): string;
  /** The next attempt starts in less than half a second, or should have started. */
  readonly nextAttemptSoon: string;
  /** How long a running task will probably still take. */
  timeLeft(duration: string): string;
  /** The worker is there, but progress has not moved for more than 10 s. `duration`: since the last sign of life. */
  stillGoing(duration: string): string;
  /** Nothing was heard of the worker for more than 10 s. `duration`: since the last sign of life. */
  noSign(duration: string): string;
  /** The server cannot be reached. `duration`: since the last change of the task that is known. */
  lastNews(duration: string): string;
  /** A running task has not ended by the time that was expected. */
  readonly slow: string;
  /** How long ago a task ended. In the first minute: `justNow`. */
  ago(duration: string): string;
  readonly justNow: string;
  readonly cancel: string;
  /** The button's label for screen readers, as those of `retryTask` and `dismissTask`. */
  cancelTask(title: string): string;
  readonly retry: string;
  retryTask(title: string): string;
  /** A task that was started again. */
  readonly retried: string;
  dismissTask(title: string): string;
  /** The button that removes finished tasks. */
  readonly clear: string;
  /** A command, like Cancel, was refused or could not be sent. */
  commandFailed(reason: string): string;
  /** Texts for errors, by code (`deadline`, `worker_lost`, `unreachable` …). Other errors show their own message. */
  readonly errors: Readonly<Record<string, string>>;
  /** Labels for links in a result, by the name of the property. Other links are labelled with that name. */
  readonly links: Readonly<Record<string, string>>;
  /** Push has been away for less than a minute. */
  readonly reconnecting: string;
  /** Push has been away for longer, or the bus refuses the page. */
  readonly notLive: string;
  /** The server cannot be reached. `duration`: since when. */
  offline(duration: string): string;
  /** Nobody is signed in. */
  readonly signedOut: string;
  /** The summary of outcomes that were reached while the user was away. */
  away(succeeded: number, failed: number, cancelled: number): string;
  /** The button of a summary that opens the panel. */
  readonly show: string;
  /** The label of the button that removes a summary. */
  readonly dismiss: string;
  /** The name of the group of toasts, for screen readers. */
  readonly toasts: string;
  /** The button that opens the panel, where so many toasts more wait. */
  moreToasts(count: number): string;
  /** The button that asks for system notifications. */
  readonly notify: string;
  /** Its text where the browser does not allow them. */
  readonly notifyBlocked: string;
  /**
   * The texts `say…` tell what has just happened: to screen readers, and in the browser's notifications. `sayMany` is also the
   * summary of a burst of toasts.
   */
  saySucceeded(title: string): string;
  sayPartial(title: string): string;
  sayFailed(title: string, reason: string): string;
  sayCancelled(title: string): string;
  saySlow(title: string): string;
  sayWaitingForWorker(title: string): string;
  sayMany(succeeded: number, failed: number, cancelled: number): string;
}

const LOCALE = 'en';

const formats = new Map<string, Intl.NumberFormat>();

/** `count` as people of `locale` write it. */
export function formatNumber(count: number, locale: string): string {
  // Formats are kept: to make an Intl.NumberFormat takes longer than all other work on the texts of a row.
  const format = formats.get(locale) ?? new Intl.NumberFormat(locale);
  formats.set(locale, format);
  return format.format(count);
}

/** `error` in words for a person. */
export function explain({ code, message }: TaskFailure, { errors }: Pick<Wording, 'errors'>): string {
  // `Object.hasOwn`, since a handler may choose any code, even `constructor`.
  return (Object.hasOwn(errors, code) ? errors[code] : undefined) ?? message;
}

/** The form of a word that goes with `count`: `plural('en', 2, { one: 'task', other: 'tasks' })`. */
export function plural(
  locale: string,
  count: number,
  forms: Readonly<Partial<Record<Intl.LDMLPluralRule, string>>> & { readonly other: string },
): string {
  return forms[new Intl.PluralRules(locale).select(count)] ?? forms.other;
}

const number = (count: number): string => formatNumber(count, LOCALE);

function counts(succeeded: number, failed: number, cancelled: number): string {
  const parts = [
    succeeded && `${number(succeeded)} ${plural(LOCALE, succeeded, { one: 'task', other: 'tasks' })} done`,
    failed && `${number(failed)} failed`,
    cancelled && `${number(cancelled)} cancelled`,
  ];
  return parts.filter(Boolean).join(', ');
}

/** English, the default. */
export const ENGLISH: Wording = {
  locale: LOCALE,
  duration(seconds) {
    if (seconds < 60) return `${seconds} s`;
    const minutes = Math.round(seconds / 60);
    if (minutes < 60) return `${minutes} min`;
    const hours = Math.floor(minutes / 60);
    if (hours < 24) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
    const days = Math.round(hours / 24);
    return `${days} ${plural(LOCALE, days, { one: 'day', other: 'days' })}`;
  },
  tasks: 'Tasks',
  button: (active, unseen) =>
    ['Tasks', active && `${number(active)} in progress`, unseen && `${number(unseen)} new`].filter(Boolean).join(', '),
  groupActive: 'In progress',
  groupUnseen: 'New',
  groupRecent: 'Earlier',
  empty: 'Nothing yet. Tasks you start show up here.',
  more: 'Show more',
  close: 'Close',
  queued: 'Waiting to start',
  ahead: (count) => (count ? `${number(count)} ahead of you` : 'next in line'),
  startsAt(at, now) {
    const start = new Date(at);
    const isToday = start.toDateString() === new Date(now).toDateString();
    const time = start.toLocaleString(LOCALE, {
      dateStyle: isToday ? undefined : 'medium',
      timeStyle: 'short',
      hourCycle: 'h23',
    });
    return `Starts ${isToday ? 'at' : 'on'} ${time}`;
  },
  waitingForWorker: 'Waiting for a worker that can do this',
  running: 'Running',
  retrying: 'Trying again',
  cancelling: 'Cancelling…',
  succeeded: 'Done',
  partial: 'Done, with exceptions',
  failed: 'Failed',
  cancelled: 'Cancelled',
  done: (done, total) => (total === null ? `${number(done)} done` : `${number(done)} of ${number(total)}`),
  moreFound: (total) => (total === null ? 'More was found' : `More was found: ${number(total)} in all`),
  skipped: (count) => `${number(count)} skipped`,
  failedCount: (count) => `${number(count)} failed`,
  attempt: (attempt, attempts) => `attempt ${attempt} of ${attempts}`,
  restarted: (attempt, attempts, from) =>
    `${from ? `Went on from ${number(from)}` : 'Restarted'}, attempt ${attempt} of ${attempts}`,
  nextAttempt: (duration) => `starts in ${duration}`,
  nextAttemptSoon: 'starts any moment',
  timeLeft: (duration) => `about ${duration} left`,
  stillGoing: (duration) => `Still going, last sign ${duration} ago`,
  noSign: (duration) => `No sign of the worker for ${duration}`,
  lastNews: (duration) => `Last news ${duration} ago`,
  slow: 'Taking longer than usual',
  ago: (duration) => `${duration} ago`,
  justNow: 'just now',
  cancel: 'Cancel',
  cancelTask: (title) => `Cancel: ${title}`,
  retry: 'Retry',
  retryTask: (title) => `Retry: ${title}`,
  retried: 'Tried again',
  dismissTask: (title) => `Dismiss: ${title}`,
  clear: 'Clear finished',
  commandFailed: (reason) => `That did not work: ${reason}`,
  errors: {},
  links: { url: 'Open', downloadUrl: 'Download', rejectsUrl: 'Download what was left out' },
  reconnecting: 'Reconnecting. Updates come a few seconds late.',
  notLive: 'Live updates are not available. Updates come a few seconds late.',
  offline: (duration) => `No connection. What you see is ${duration} old.`,
  signedOut: 'You are signed out. Sign in again to follow your tasks.',
  away: (...numbers) => `While you were away: ${counts(...numbers)}`,
  show: 'Show',
  dismiss: 'Dismiss',
  toasts: 'Latest outcomes',
  moreToasts: (count) => `+${number(count)}`,
  notify: 'Notify me when done',
  notifyBlocked: 'The browser does not allow notifications here.',
  saySucceeded: (title) => `Done: ${title}`,
  sayPartial: (title) => `Done, with exceptions: ${title}`,
  sayFailed: (title, reason) => `Failed: ${title}. ${reason}`,
  sayCancelled: (title) => `Cancelled: ${title}`,
  saySlow: (title) => `Taking longer than usual: ${title}`,
  sayWaitingForWorker: (title) => `Waiting for a worker that can do this: ${title}`,
  sayMany: counts,
};
