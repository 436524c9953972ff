/**
 * The task store: the truth about every task. It serves server and worker alike.
 *
 * What a change does is decided by core's transition function, here, on the snapshot we hold; Redis stores it
 * only if that snapshot is still the current one (its revision is), in one atomic step. If it is not, Redis
 * answers with the current one and we decide again. So there is one set of rules, no lock, and a stale
 * attempt finds out at its first write.
 */

import { createHash } from 'node:crypto';
import { DEFAULT_PAGE_SIZE, MAX_DURATION_MS, MAX_EVENT_BYTES, MAX_PAGE_SIZE } from '../../core/limits.ts';
import { isFinished, type Progress, type QueuedSnapshot, type Snapshot } from '../../core/snapshot.ts';
import { type Refusal, type TaskEvent, transition } from '../../core/transition.ts';
import { isPartial, type ListState, omitResult, type SeenEvent, type TaskPage, withResult } from '../../core/wire.ts';
import type { Clock } from '../clock.ts';
import { jobIdOf } from '../queue/job.ts';
import { type Isolation, NO_SUSPICION, type Suspicion } from '../recovery/blame.ts';
import { Discards } from './discards.ts';
import type { Commit, Redis, RunChange, StoredRun, StoredSnapshot } from './redis.ts';

/** More conflicts in a row than any number of writers can cause that a task ever has; reaching it is a bug, not contention. */
const MAX_CONFLICTS = 100;
const MEDIAN_MAX_AGE_MS = 10_000;
/** Each looks at up to 1,000 ids, and Redis serves others in between. What is beyond them has the next page. */
const MAX_LIST_ROUNDS = 20;
/** Fewer runs than this say nothing about the next one. */
const MIN_RUNS_TO_EXPECT = 3;

/** A task and whose it is. A result that is too big for an event is left out, unless it was asked for. */
export interface OwnedTask {
  readonly snapshot: Snapshot;
  readonly owner: string;
}

/** What is known of the runs of a task. Only the server side may see it. */
export interface RunState {
  /** How often it was started. Fences what comes from runs that are over, whichever attempt they belonged to. */
  readonly run: number;
  /** The worker that runs it; null where none does. */
  readonly worker: string | null;
  /** When the run began, in ms by Redis' clock. */
  readonly begunAt: number;
  /** What a run that was handed back had shown: the same attempt must not show less. */
  readonly held: Progress | null;
  readonly suspicion: Suspicion;
}

/** A task with all that a worker needs. */
export interface TaskRecord extends OwnedTask, RunState {
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

/** What of a task is wanted beside its snapshot and its owner, and for whom. */
export interface Wanted {
  /** For nobody else; unless given, whoever owns it. */
  readonly owner?: string;
  readonly input?: boolean;
  readonly result?: boolean;
  readonly run?: boolean;
}

type Read<W extends Wanted> = OwnedTask &
  (W extends { input: true } ? Pick<TaskRecord, 'input' | 'raw'> : unknown) &
  (W extends { run: true } ? RunState : unknown);

/** How a change relates to the run of its task. */
export interface RunOptions {
  /** The run that the event comes from, or after which the next one starts. */
  readonly run?: number;
  /** For a `start`. */
  readonly start?: { readonly worker: string; readonly isolation: Isolation };
  /** What is held against the task from now on. */
  readonly suspicion?: Suspicion;
}

/** What became of a change. */
export type Applied =
  | {
      readonly ok: true;
      readonly snapshot: Snapshot;
      /** Whether the owner has a page open, as far as is known. Of a task that nobody watches, only the outcome is pushed. */
      readonly watched: boolean;
    }
  | { readonly ok: false; readonly refusal: Refusal | 'missing'; readonly snapshot: Snapshot | null };

/** What became of a new task. */
export type Created =
  | { readonly result: 'created'; readonly watched: boolean }
  /** The key was used for the same body: `id` is the task it made. */
  | { readonly result: 'exists'; readonly id: string }
  /** The key was used for another body. */
  | { readonly result: 'mismatch' };

export class TaskStore {
  readonly #redis: Redis;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #discards: Discards;
  readonly #medians = new Map<string, { at: number; median: Promise<number | null> }>();

  constructor(redis: Redis, clock: Pick<Clock, 'now'>) {
    this.#redis = redis;
    this.#clock = clock;
    this.#discards = new Discards((id, owner) => redis.discard(id, owner));
  }

