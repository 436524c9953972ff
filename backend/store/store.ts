/**
 * The task store: the truth about every task. It serves server and worker alike.
 *
 * A change is decided here, by core's transition function, from the snapshot that the caller has. One atomic step in Redis
 * compares the revisions and stores the change. If the stored task is at another revision, Redis answers with its snapshot,
 * and the change is decided again from that. So no lock is needed, and an attempt that is over finds out at its first write.
 */

import { createHash } from 'node:crypto';
import type { ChildFailurePolicy } from '../../core/tasks/children.ts';
import type { OutcomeRetention, Priority } from '../../core/tasks/definition-options.ts';
import type { QueuedSnapshot, Snapshot } from '../../core/tasks/snapshot.ts';
import type { StartLimit } from '../../core/tasks/task-limits.ts';
import { type Refusal, type TaskEvent, transition } from '../../core/tasks/transition.ts';
import type { SeenEvent, TaskPage } from '../../core/wire.ts';
import { delay } from '../async.ts';
import type { Clock } from '../clock.ts';
import { jobIdOf } from '../queue/job.ts';
import { BAND } from '../queue/line-scripts.ts';
import type { CommandRunner } from './commands/define-command.ts';
import { takeChildren } from './commands/family/take-children.ts';
import { type ClearAnswer, clearFinished } from './commands/owner/clear-finished.ts';
import { dismissTasks } from './commands/owner/dismiss-tasks.ts';
import { markSeen } from './commands/owner/mark-seen.ts';
import { commitChange } from './commands/task/commit-change.ts';
import { type ChildOf, type CreationAnswer, createTask } from './commands/task/create-task.ts';
import { discardTask } from './commands/task/discard-task.ts';
import { markWaited } from './commands/task/mark-waited.ts';
import { readTask } from './commands/task/read-task.ts';
import { Discards } from './discards.ts';
import { Durations } from './durations.ts';
import { type Forgotten, forgetOwner } from './forget-owner.ts';
import type { TaskGate } from './limits/gates.ts';
import {
  decodeRecord,
  decodeSnapshot,
  encodeExtras,
  encodeRetention,
  type OwnedTask,
  type ReadTask,
  type StoredCheckpoint,
  type StoredFields,
  type Wanted,
} from './record.ts';
import { addPlaces, type ListOptions, readTaskList } from './task-list.ts';
import { type RunOptions, toCommit } from './to-commit.ts';

/** How often a change is decided again because another one came first. A task has few writers, so reaching this is a bug. */
const MAX_CONFLICTS = 100;
/** After this many conflicts in a row, a writer pauses for a random time, so that writers do not keep meeting. */
const CONFLICTS_BEFORE_PAUSE = 10;
/** The longest such pause, in ms. */
const MAX_PAUSE_MS = 10;

/** A task to be stored. */
export interface NewRecord {
  readonly snapshot: QueuedSnapshot;
  readonly owner: string;
  /** As its schema returned it. Must be the same after a round trip through JSON. */
  readonly input: unknown;
  /** The input as it came, as JSON, if it differs from `input`; '' if it was not JSON. */
  readonly raw?: string | null;
  /** What the first attempt finds in `task.checkpointed`. Default: nothing, so it starts at the beginning. */
  readonly checkpoint?: StoredCheckpoint | null;
  /** Default `normal`. */
  readonly priority?: Priority;
  /** Two requests with the same idempotency key must have the same body, or the second is a mismatch. Default: the input. */
  readonly body?: string;
  /** What a failed child does to this task. Default `fail`. */
  readonly onChildFailure?: ChildFailurePolicy;
  /** The task whose handler starts this one. Then `idempotencyKey` must be null. */
  readonly child?: ChildOf | null;
  /** How long each outcome is kept, in ms. Default: as long as the backend keeps any. */
  readonly retention?: OutcomeRetention | null;
  /** Limits that the start has to keep. Default: none. */
  readonly limits?: readonly StartLimit[];
  /** The concurrency key, if the definition makes one. Default: none. */
  readonly gate?: TaskGate | null;
  /** Where in which trace it is accepted (events/tracing.ts). Default: it is not traced. */
  readonly trace?: string | undefined;
  /** The trace of the task that it retries. */
  readonly retriedTrace?: string | undefined;
}

