/**
 * The log line of each named event, in one table. It serves `events.ts`.
 *
 * - `error`: somebody has to fix something.
 * - `warn`: something outside of inloop is wrong. It ends by itself, or the operator has to end it.
 * - `info`: a trouble that was told is over, or a rare act was done.
 * - `debug`: what was dropped, refused or ignored, and why; and what happens often.
 *
 * Each line says what happened. A warning or an error also says what follows from it, or what to do.
 */

import { MAX_CHECKPOINT_BYTES, MAX_JSON_DEPTH } from '../../core/limits.ts';
import type { Log } from '../log/log.ts';
import type { EventMap, EventName, TaskRef } from './event-map.ts';

interface Line<E> {
  readonly level: keyof Log;
  /** Null: no line this time. */
  readonly message: string | ((event: E) => string | null);
  /** The fields of the line. Default: all fields of the event. */
  readonly fields?: (event: E) => Readonly<Record<string, unknown>>;
}

/** The line about a blocked event loop names at most this many tasks. */
const MOST_NAMED = 5;
/** How a line names the two uses of Redis. */
const REDIS = { store: 'Redis', queue: 'Redis (queue)' } as const;
/** What does not work without each of them. */
const WITHOUT_REDIS = {
  store: 'Tasks are neither accepted nor changed until it does.',
  queue: 'No task is started until it does.',
} as const;
const REPORT_IT = 'This is a bug of inloop; please report it.';

/** The lines of `router.misplaced`, by `what`. `%` stands for the names of the functions. */
const MISPLACED = {
  session:
    'Nobody was identified, and this is mounted after the task router: %. If identify needs what that function finds out, the function comes too late. Mount it before app.use(…, tasks.router).',
  cors: 'Something before the task router, like cors(), lets all origins in without credentials, and answers their preflights. So pages of the listed origins cannot send cookies or tokens. Mount the router before it, or pass it the same list: cors({ origin: [...], credentials: true }).',
  webhook:
    'No webhook of the bus has come for a minute, though pages have entered their channels. Until one comes, progress also goes to users who have left. Let the bus send channel_occupied and channel_vacated to the router’s path and /webhook. If something before the router lets in nobody who is not signed in, mount tasks.webhook before that.',
  'webhook-body':
    'The signature of a webhook cannot be checked: something before the task router has parsed the body. Mount tasks.webhook before it, or keep the raw body: express.json({ verify: (req, res, raw) => { req.rawBody = raw; } }).',
} as const;

/** The lines of `setup.mistake`, by `what`. `%` stands for the subject. */
const MISTAKES = {
  identify:
    'identify returned %, so the request is refused. Let it return the id of the user as a text, such as String(user.id), or null if nobody is signed in.',
  'identify-undefined':
    'identify returned undefined, which counts as nobody, so the request gets 401. If somebody is signed in there, see that it reads the right property and is not missing a return. For nobody, return null.',
  'closed-definition':
    'A page was refused to start "%": only your server may start it. Start it in a route of yours with tasks.start(…), or open it to pages: defineTask({ name: "%", browser: true, … }).',
  'no-worker':
    'A task of "%" waits, and no running worker handles it. Start a worker that calls handle(…) for it, with the same Redis and prefix.',
  progress:
    'A handler of "%" reported progress whose "done" or "total" is not a number (NaN, for example). It is not shown. Pass counts like { done: 3, total: 10 }, and null for a total that is not known.',
  clock:
    'The clock of this machine is % s off from that of Redis. Tasks are timed by Redis, but hosted Pusher refuses requests signed with a wrong time. Set the clock (NTP).',
} as const;

const KEPT = 'The checkpoint before it stays. If the attempt is cut short, the next one goes on from there.';

/** The lines of `checkpoint.refused`, by `why`. `%` stands for the name of the definition. */
const CHECKPOINT_REFUSED = {
  not_json: `A checkpoint of "%" is no JSON, so it was not kept. ${KEPT}`,
  too_deep: `A checkpoint of "%" is nested deeper than ${MAX_JSON_DEPTH} levels, so it was not kept. ${KEPT}`,
  too_large: `A checkpoint of "%" has more than ${MAX_CHECKPOINT_BYTES} bytes of JSON, so it was not kept. Store the data, and give its id. ${KEPT}`,
  invalid: `A checkpoint of "%" does not fit the definition's "checkpoint" schema, so it was not kept. ${KEPT}`,
  outdated:
    'A stored checkpoint of "%" does not fit the definition\'s "checkpoint" schema any more. The attempt starts from the beginning. Let the schema take older checkpoints, too.',
} as const;