  /**
   * Stores a new task. Doing so twice with the same id is harmless; and for one that tries another again (`retryOf`),
   * twice is once with any id, for as long as that other is kept.
   * @throws TaskError `store_unavailable`
   */
  async create(task: NewRecord, idempotencyKey: string | null): Promise<Created> {
    const input = JSON.stringify(task.input);
    const bodyHash = idempotencyKey === null ? '' : hash(`${task.snapshot.name}\n${task.body ?? input}`);
    const { known, watched } = await this.#redis.create({
      id: task.snapshot.id,
      owner: task.owner,
      name: task.snapshot.name,
      snapshot: JSON.stringify(task.snapshot),
      input,
      raw: task.raw ?? null,
      jobId: jobIdOf({ id: task.snapshot.id, run: 1 }),
      idempotency: idempotencyKey === null ? null : { key: hash(idempotencyKey), bodyHash },
      retryOf: task.snapshot.retryOf,
    });
    if (known === null || known.id === task.snapshot.id) return { result: 'created', watched };
    return known.bodyHash === bodyHash ? { result: 'exists', id: known.id } : { result: 'mismatch' };
  }

  /**
   * Takes back a task whose creation got no answer: should it have been stored, now or later, it goes again, unless
   * somebody has started it. Tries for a minute; of more than 10,000 at once the rest is left. Never rejects.
   */
  discard(id: string, owner: string): Promise<void> {
    return this.#discards.add(id, owner);
  }

  /**
   * The task, or null where there is none (or no longer, or it is not that owner's). Its input and a result that a list
   * leaves out may be big: they are read only where they are asked for.
   * @throws TaskError `store_unavailable`
   */
  async read<W extends Wanted = Record<never, never>>(id: string, want: W = {} as W): Promise<Read<W> | null> {
    const stored = await this.#redis.read(id, want);
    if (stored === null) return null;
    const { owner, input, raw, result, run } = stored;
    const listed = toSnapshot(stored);
    const snapshot = result !== null && isPartial(listed) ? withResult(listed, JSON.parse(result)) : listed;
    return {
      ...{ snapshot, owner },
      ...(input === null ? {} : toInput(input, raw)),
      ...(run === null ? {} : toRunState(run, snapshot)),
    } as Read<W>;
  }

  /**
   * One page of `owner`'s tasks, newest first. Where very many records have expired since somebody last looked, it may
   * have fewer than `limit` and still a `nextCursor`.
   * @throws TaskError `store_unavailable`
   */
  async list(
    owner: string,
    options: { readonly state?: ListState; readonly limit?: number; readonly cursor?: string | null } = {},
  ): Promise<TaskPage> {
    const limit = Math.min(options.limit ?? DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE);
    const tasks: Snapshot[] = [];
    let cursor = options.cursor ?? null;
    for (let round = 0; round < MAX_LIST_ROUNDS; round++) {
      const page = await this.#redis.list(options.state ?? 'all', owner, limit - tasks.length, cursor);
      for (const stored of page.found) tasks.push(toListItem(stored));
      cursor = page.next;
      if (cursor === null || tasks.length >= limit) break;
    }
    return { tasks, nextCursor: cursor };
  }

  /**
   * Takes outcomes out of the owner's inbox; other ids are passed over. None of the tasks is read.
   * @param ids at most 1,000
   * @returns what there is to tell the owner's other pages
   * @throws TaskError `store_unavailable`
   */
  async see(owner: string, ids: readonly string[]): Promise<SeenEvent> {
    const seen = await this.#redis.see(owner, [...new Set(ids)]);
    return { ids: seen.ids, seenAt: new Date(seen.at).toISOString() };
  }

  /**
   * Marks a task as waited for during the next `ms`, so that its changes are announced (Redis.onChange), and reads it as
   * it is then; null where there is none.
   * @throws TaskError `store_unavailable`
   */
  async markWaited(id: string, ms: number): Promise<Snapshot | null> {
    const stored = await this.#redis.markWaited(id, ms);
    return stored && toSnapshot(stored);
  }

  /**
   * Lets `event` happen to a task: stored, or refused.
   * @param task as far as it is known; it need not be current
   * @param event any but `see`, which is refused here: {@link see} does it without reading the task
   * @throws TaskError `store_unavailable`; the change may or may not have been stored
   */
  async apply(
    task: { readonly snapshot: Snapshot; readonly owner: string },
    event: TaskEvent,
    { run, start, suspicion }: RunOptions = {},
  ): Promise<Applied> {
    let known = task.snapshot;
    let isCurrent = false;
    if (event.type === 'see') return { ok: false, refusal: 'not_allowed', snapshot: known };
    for (let tries = 0; tries < MAX_CONFLICTS; tries++) {
      const moved = transition(known, event);
      if (!moved.ok) {
        // Only the store may say no: what the caller knew could be a revision behind.
        if (isCurrent || moved.refusal === 'unchanged') return { ok: false, refusal: moved.refusal, snapshot: known };
        const stored = await this.#redis.read(known.id);
        if (stored === null) return { ok: false, refusal: 'missing', snapshot: null };
        known = toSnapshot(stored);
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
        ...toCommit(next),
        kind: isFinished(next) ? 'outcome' : 'step',
        run: run ?? null,
        runChange: start ? { type: 'start', ...start } : runEnd(known, next, event, suspicion),
        ...this.#jobFor(next, run),
        ...(duration !== null && next.attempt === 1 ? { duration } : {}),
        announceCancel: isNewsOfCancel(known, next),
      });
      if (answer.result === 'ok') return { ok: true, snapshot: next, watched: answer.watched };
      if (answer.result === 'missing') return { ok: false, refusal: 'missing', snapshot: null };
      if (answer.result === 'stale') return { ok: false, refusal: 'stale_attempt', snapshot: null };
      known = toSnapshot(answer);
      isCurrent = true;
    }
    throw new Error(`inloop: task ${task.snapshot.id} changed ${MAX_CONFLICTS} times while one change was tried`);
  }

  /** The job that a task waits for from now on, if any: for the run after `run`. */
  #jobFor(next: Snapshot, run: number | undefined): Pick<Commit, 'job'> {
    if (next.status !== 'retrying') return {};
    const at = next.expectedAt === null ? 0 : Date.parse(next.expectedAt);
    return { job: { id: jobIdOf({ id: next.id, run: (run ?? 0) + 1 }), at: at > this.#clock.now() ? at : null } };
  }

  /** The median time in ms that recent runs of a definition took, or null where too few are known. Never rejects. */
  medianDuration(name: string): Promise<number | null> {
    const known = this.#medians.get(name);
    if (known && performance.now() - known.at < MEDIAN_MAX_AGE_MS) return known.median;
    const median = this.#redis.durations(name).then(
      (durations) => {
        // What is no duration would make a time that cannot be formatted.
        const sound = durations.filter((ms) => ms >= 0 && ms <= MAX_DURATION_MS);
        return sound.length < MIN_RUNS_TO_EXPECT ? null : medianOf(sound);
      },
      () => null,
    );
    this.#medians.set(name, { at: performance.now(), median });
    return median;
  }
}

