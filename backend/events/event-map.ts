/**
 * The named events: what an operator may want to know of a server or worker process. Log lines and metrics are made of them,
 * and `backend.on` passes them to an adopter's own code. docs/operating.md has the same list for readers.
 *
 * Three rules hold for every field. No payload: no input, result, title, note or error message of a task. No secret. No
 * owner, and nothing that names one, as a channel does. Durations are in seconds.
 */

import type { Act } from '../../core/operator/acts.ts';
import type { ActiveStatus, Children, Outcome } from '../../core/tasks/snapshot.ts';
import type { Refusal } from '../../core/tasks/transition.ts';
import type { DropReason } from '../push/outbox.ts';
import type { EventKind } from '../push/push-events.ts';
import type { Verdict } from '../recovery/crash-verdict.ts';

/** Names a task. */
export interface TaskRef {
  /** Its id. */
  readonly task: string;
  /** The name of its definition. */
  readonly name: string;
}

interface AttemptRef extends TaskRef {
  readonly attempt: number;
}

interface HookRef extends TaskRef {
  /** Which of the two: `worker.onOutcome` or `worker.onUnseen`. */
  readonly hook: 'outcome' | 'unseen';
  /** How often it was called for this task, this time included. */
  readonly tries: number;
}

interface OutageBegan {
  /** The text of the error. */
  readonly reason: string;
  /** When the outage began, in ISO 8601. */
  readonly since: string;
}

interface OutageEnded {
  readonly since: string;
  readonly seconds: number;
  /** How many calls failed. */
  readonly failures: number;
}

/** Which of the two uses of Redis is meant. Each has connections of its own, so one may fail without the other. */
interface RedisPart {
  readonly part: 'store' | 'queue';
}

/** Each named event and its fields. Each `task.` event stands for one stored change of a task. */
export interface EventMap {
  /** A new task was stored. */
  'task.accepted': TaskRef & { readonly retryOf: string | null };
  /** An attempt began. `waitSeconds`: since the task was accepted, or since this attempt was due. */
  'task.started': AttemptRef & { readonly attempts: number; readonly waitSeconds: number };
  /** A step: a report was stored. */
  'task.progressed': AttemptRef & { readonly done: number; readonly total: number | null };
  /** A sign of life was stored. */
  'task.alive': AttemptRef;
  /**
   * An attempt ended without an outcome, and the task waits for `attempt`. `code`: of the error. `isHandedBack`: the ended
   * attempt does not count, since its worker stopped, or died of something else. `delaySeconds`: until `attempt` is due.
   */
  'task.retried': AttemptRef & {
    readonly attempts: number;
    readonly code: string;
    readonly isHandedBack: boolean;
    readonly delaySeconds: number;
  };
  /** The handler of a task has started tasks, or some of them have ended, or it has returned and the task waits for them. */
  'task.children': AttemptRef & Children;
  /** A running task was cancelled: its handler is told to stop, or the children that it waits for are cancelled. */
  'task.cancelling': AttemptRef;
  /**
   * A task has its outcome. `code`: of the error of a failed one. `waitSeconds`: from its acceptance to its first attempt, or to
   * its end. `runSeconds`: from its first attempt to its end, pauses between attempts included; null if there was no attempt.
   */
  'task.ended': AttemptRef & {
    readonly status: Outcome;
    readonly code: string | null;
    readonly waitSeconds: number;
    readonly runSeconds: number | null;
  };
  /** A waiting task was marked: no living worker handles it. */
  'task.without-worker': TaskRef & { readonly status: ActiveStatus };
  /** The mark of a waiting task was taken off: a worker handles it again. */
  'task.with-worker': TaskRef & { readonly status: ActiveStatus };
  /** An owner took outcomes out of the inbox. */
  'outcomes.seen': { readonly count: number };
  /** Tasks were removed: finished ones that their owner dismissed, or all tasks of an owner. */
  'tasks.dismissed': { readonly count: number };
  /** Everything about an owner was removed. `tasks`: how many there were. */
  'owner.forgotten': { readonly tasks: number };
  /** A record in Redis is not valid JSON. `task`: null if it was read in a list, which gives no id. Told once for each task. */
  'record.damaged': { readonly task: string | null };
  /** A change was not stored. `why`: the reason; `missing` if the task is gone. */
  'change.refused': TaskRef & { readonly change: string; readonly why: Refusal | 'missing' };

  /**
   * An operator has acted on the page of `inloop/operator`, or tried to. An act on many tasks emits one event for each step of
   * 200 tasks. `who`: as `allow` named them. `name`: of the definition that was paused or resumed. `done`, `refused`: how many
   * tasks were changed or erased, or could not be. `tasks`: those that were changed, without erased ones.
   */
  'operator.acted': {
    readonly who: string | null;
    readonly act: Act;
    readonly name: string | null;
    readonly done: number;
    readonly refused: number;
    readonly tasks: readonly string[];
  };

