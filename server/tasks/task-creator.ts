/**
 * Makes a new task and has it stored and queued, even if Redis fails for a moment. It serves the operations that start a task:
 * `start` and `retry`.
 */

import { delay } from '../../backend/async.ts';
import type { ServerBackend } from '../../backend/server-backend.ts';
import { gateOf } from '../../backend/store/limits/gates.ts';
import type { StoredCheckpoint } from '../../backend/store/record.ts';
import { mayBeDoneInRedis } from '../../backend/store/redis.ts';
import type { Created, NewRecord } from '../../backend/store/store.ts';
import { isUnavailable, type TaskError } from '../../core/error.ts';
import type { AnyTaskDefinition } from '../../core/tasks/definition.ts';
import type { Priority } from '../../core/tasks/definition-options.ts';
import { createSnapshot, type Snapshot, withPlace } from '../../core/tasks/snapshot.ts';
import type { StartLimit } from '../../core/tasks/task-limits.ts';
import type { ParsedInput } from '../../core/values/parse.ts';
import { refusal } from '../problem.ts';
import { alreadyUnderWayError, tooManyTasksError } from './start-refusals.ts';
import { newTaskId } from './task-id.ts';

/** Pauses between tries to store a task, so that a short failure of Redis does not make the request fail. */
const ACCEPT_PAUSES_MS = [50, 100, 250];
/** A further try begins at most this long after the first one, in ms, so that an answer comes within 2 s. */
const ACCEPT_BUDGET_MS = 400;

/** A task that somebody has asked for, before it has an id. */
export interface WantedTask {
  readonly definition: AnyTaskDefinition;
  readonly title: string;
  readonly owner: string;
  readonly input: ParsedInput;
  /** The text by which a repeated request is compared with this one. Undefined: the stored input. */
  readonly body: string | undefined;
  /** The idempotency key, or null. A second task with the same key must have the same body. */
  readonly key: string | null;
  readonly retryOf: string | null;
  /** The trace of the task that it retries. */
  readonly retriedTrace?: string | undefined;
  readonly checkpoint: StoredCheckpoint | null;
  readonly priority: Priority;
  /** When to start, from now on in ms or as a time; null for at once. */
  readonly startsAt?: number | Date | null;
}

export class TaskCreator {
  readonly #backend: Pick<ServerBackend, 'store' | 'changes' | 'clock'>;
  readonly #limits: readonly StartLimit[];

  /** @param limits those of all tasks, which hold beside the limits of a definition */
  constructor(backend: Pick<ServerBackend, 'store' | 'changes' | 'clock'>, limits: readonly StartLimit[]) {
    this.#backend = backend;
    this.#limits = limits;
  }

  /**
   * Stores a task and queues it, in one step. If the idempotency key was used before, or the task to retry was retried
   * before, the answer is the earlier task. If the definition says `join`, the answer may be a task that is at work.
   * @throws TaskError `idempotency_mismatch` (422), `not_retryable` (409) if the new task of an earlier retry is no longer
   *   kept, `already_under_way` (409), `too_many_tasks` (429), `store_unavailable` (503)
   */
  async create(task: WantedTask): Promise<Snapshot> {
    await this.#backend.clock.ready();
    const record = this.#toRecord(task);
    const created = await this.#store(record, task.key);
    switch (created.result) {
      case 'created':
        return withPlace(record.snapshot, created.ahead);
      case 'exceeded':
        throw tooManyTasksError(created.limit, created.waitMs);
      case 'busy':
        throw alreadyUnderWayError();
      case 'joined': {
        const joined = await this.#backend.store.read(created.id, { owner: task.owner });
        // If it was removed meanwhile, there is room now.
        return joined ? joined.snapshot : this.create(task);
      }
      case 'exists':
        return this.#readEarlier(created.id, task);
      case 'mismatch':
      case 'refused':
        // 'refused' is an answer for children only, which a worker creates.
        throw keyMismatchError('This Idempotency-Key was used with another request. Use a new key for a new request.');
    }
  }

  #toRecord(task: WantedTask): NewRecord {
    const { definition, title, owner, input, body, retryOf, checkpoint, priority, startsAt: start = null } = task;
    const { clock } = this.#backend;
    const at = clock.iso();
    const startsAt = start === null ? at : typeof start === 'number' ? clock.iso(start) : start.toISOString();
    const snapshot = createSnapshot({
      id: newTaskId(),
      name: definition.name,
      title,
      attempts: definition.attempts,
      at,
      retryOf,
      startsAt: startsAt > at ? startsAt : null,
    });
    return {
      snapshot,
      owner,
      priority,
      input: input.value,
      raw: input.raw,
      retention: definition.retention ?? null,
      limits: [...(definition.limits ?? []), ...this.#limits],
      gate: gateOf(definition, input.value, owner),
      checkpoint,
      onChildFailure: definition.onChildFailure ?? 'fail',
      retriedTrace: task.retriedTrace,
      ...(body === undefined ? {} : { body }),
    };
  }

  /** The task that an earlier request with the same key, or an earlier retry, has created. */
  async #readEarlier(id: string, { owner, retryOf }: WantedTask): Promise<Snapshot> {
    const earlier = await this.#backend.store.read(id, { owner });
    if (earlier) return earlier.snapshot;
    if (retryOf !== null) {
      throw refusal('not_retryable', 'This task was tried again, and that new task is no longer kept.', 409);
    }
    throw keyMismatchError('The task that this Idempotency-Key started is no longer kept. Use a new key.');
  }

  /** Stores a task. Tries again while Redis fails, for a moment. */
  async #store(task: NewRecord, key: string | null): Promise<Created> {
    const { changes, store } = this.#backend;
    const started = performance.now();
    let isUncertain = false;
    for (let tries = 0; ; tries++) {
      try {
        return await changes.create(task, key);
      } catch (error) {
        isUncertain ||= mayBeDoneInRedis(error);
        const pause = ACCEPT_PAUSES_MS[tries];
        const isTemporary = isUnavailable(error);
        if (isTemporary && pause !== undefined && performance.now() - started + pause <= ACCEPT_BUDGET_MS) {
          await delay(pause);
          // The next try has the same id and key. If an earlier one was stored after all, the next one finds it.
          continue;
        }
        // The caller gets an error, so the task must not run later. With a key, or for a retry, it may run: if the caller
        // asks again, the answer is this task.
        if (key === null && task.snapshot.retryOf === null && isUncertain)
          void store.discard(task.snapshot.id, task.owner);
        throw error;
      }
    }
  }
}

function keyMismatchError(message: string): TaskError {
  return refusal('idempotency_mismatch', message, 422);
}