/** `next` as it is stored: a result that no event could carry is kept apart, so that nobody reads it who does not want it. */
function toCommit(next: Snapshot): Pick<Commit, 'snapshot' | 'result'> {
  const whole = JSON.stringify(next);
  if (next.status !== 'succeeded' || Buffer.byteLength(whole) <= MAX_EVENT_BYTES) return { snapshot: whole };
  return { snapshot: JSON.stringify(omitResult(next)), result: JSON.stringify(next.result) };
}

/** A snapshot as it was stored, and seen if it was. */
function toSnapshot({ snapshot, seenAt }: StoredSnapshot): Snapshot {
  const stored: Snapshot = JSON.parse(snapshot);
  if (seenAt === null) return stored;
  const seen = transition(stored, { type: 'see', at: new Date(seenAt).toISOString() });
  return seen.ok ? seen.snapshot : stored;
}

/** The same for a list. inloop 0.1.0 stored a big result within its snapshot. */
function toListItem(stored: StoredSnapshot): Snapshot {
  const snapshot = toSnapshot(stored);
  return Buffer.byteLength(stored.snapshot) > MAX_EVENT_BYTES ? omitResult(snapshot) : snapshot;
}

/** What the end of a run leaves behind; null where `next` ends none. */
function runEnd(known: Snapshot, next: Snapshot, event: TaskEvent, suspicion?: Suspicion): RunChange | null {
  if (!isAttempting(known) || isAttempting(next)) return null;
  const held = event.type === 'release' ? known.progress : null;
  return {
    type: 'end',
    held: held === null ? '' : JSON.stringify(held),
    suspicion: suspicion ? JSON.stringify(suspicion) : '',
  };
}

function isAttempting({ status }: Snapshot): boolean {
  return status === 'running' || status === 'cancelling';
}

/** Whether a worker has to hear of it: one that runs the task, or one where the task waits until it may run. */
function isNewsOfCancel(known: Snapshot, next: Snapshot): boolean {
  return (
    (next.status === 'cancelling' && known.status !== 'cancelling') ||
    (next.status === 'cancelled' && known.status === 'retrying')
  );
}

function toInput(text: string, raw: string | null): Pick<TaskRecord, 'input' | 'raw'> {
  const input: unknown = JSON.parse(text);
  return { input, raw: raw === null ? input : raw === '' ? undefined : JSON.parse(raw) };
}

function toRunState({ count, worker, begunAt, held, suspicion }: StoredRun, { attempt, status }: Snapshot): RunState {
  return {
    // Version 0.1.0 kept no count, and started an attempt once.
    run: count === null ? attempt - (status === 'retrying' ? 1 : 0) : Number(count),
    worker: worker || null,
    begunAt: Number(begunAt ?? 0),
    held: held ? JSON.parse(held) : null,
    suspicion: suspicion ? JSON.parse(suspicion) : NO_SUSPICION,
  };
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
