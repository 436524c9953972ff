/**
 * The log line of each named event, in one table. It serves `events.ts`.
 *
 * - `error`: somebody has to fix something.
 * - `warn`: something is wrong outside of inloop, and heals by itself or by the operator.
 * - `info`: it is over.
 * - `debug`: what was dropped, refused or ignored, and why; and what happens all the time.
 */

import type { Log } from '../log.ts';
import type { EventMap, EventName, TaskRef } from './event-map.ts';

interface Line<E> {
  readonly level: keyof Log;
  /** Null: no line this time. */
  readonly message: string | ((event: E) => string | null);
  /** What belongs to it; without this, all fields of the event. */
  readonly fields?: (event: E) => Readonly<Record<string, unknown>>;
}

/** How many of the tasks that ran during a block are named. */
const MOST_NAMED = 5;
const REDIS = { store: 'Redis', queue: 'Redis (queue)' } as const;
const FALLBACK = 'The push server, for clients without WebSockets,';

const none = () => ({});
const sinceOnly = ({ since }: { readonly since: string }) => ({ since });
const sinceAndFailures = ({ since, failures }: { readonly since: string; readonly failures: number }) => ({
  since,
  failures,
});

/** By name of the event. */
export const LINES: { readonly [N in EventName]: Line<EventMap[N]> } = {
  'task.accepted': { level: 'debug', message: 'A task was accepted' },
  'task.started': { level: 'debug', message: 'An attempt began' },
  'task.progressed': { level: 'debug', message: 'A step was stored' },
  'task.alive': { level: 'debug', message: 'A sign of life was stored' },
  'task.retried': { level: 'debug', message: 'A task waits for its next attempt' },
  'task.cancelling': { level: 'debug', message: 'A task is being cancelled' },
  'task.ended': { level: 'debug', message: 'A task has ended' },
  'task.without-worker': { level: 'debug', message: 'A task was marked as waiting for a worker' },
  'task.with-worker': { level: 'debug', message: 'A task no longer waits for a worker that handles it' },
  'outcomes.seen': { level: 'debug', message: 'Outcomes were seen' },
  'change.refused': { level: 'debug', message: 'A change of a task was refused' },

  'worker.started': { level: 'debug', message: 'The worker began' },
  'worker.stopped': { level: 'debug', message: 'The worker has stopped' },
  'worker.died': {
    level: 'warn',
    message: ({ tasks }) => (tasks.length > 0 ? 'a worker died' : null),
    fields: ({ worker, tasks }) => ({ worker, tasks: tasks.map(({ task, verdict }) => `${task}: ${verdict}`) }),
  },
  'worker.blocked': {
    level: 'warn',
    message: ({ seconds, tasks }) =>
      `The event loop was blocked for ${seconds.toFixed(1)} s by ${culprits(tasks)}. Nothing else could run in this process. Let its handler await something between its steps, or do the work in a thread.`,
    fields: none,
  },
  'worker.without-watchdog': {
    level: 'warn',
    message: ({ hasEnded }) =>
      hasEnded
        ? 'The watchdog thread has ended. From now on a worker whose event loop is blocked looks dead.'
        : 'The watchdog thread could not be started. A worker whose event loop is blocked looks dead.',
    fields: none,
  },
  'definition.without-worker': {
    level: 'warn',
    message: ({ name }) =>
      `No worker that lives handles "${name}", and tasks wait for one. Start a worker that calls handle() for it.`,
    fields: none,
  },
  'definition.with-worker': {
    level: 'info',
    message: ({ name }) => `A worker handles "${name}" again.`,
    fields: none,
  },
  'handler.failed': {
    level: 'error',
    message: ({ name }) => `${name} failed`,
    fields: ({ task, attempt }) => ({ task, attempt }),
  },
  'handler.stuck': { level: 'debug', message: 'A handler did not stop though it was told to' },
  'attempt.unwritable': {
    level: 'error',
    message: 'An attempt ended, but how could not be written; it counts as failed',
  },
  'attempt.unstartable': { level: 'error', message: 'A task could not be started, and is tried again' },
  'job.ignored': { level: 'debug', message: 'A job was ignored' },

  'push.outage.began': { level: 'warn', message: ({ reason }) => silent('The bus', reason), fields: sinceOnly },
  'push.outage.ended': { level: 'info', message: back('The bus'), fields: sinceAndFailures },
  'push.event.dropped': { level: 'debug', message: 'An event will not be pushed' },
  'push.event.merged': { level: 'debug', message: 'A newer event took the place of one that waited' },
  'push.event.refused': {
    level: 'error',
    message: ({ reason }) => `The bus will not take an event: ${reason}`,
    fields: ({ task }) => ({ task }),
  },

  'redis.outage.began': {
    level: 'warn',
    message: ({ part, reason }) => silent(REDIS[part], reason),
    fields: sinceOnly,
  },
  'redis.unusable': {
    level: 'warn',
    message: ({ part, reason }) => `${REDIS[part]} answers, but cannot be used: ${reason}`,
    fields: sinceOnly,
  },
  'redis.outage.ended': { level: 'info', message: ({ part }) => back(REDIS[part]), fields: sinceAndFailures },
  'redis.misused': {
    level: 'error',
    message: ({ part, reason }) =>
      `${REDIS[part]} was asked what makes no sense, a bug of inloop or foreign data under its keys: ${reason}`,
    fields: none,
  },
  'redis.advice': { level: 'warn', message: ({ advice }) => advice, fields: none },

  'fallback.session.opened': { level: 'debug', message: 'A client without WebSockets has connected' },
  'fallback.session.closed': { level: 'debug', message: 'A client without WebSockets is gone' },
  'fallback.session.refused': { level: 'debug', message: 'A client without WebSockets was refused' },
  'fallback.outage.began': { level: 'warn', message: ({ reason }) => silent(FALLBACK, reason), fields: sinceOnly },
  'fallback.outage.ended': { level: 'info', message: back(FALLBACK), fields: sinceAndFailures },

  'webhook.refused': { level: 'debug', message: 'A webhook was refused' },
  'origin.refused': { level: 'debug', message: 'A request of another site was refused' },
  'channel.refused': { level: 'debug', message: 'A page was refused a channel' },
  'retry.refused': {
    level: 'warn',
    message: ({ name }) => `${name} cannot be tried again: its input no longer fits the schema`,
    fields: ({ code, at }) => ({ code, at }),
  },
  'sign-out.without-owner': { level: 'warn', message: 'endSessions was given no user id: no page was told' },
  'sign-out.incomplete': {
    level: 'warn',
    message: 'The bus did not end the connections of a user who signed out',
  },
};

/** Writes the log line of an event, if it makes one. `detail` is added to its fields. */
export function logEvent<N extends EventName>(
  log: Log,
  name: N,
  event: EventMap[N],
  detail: Readonly<Record<string, unknown>> = {},
): void {
  const { level, message, fields } = LINES[name] as Line<EventMap[N]>;
  const text = typeof message === 'string' ? message : message(event);
  if (text === null) return;
  const all = { ...(fields ? fields(event) : event), ...detail };
  if (Object.keys(all).length > 0) log[level]?.(text, all);
  else log[level]?.(text);
}

function silent(what: string, reason: string): string {
  return `${what} does not answer: ${reason}`;
}

function back(what: string): string {
  return `${what} answers again`;
}

/** JavaScript cannot tell which of several handlers it was. All that ran are named. */
function culprits(tasks: readonly TaskRef[]): string {
  const named = tasks.slice(0, MOST_NAMED).map(({ name, task }) => `${name} (${task})`);
  const more = tasks.length > MOST_NAMED ? ` and ${tasks.length - MOST_NAMED} more` : '';
  return tasks.length === 1 ? `${named[0]}` : `one of ${named.join(', ')}${more}`;
}