/** Which finished tasks `clear` removes. */
export interface ClearOptions {
  /** Leaves the outcomes that the owner has not seen. Default false. */
  readonly keepUnseen?: boolean | undefined;
}

/** What became of a change. */
export type Applied =
  | {
      readonly ok: true;
      readonly snapshot: Snapshot;
      /** Whether the owner is watching, as far as is known. If not, only outcomes are worth a message. */
      readonly watched: boolean;
      /** The task is a child whose outcome may end its parent: it was the last one, or did not succeed. */
      readonly mayEndParent?: true;
      /** How many workers run tasks of the owner; not given where that was not counted. */
      readonly workers?: number;
    }
  | { readonly ok: false; readonly refusal: Refusal | 'missing'; readonly snapshot: Snapshot | null };

/** What became of a new task. */
export type Created =
  | Exclude<CreationAnswer, { readonly result: 'earlier' | 'exceeded' }>
  /** The same key was used before with the same body. `id` is the task that was created then. */
  | { readonly result: 'exists'; readonly id: string }
  /** The same key was used before with another body. */
  | { readonly result: 'mismatch' }
  /** The start would exceed a limit. Try again in `waitMs`; for a limit of active tasks that may still be too early. */
  | { readonly result: 'exceeded'; readonly limit: StartLimit; readonly waitMs: number };

/** The tasks of one backend. */
export class TaskStore {
  readonly #redis: CommandRunner;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #discards: Discards;
  readonly #durations: Durations;
  /** The definitions that this process has noted in Redis, or is noting just now. */
  readonly #noted = new Set<string>();

  constructor(redis: CommandRunner, clock: Pick<Clock, 'now'>) {
    this.#redis = redis;
    this.#clock = clock;
    this.#discards = new Discards((id, owner) => discardTask(redis, { id, owner }));
    this.#durations = new Durations(redis);
  }