  /** `run` was called. */
  'worker.started': { readonly worker: string; readonly names: readonly string[]; readonly concurrency: number };
  /** `run` has returned. `isStuck`: a handler did not stop. */
  'worker.stopped': { readonly worker: string; readonly seconds: number; readonly isStuck: boolean };
  /** A worker died. The process that recovers its tasks emits this. If that process dies too, the next one emits it again. */
  'worker.died': {
    readonly worker: string;
    readonly tasks: readonly { readonly task: string; readonly verdict: Verdict }[];
  };
  /** The event loop was blocked. `tasks`: those that ran meanwhile. One of them is the cause. */
  'worker.blocked': { readonly seconds: number; readonly tasks: readonly TaskRef[] };
  /** The watchdog thread has ended, or could not be started (`hasEnded` false). Without it, a blocked worker looks dead. */
  'worker.without-watchdog': { readonly hasEnded: boolean };
  /** Tasks of a definition wait, and for 30 s no living worker has handled it. */
  'definition.without-worker': { readonly name: string };
  /** A worker handles that definition again. */
  'definition.with-worker': { readonly name: string };
  /** A handler threw something other than a TaskError, or an input or a result did not fit its schema. */
  'handler.failed': AttemptRef & { readonly code: string };
  /** A hook has run. `delaySeconds`: since the outcome. */
  'hook.ran': HookRef & { readonly delaySeconds: number };
  /** A hook threw, and is called again in `retrySeconds`. */
  'hook.failed': HookRef & { readonly retrySeconds: number };
  /** A handler did not stop within twice its grace. Its worker ends. */
  'handler.stuck': TaskRef & { readonly seconds: number };
  /**
   * A checkpoint was not kept: it is not JSON, too large, or does not fit its schema. Told once for each attempt. With
   * `outdated`, a stored checkpoint no longer fits its schema, and the attempt starts from the beginning.
   */
  'checkpoint.refused': AttemptRef & {
    readonly why: 'not_json' | 'too_deep' | 'too_large' | 'invalid' | 'outdated';
  };
  /** The end of an attempt could not be stored, because of a bug in inloop. The attempt counts as failed. */
  'attempt.unwritable': { readonly task: string; readonly attempt: number };
  /** A worker could not store the start of a task or the end of a probation, because of a bug in inloop. It tries again. */
  'store.failed': Record<never, never>;
  /** A worker took a job and did nothing: its task runs in this worker already, or its record waits for another run. */
  'job.ignored': { readonly task: string; readonly run: number; readonly why: 'running_here' | 'unwanted' };

  /** The bus does not answer, or refuses every request. */
  'push.outage.began': OutageBegan;
  'push.outage.ended': OutageEnded;
  /**
   * An event was given up. If it was an outcome, the sweeper pushes it later, unless the bus refused it. `task`: its id; null
   * if the event is not about a task.
   */
  'push.event.dropped': {
    readonly kind: EventKind;
    readonly task: string | null;
    readonly why: DropReason | 'refused';
  };
  /** A newer event of the same task took the place of this one. */
  'push.event.merged': { readonly kind: EventKind; readonly task: string | null };
  /** The bus refused an event for good: it would be refused again. `reason`: what the bus says. */
  'push.event.refused': { readonly task: string | undefined; readonly reason: string };

  /** Redis does not answer. */
  'redis.outage.began': OutageBegan & RedisPart;
  /** Redis answers, but takes no writes, or lacks something that inloop needs. */
  'redis.unusable': OutageBegan & RedisPart;
  'redis.outage.ended': OutageEnded & RedisPart;
  /**
   * Redis refused a command as wrong: a bug in inloop, or foreign data under its keys. The same `reason` is told at most once
   * a minute.
   */
  'redis.misused': RedisPart & { readonly reason: string };
  /** Tasks may be lost because of a setting of Redis. */
  'redis.advice': { readonly advice: string };

  /** A client that cannot use WebSockets has connected. `open`: how many such clients this process has now. */
  'fallback.session.opened': { readonly open: number };
  /** Such a client is gone. `seconds`: how long its session lasted. */
  'fallback.session.closed': { readonly open: number; readonly seconds: number };
  /**
   * A request to the fallback was refused: by a page of another origin; by somebody who did not open the session; with
   * another key than that of our application; beyond the limits of sessions; while the server ends.
   */
  'fallback.session.refused': {
    readonly why: 'foreign_origin' | 'not_its_opener' | 'wrong_key' | 'too_many' | 'closing';
  };
  /** The fallback does not reach the bus. */
  'fallback.outage.began': OutageBegan;
  'fallback.outage.ended': OutageEnded;

  /** Middleware of the application is on the wrong side of the task router. Told once for each `what`. `names`: of functions. */
  'router.misplaced': {
    readonly what: 'session' | 'cors' | 'webhook-body' | 'webhook';
    readonly names: readonly string[];
  };
  /**
   * Something is set up or used wrongly. Told once for each `what` and `subject`: the name of a definition, the type of a
   * value, or seconds.
   */
  'setup.mistake': {
    readonly what: 'identify' | 'identify-undefined' | 'closed-definition' | 'no-worker' | 'progress' | 'clock';
    readonly subject: string;
  };
  /** A webhook is not signed by the bus or not JSON (`unsigned`), or is signed and does not have the form of one (`malformed`). */
  'webhook.refused': { readonly why: 'unsigned' | 'malformed' };
  /** A request that changes something came from a page of another site. `rule`: the header that showed it. */
  'origin.refused': { readonly rule: 'sec-fetch-site' | 'origin' };
  /** A page asked for a channel that is not its owner's, or named no connection. */
  'channel.refused': { readonly why: 'socket_id' | 'not_own_channel' };
  /** A stored input no longer fits its schema, so its task cannot be tried again. `at`: which properties. */
  'retry.refused': { readonly name: string; readonly code: string; readonly at: readonly string[] };
  /** `endSessions` got no user id. */
  'sign-out.without-owner': Record<never, never>;
  /** The bus did not end the connections of a user who signed out. */
  'sign-out.incomplete': Record<never, never>;
}

/** The name of an event for operators. */
export type EventName = keyof EventMap;

/** A named event as a listener gets it. `at`: by the clock of this process, in ISO 8601. */
export type NamedEvent<N extends EventName = EventName> = {
  readonly [K in N]: { readonly event: K; readonly at: string } & EventMap[K];
}[N];
