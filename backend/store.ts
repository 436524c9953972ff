/**
 * The task store: the truth about every task. It serves server and worker alike.
 *
 * What a change does is decided by core's transition function, here, on the snapshot we hold; Redis stores it
 * only if that snapshot is still the current one (its revision is), in one atomic step. If it is not, Redis
 * answers with the current one and we decide again. So there is one set of rules, no lock, and a stale
 * attempt finds out at its first write.
 */

import { createHash } from 'node:crypto';
import { DEFAULT_PAGE_SIZE, MAX_EVENT_BYTES, MAX_PAGE_SIZE } from '../core/limits.ts';
import { isFinished, type QueuedSnapshot, type Snapshot } from '../core/snapshot.ts';
import { type Refusal, type TaskEvent, transition } from '../core/transition.ts';
import { type ListState, omitResult, type TaskPage } from '../core/wire.ts';
import { delay } from './async.ts';
import { jobIdOf } from './job.ts';
import type { Commit, CommitKind, Redis } from './redis.ts';

/** More conflicts in a row than any number of writers can cause that a task ever has; reaching it is a bug, not contention. */
const MAX_CONFLICTS = 100;
const DISCARD_FOR_MS = 60_000;
const DISCARD_RETRY_MS = 500;
const MEDIAN_MAX_AGE_MS = 10_000;
/** Fewer runs than this say nothing about the next one. */
const MIN_RUNS_TO_EXPECT = 3;

/** A task with what only the server side may see. */
export interface TaskRecord {
  readonly snapshot: Snapshot;
  readonly owner: string;
  /** As its schema gave it when the task was started, and as JSON has it. */
  readonly input: unknown;
  /** What came, where its schema made something else of it; undefined where it was no JSON, so that it is not kept. */
  readonly raw: unknown;
}

/** A task to be stored. */
export interface NewRecord {
  readonly snapshot: QueuedSnapshot;
  readonly owner: string;
  /** As its schema gave it; survives JSON. */
  readonly input: unknown;
  /** What came, as JSON, where it differs from `input`; empty where it was no JSON. */
  readonly raw?: string | null;
  /** What an idempotency key stands for: two requests with one key must not differ in this. Default: the input. */
  readonly body?: string;
}

/** What became of a change. */
export type Applied =
  | {
      readonly ok: true;
      readonly snapshot: Snapshot;
      /** False when nobody has a page open; then only outcomes are worth a message. */
      readonly hasPage: boolean;
    }
  | { readonly ok: false; readonly refusal: Refusal | 'missing'; readonly snapshot: Snapshot | null };

/** What became of a new task. */
export type Created =
  | { readonly result: 'created'; readonly hasPage: boolean }
  /** The key was used for the same body: `id` is the task it made. */
  | { readonly result: 'exists'; readonly id: string }
  /** The key was used for another body. */
  | { readonly result: 'mismatch' };