const none = () => ({});
const sinceOnly = ({ since }: { readonly since: string }) => ({ since });
const sinceAndFailures = ({ since, failures }: { readonly since: string; readonly failures: number }) => ({
  since,
  failures,
});

/** The log line of each event, by the event's name. */
export const LINES: { readonly [N in EventName]: Line<EventMap[N]> } = {
  'task.accepted': { level: 'debug', message: 'A task was accepted' },
  'task.started': { level: 'debug', message: 'An attempt began' },
  'task.progressed': { level: 'debug', message: 'A step was stored' },
  'task.alive': { level: 'debug', message: 'A sign of life was stored' },
  'task.retried': { level: 'debug', message: 'A task waits for its next attempt' },
  'task.children': { level: 'debug', message: 'The children of a task have changed, or it waits for them now' },
  'task.cancelling': { level: 'debug', message: 'A task is being cancelled' },
  'task.ended': { level: 'debug', message: 'A task has ended' },
  'task.without-worker': { level: 'debug', message: 'A task was marked as waiting for a worker' },
  'task.with-worker': { level: 'debug', message: 'A task no longer waits for a worker that handles it' },
  'hook.ran': { level: 'debug', message: 'A hook for outcomes has run' },
  'hook.failed': { level: 'error', message: 'A hook for outcomes failed, and is tried again' },
  'tasks.dismissed': { level: 'debug', message: 'Tasks were removed' },
  'owner.forgotten': { level: 'info', message: 'Everything about an owner was removed' },
  'outcomes.seen': { level: 'debug', message: 'Outcomes were seen' },
  'record.damaged': {
    level: 'error',
    message:
      'The record of a task in Redis is damaged: it is no JSON, so the task counts as gone. Something other than inloop has written to its keys.',
  },
  'change.refused': { level: 'debug', message: 'A change of a task was refused' },

  'operator.acted': {
    level: 'info',
    message: ({ act }) => `An operator has asked to ${act}`,
  },

  'worker.started': { level: 'debug', message: 'The worker began' },
  'worker.stopped': { level: 'debug', message: 'The worker has stopped' },
  'worker.died': {
    level: 'warn',
    message: ({ tasks }) =>
      tasks.length > 0
        ? 'A worker died while it ran tasks. Each is run again or fails, by the verdict beside its id. The log of that process may say why it died.'
        : null,
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
        ? 'The watchdog thread has ended. From now on this worker looks dead while its event loop is blocked. Restart it.'
        : 'The watchdog thread could not be started. This worker looks dead while its event loop is blocked.',
    fields: none,
  },
  'definition.without-worker': {
    level: 'warn',
    message: ({ name }) =>
      `No living worker handles "${name}", and tasks wait for one. Start a worker that calls handle() for it.`,
    fields: none,
  },
  'definition.with-worker': {
    level: 'info',
    message: ({ name }) => `A worker handles "${name}" again`,
    fields: none,
  },
  'handler.failed': {
    level: 'error',
    message: ({ name }) =>
      `An attempt of "${name}" failed by a fault in its code or data, not by a TaskError. Its owner reads no details.`,
    fields: ({ task, attempt }) => ({ task, attempt }),
  },
  'handler.stuck': { level: 'debug', message: 'A handler did not stop though it was told to' },
  'checkpoint.refused': {
    level: 'error',
    message: ({ name, why }) => CHECKPOINT_REFUSED[why].replace('%', name),
    fields: ({ task, attempt }) => ({ task, attempt }),
  },
  'attempt.unwritable': {
    level: 'error',
    message: `The end of an attempt could not be stored, so it counts as failed. ${REPORT_IT}`,
  },
  'store.failed': {
    level: 'error',
    message: `A worker could not store the start of a task or the end of a probation, and tries again. ${REPORT_IT}`,
  },
  'job.ignored': { level: 'debug', message: 'A job was ignored' },

  'push.outage.began': {
    level: 'warn',
    message: ({ reason }) =>
      `Push does not work: ${reason}. Tasks run on, and pages poll. See that the bus runs, and check the PUSHER_ variables.`,
    fields: sinceOnly,
  },
  'push.outage.ended': { level: 'info', message: 'Push works again', fields: sinceAndFailures },
  'push.event.dropped': { level: 'debug', message: 'An event will not be pushed' },
  'push.event.merged': { level: 'debug', message: 'A newer event took the place of one that waited' },
  'push.event.refused': {
    level: 'error',
    message: ({ reason }) =>
      `The bus refused an event for good: ${reason}. Pages fetch what it would have told. Give the bus the limits of docs/protocol.md.`,
    fields: ({ task }) => ({ task }),
  },

  'redis.outage.began': {
    level: 'warn',
    message: ({ part, reason }) =>
      `${REDIS[part]} does not answer: ${reason}. ${WITHOUT_REDIS[part]} inloop goes on trying; see that Redis runs.`,
    fields: sinceOnly,
  },
  'redis.unusable': {
    level: 'warn',
    message: ({ part, reason }) => `${REDIS[part]} answers, but cannot be used: ${reason}`,
    fields: sinceOnly,
  },
  'redis.outage.ended': {
    level: 'info',
    message: ({ part }) => `${REDIS[part]} answers again`,
    fields: sinceAndFailures,
  },
  'redis.misused': {
    level: 'error',
    message: ({ part, reason }) =>
      `${REDIS[part]} got a command that makes no sense to it: ${reason}. Somebody else's data may lie under inloop's keys (option "prefix"). Otherwise: ${REPORT_IT}`,
    fields: none,
  },
  'redis.advice': { level: 'warn', message: ({ advice }) => advice, fields: none },

  'fallback.session.opened': { level: 'debug', message: 'A client without WebSockets has connected' },
  'fallback.session.closed': { level: 'debug', message: 'A client without WebSockets is gone' },
  'fallback.session.refused': { level: 'debug', message: 'A client without WebSockets was refused' },
  'fallback.outage.began': {
    level: 'warn',
    message: ({ reason }) =>
      `The HTTP fallback does not reach the bus: ${reason}. Pages without WebSockets poll. See that the bus runs.`,
    fields: sinceOnly,
  },
  'fallback.outage.ended': {
    level: 'info',
    message: 'The HTTP fallback reaches the bus again',
    fields: sinceAndFailures,
  },

  'router.misplaced': {
    level: 'warn',
    message: ({ what, names }) => MISPLACED[what].replace('%', names.join(', ')),
    fields: none,
  },
  'setup.mistake': {
    level: 'warn',
    message: ({ what, subject }) => MISTAKES[what].replaceAll('%', subject),
    fields: none,
  },
  'webhook.refused': { level: 'debug', message: 'A webhook was refused' },
  'origin.refused': { level: 'debug', message: 'A request of another site was refused' },
  'channel.refused': { level: 'debug', message: 'A page was refused a channel' },
  'retry.refused': {
    level: 'warn',
    message: ({ name }) =>
      `A task of "${name}" cannot be retried: its stored input no longer fits the schema. Let the schema take older inputs, too.`,
    fields: ({ code, at }) => ({ code, at }),
  },
  'sign-out.without-owner': {
    level: 'warn',
    message: 'endSessions got no user id, so no page was told. Pass the id that identify returns.',
  },
  'sign-out.incomplete': {
    level: 'warn',
    message:
      'The bus did not end the connections of a user who signed out. Their pages notice it at their next request.',
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

/** The tasks that may have blocked the event loop. JavaScript cannot tell which one did, so all that ran are named. */
function culprits(tasks: readonly TaskRef[]): string {
  const named = tasks.slice(0, MOST_NAMED).map(({ name, task }) => `${name} (${task})`);
  const more = tasks.length > MOST_NAMED ? ` and ${tasks.length - MOST_NAMED} more` : '';
  return tasks.length === 1 ? `${named[0]}` : `one of ${named.join(', ')}${more}`;
}