  /**
   * Stores a new task. A second call with the same id changes nothing. For each task that is retried (`retryOf`) only one
   * new task is stored, whatever its id, as long as the record of the retried task exists. A start that exceeds a limit
   * changes nothing.
   * @throws TaskError `store_unavailable`
   */
  async create(task: NewRecord, idempotencyKey: string | null): Promise<Created> {
    const { snapshot, owner } = task;
    const input = JSON.stringify(task.input);
    const body = task.body ?? input;
    const bodyHash = idempotencyKey !== null || task.child ? hash(`${snapshot.name}\n${body}`) : '';
    const child = task.child ? { ...task.child, hash: bodyHash } : null;
    const limits = task.limits ?? [];
    this.#noteDefinition(snapshot.name);
    const answer = await createTask(this.#redis, {
      id: snapshot.id,
      owner,
      name: snapshot.name,
      snapshot: JSON.stringify(snapshot),
      input,
      more: encodeExtras(task),
      jobId: jobIdOf({ id: snapshot.id, run: 1 }),
      band: BAND[task.priority ?? 'normal'],
      startsAt: snapshot.startsAt === undefined ? null : Date.parse(snapshot.startsAt),
      idempotency: idempotencyKey === null ? null : { keyHash: hash(idempotencyKey), bodyHash },
      retryOf: snapshot.retryOf,
      child,
      retention: encodeRetention(task.retention ?? null),
      limits,
      gate: task.gate ?? null,
    });
    switch (answer.result) {
      case 'earlier':
        // An earlier try of this call has stored the task, and its answer was lost.
        if (answer.id === snapshot.id) return { result: 'created', watched: true, ahead: null, replaces: [] };
        return answer.bodyHash === bodyHash ? { result: 'exists', id: answer.id } : { result: 'mismatch' };
      case 'exceeded':
        return { ...answer, limit: limits[answer.limit] as StartLimit };
      default:
        return answer;
    }
  }

  /**
   * Removes a task whose creation got no answer from Redis, if it was stored and no worker has started it. Tries for a
   * minute. At most 10,000 tasks wait to be removed; others are left as they are. Never rejects.
   */
  discard(id: string, owner: string): Promise<void> {
    return this.#discards.add(id, owner);
  }

  /**
   * The task; null if there is none, if its record is damaged, or if `want.owner` is not its owner. The input, and a result
   * that is too big for a list, are read only if they are wanted.
   * @param known the wanted fields, if they have been read already; Redis is then not asked
   * @throws TaskError `store_unavailable`
   */
  async read<W extends Wanted = Record<never, never>>(
    id: string,
    want: W = {} as W,
    known?: StoredFields,
  ): Promise<ReadTask<W> | null> {
    const fields = known ?? (await readTask(this.#redis, id, want));
    return fields && decodeRecord(fields, want, () => this.#redis.tellDamaged(id));
  }

  /**
   * One page of `owner`'s tasks, newest first. Where very many records have expired since somebody last looked, it may
   * have fewer than `limit` and still a `nextCursor`.
   * @throws TaskError `store_unavailable`
   */
  list(owner: string, options: ListOptions = {}): Promise<TaskPage> {
    return readTaskList(this.#redis, owner, options);
  }

  /**
   * The same tasks of `owner`; queued ones with their place in line, where it is known. One round trip for each definition
   * that has queued tasks among them, none if there are none.
   * @throws TaskError `store_unavailable`
   */
  withPlaces<S extends Snapshot>(owner: string, tasks: readonly S[]): Promise<readonly S[]> {
    return addPlaces(this.#redis, owner, tasks);
  }

  /**
   * Takes outcomes out of the owner's inbox; other ids are passed over. None of the tasks is read.
   * @param ids at most 1,000
   * @returns what there is to tell the owner's other pages
   * @throws TaskError `store_unavailable`
   */
  async see(owner: string, ids: readonly string[]): Promise<SeenEvent> {
    const seen = await markSeen(this.#redis, owner, [...new Set(ids)]);
    return { ids: seen.ids, seenAt: new Date(seen.at).toISOString() };
  }

  /**
   * Removes finished tasks of `owner`, and the finished children of those; other ids are passed over.
   * @param ids at most 1,000
   * @returns ids of which the owner has no task now: `ids` without those of active tasks, and those of the removed children
   * @throws TaskError `store_unavailable`: some may have been removed
   */
  async dismiss(owner: string, ids: readonly string[]): Promise<readonly string[]> {
    const { gone, parents } = await dismissTasks(this.#redis, owner, [...new Set(ids)]);
    const removed = [...gone];
    for (const parent of parents) {
      const children = await takeChildren(this.#redis, parent);
      if (children.length > 0) removed.push(...(await this.dismiss(owner, children)));
    }
    return [...new Set(removed)];
  }

  /**
   * Removes `owner`'s finished tasks, 1,000 in one step.
   * @returns the ids of the tasks that were removed, newest first
   * @throws TaskError `store_unavailable`: some may have been removed
   */
  async clear(owner: string, { keepUnseen = false }: ClearOptions = {}): Promise<readonly string[]> {
    const removed: string[] = [];
    let cursor: string | null = null;
    do {
      const step: ClearAnswer = await clearFinished(this.#redis, { owner, keepUnseen, cursor });
      removed.push(...step.ids);
      cursor = step.next;
    } while (cursor !== null);
    return removed;
  }

  /**
   * Removes what is stored about `owner`, at most 200 tasks in one call. Call it until `isDone`.
   * @throws TaskError `store_unavailable`: some may have been removed
   */
  forget(owner: string): Promise<Forgotten> {
    return forgetOwner(this.#redis, owner);
  }

  /** Notes that nobody has to cancel these replaced tasks any more. @throws TaskError `store_unavailable` */
  async settleReplaced(ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.#redis.send((client) => client.zRem(this.#redis.keys.replaced, [...ids]));
  }

  /**
   * Notes that a request waits for a task during the next `ms`, so that its changes are announced (`Redis.onChange`).
   * @returns the task as it is now; null if there is none
   * @throws TaskError `store_unavailable`
   */
  async markWaited(id: string, ms: number): Promise<Snapshot | null> {
    const stored = await markWaited(this.#redis, id, ms);
    return stored && decodeSnapshot(stored);
  }

  /**
   * Decides what `event` does to a task, and stores that.
   * @param task as the caller knows it; the stored one may be newer
   * @param event any but `see`, which is refused here: {@link see} does it without reading the task
   * @throws TaskError `store_unavailable`; the change may or may not have been stored
   */
  async apply(task: OwnedTask, event: TaskEvent, options: RunOptions = {}): Promise<Applied> {
    const { owner } = task;
    let before = task.snapshot;
    // Whether `before` comes from Redis.
    let isStored = false;
    if (event.type === 'see') return { ok: false, refusal: 'not_allowed', snapshot: before };
    for (let tries = 0; tries < MAX_CONFLICTS; tries++) {
      const moved = transition(before, event);
      if (!moved.ok) {
        // The caller's snapshot may be a revision behind, so only the stored one can refuse a change.
        if (isStored || moved.refusal === 'unchanged') return { ok: false, refusal: moved.refusal, snapshot: before };
        const stored = await this.read(before.id);
        if (stored === null) return { ok: false, refusal: 'missing', snapshot: null };
        before = stored.snapshot;
        isStored = true;
        continue;
      }
      const next = moved.snapshot;
      const commit = toCommit({ owner, before, event, next }, options, this.#clock.now());
      const answer = await commitChange(this.#redis, commit);
      if (answer.result === 'ok') {
        const { watched, mayEndParent, workers } = answer;
        return {
          ok: true,
          snapshot: next,
          watched,
          ...(mayEndParent ? { mayEndParent } : {}),
          ...(workers === null ? {} : { workers }),
        };
      }
      if (answer.result === 'missing') return { ok: false, refusal: 'missing', snapshot: null };
      if (answer.result === 'stale') return { ok: false, refusal: 'stale_attempt', snapshot: null };
      before = answer.result === 'children' ? { ...before, children: answer.children } : decodeSnapshot(answer);
      isStored = true;
      // Writers that retry at the same pace may always come in the same order, and the last of them would lose each time.
      if ((tries + 1) % CONFLICTS_BEFORE_PAUSE === 0) await delay(Math.random() * MAX_PAUSE_MS);
    }
    // An error without a type: a bug of inloop, which nobody outside can act on. The log tells it, the owner reads `internal`.
    throw new Error(`inloop: task ${task.snapshot.id} changed ${MAX_CONFLICTS} times while one change was tried`);
  }

  /** The median of recent successful first attempts of a definition, in ms; null if fewer than 3 are known. Never rejects. */
  medianDuration(name: string): Promise<number | null> {
    return this.#durations.median(name);
  }

  /**
   * Notes in Redis that there is this definition, once in this process: {@link forget} looks into the lines of noted definitions.
   * If that fails, the next creation does it again. Redis gets it before the creation that is sent next, so nothing waits for it.
   */
  #noteDefinition(name: string): void {
    if (this.#noted.has(name)) return;
    this.#noted.add(name);
    this.#redis.send((client) => client.sAdd(this.#redis.keys.definitions, name)).catch(() => this.#noted.delete(name));
  }
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