export class TaskStore {
  readonly #redis: Redis;
  readonly #medians = new Map<string, { at: number; median: Promise<number | null> }>();

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** Stores a new task. Doing so twice with the same id is harmless. @throws TaskError `store_unavailable` */
  async create(task: NewRecord, idempotencyKey: string | null): Promise<Created> {
    const input = JSON.stringify(task.input);
    const bodyHash = idempotencyKey === null ? '' : hash(`${task.snapshot.name}\n${task.body ?? input}`);
    const { known, hasPage } = await this.#redis.create({
      id: task.snapshot.id,
      owner: task.owner,
      name: task.snapshot.name,
      snapshot: JSON.stringify(task.snapshot),
      input,
      raw: task.raw ?? null,
      jobId: jobIdOf({ id: task.snapshot.id, attempt: 1 }),
      idempotency: idempotencyKey === null ? null : { key: hash(idempotencyKey), bodyHash },
    });
    if (known === null || known.id === task.snapshot.id) return { result: 'created', hasPage };
    return known.bodyHash === bodyHash ? { result: 'exists', id: known.id } : { result: 'mismatch' };
  }

  /**
   * Takes back a task whose creation got no answer: should it have been stored, now or later, it goes again, unless
   * somebody has started it. Tries for a minute. Never rejects.
   */
  async discard(id: string, owner: string): Promise<void> {
    for (const end = Date.now() + DISCARD_FOR_MS; Date.now() < end; ) {
      try {
        return await this.#redis.discard(id, owner);
      } catch {
        await delay(DISCARD_RETRY_MS);
      }
    }
  }

  /** The task, or null where there is none (or no longer). @throws TaskError `store_unavailable` */
  async read(id: string): Promise<TaskRecord | null> {
    const stored = await this.#redis.read(id);
    if (stored === null) return null;
    const input: unknown = JSON.parse(stored.input);
    return {
      snapshot: JSON.parse(stored.snapshot),
      owner: stored.owner,
      input,
      raw: stored.raw === null ? input : stored.raw === '' ? undefined : JSON.parse(stored.raw),
    };
  }

  /** One page of `owner`'s tasks, newest first. @throws TaskError `store_unavailable` */
  async list(
    owner: string,
    options: { readonly state?: ListState; readonly limit?: number; readonly cursor?: string | null } = {},
  ): Promise<TaskPage> {
    const limit = Math.min(options.limit ?? DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE);
    const { snapshots, last } = await this.#redis.list(options.state ?? 'all', owner, limit, options.cursor ?? null);
    return {
      tasks: snapshots.map(toListItem),
      nextCursor: snapshots.length === limit ? last : null,
    };
  }

  /**
   * Lets `event` happen to a task: stored, or refused.
   * @param task as far as it is known; it need not be current
   * @throws TaskError `store_unavailable`; the change may or may not have been stored
   */
  async apply(task: { readonly snapshot: Snapshot; readonly owner: string }, event: TaskEvent): Promise<Applied> {
    let known = task.snapshot;
    let isCurrent = false;
    for (let tries = 0; tries < MAX_CONFLICTS; tries++) {
      const moved = transition(known, event);
      if (!moved.ok) {
        // Only the store may say no: what the caller knew could be a revision behind.
        if (isCurrent || moved.refusal === 'unchanged') return { ok: false, refusal: moved.refusal, snapshot: known };
        const stored = await this.#redis.read(known.id);
        if (stored === null) return { ok: false, refusal: 'missing', snapshot: null };
        known = JSON.parse(stored.snapshot);
        isCurrent = true;
        continue;
      }
      const next = moved.snapshot;
      const duration = next.status === 'succeeded' ? Date.parse(next.finishedAt) - Date.parse(next.startedAt) : null;
      const answer = await this.#redis.commit({
        id: known.id,
        owner: task.owner,
        name: known.name,
        expected: known.revision,
        revision: next.revision,
        snapshot: JSON.stringify(next),
        kind: kindOf(known, next),
        ...jobFor(next),
        ...(duration !== null && next.attempt === 1 ? { duration } : {}),
        announceCancel: next.status === 'cancelling' && known.status !== 'cancelling',
      });
      if (answer.result === 'ok') return { ok: true, snapshot: next, hasPage: answer.hasPage };
      if (answer.result === 'missing') return { ok: false, refusal: 'missing', snapshot: null };
      known = JSON.parse(answer.snapshot);
      isCurrent = true;
    }
    throw new Error(`inloop: task ${task.snapshot.id} changed ${MAX_CONFLICTS} times while one change was tried`);
  }

  /** The median time in ms that recent runs of a definition took, or null where too few are known. Never rejects. */
  medianDuration(name: string): Promise<number | null> {
    const known = this.#medians.get(name);
    if (known && Date.now() - known.at < MEDIAN_MAX_AGE_MS) return known.median;
    const median = this.#redis.durations(name).then(
      (durations) => (durations.length < MIN_RUNS_TO_EXPECT ? null : medianOf(durations)),
      () => null,
    );
    this.#medians.set(name, { at: Date.now(), median });
    return median;
  }
}

/** A list omits what a message would omit, so that a page of big results stays a page. */
function toListItem(stored: string): Snapshot {
  const snapshot: Snapshot = JSON.parse(stored);
  return Buffer.byteLength(stored) > MAX_EVENT_BYTES ? omitResult(snapshot) : snapshot;
}

/** The job that a task waits for from now on, if any. */
function jobFor(next: Snapshot): Pick<Commit, 'job'> {
  if (next.status !== 'retrying') return {};
  const at = next.expectedAt === null ? 0 : Date.parse(next.expectedAt);
  return { job: { id: jobIdOf(next), at: at > Date.now() ? at : null } };
}

function kindOf(known: Snapshot, next: Snapshot): CommitKind {
  if (!isFinished(next)) return 'step';
  return isFinished(known) ? 'seen' : 'outcome';
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
