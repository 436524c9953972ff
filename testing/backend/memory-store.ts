/**
 * The task store in memory: what `backend/store/store.ts` does in Redis. It serves the memory backend. Core decides what each
 * change does, and the same code as in production makes the texts that are stored and reads them.
 *
 * Left out: records do not expire, and an idempotency key is not forgotten after a day, since a test is over before.
 */

import { jobIdOf } from '../../backend/queue/job.ts';
import { BAND } from '../../backend/queue/line-scripts.ts';
import type { Commit } from '../../backend/store/commands/task/commit-change.ts';
import type { Forgotten } from '../../backend/store/forget-owner.ts';
import {
  decodeListItem,
  decodeRecord,
  encodeExtras,
  fieldsToRead,
  type OwnedTask,
  type ReadTask,
  type Wanted,
} from '../../backend/store/record.ts';
import type { Applied, ClearOptions, Created, NewRecord } from '../../backend/store/store.ts';
import type { ListOptions } from '../../backend/store/task-list.ts';
import { type RunOptions, toCommit } from '../../backend/store/to-commit.ts';
import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE } from '../../core/limits.ts';
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import { isFinished, withPlace } from '../../core/tasks/snapshot.ts';
import type { TaskEvent } from '../../core/tasks/transition.ts';
import type { SeenEvent, TaskPage } from '../../core/wire.ts';
import { adoptChild, countChild, findChild } from './memory-family.ts';
import { type GateAnswer, MemoryGates } from './memory-gates.ts';
import { MemoryLimits } from './memory-limits.ts';
import type { MemoryQueues } from './memory-queues.ts';
import { decide, isIn, type MemoryRecord, snapshotOf, storedOf, withChildren, writeCommit } from './memory-record.ts';

/** What the store needs of the rest of the backend. */
export interface MemoryStoreOptions {
  /** The time of day, in ms since 1970. */
  readonly now: () => number;
  /** Whether pages of the owner are open, as far as is known. */
  readonly isWatched: (owner: string) => boolean;
  readonly queues: Pick<MemoryQueues, 'add' | 'remove' | 'ahead' | 'isWaiting'>;
}

/** A task to be created, and what a repeated request for it is recognized by. */
interface Creation {
  readonly task: NewRecord;
  /** The task's input as JSON. */
  readonly input: string;
  /** The owner and the idempotency key; null without one. */
  readonly key: string | null;
  /** The definition's name, and the text by which a repeated request is compared with this one. */
  readonly body: string;
  /** The task that this one retries. */
  readonly retried: MemoryRecord | undefined;
  readonly parent: MemoryRecord | undefined;
}

export class MemoryStore {
  readonly #options: MemoryStoreOptions;
  readonly #records = new Map<string, MemoryRecord>();
  /** The task that was started with an idempotency key, by `Creation.key`. */
  readonly #keys = new Map<string, { readonly id: string; readonly body: string }>();
  readonly #limits: MemoryLimits;
  readonly #gates = new MemoryGates((id) => this.#isCancelling(id));
  readonly #cancelListeners = new Set<(id: string) => void>();
  readonly #changeListeners = new Set<(id: string, snapshot: Snapshot) => void>();

  constructor(options: MemoryStoreOptions) {
    this.#options = options;
    this.#limits = new MemoryLimits(options.now, (owner, name) => this.#countActive(owner, name));
  }

  async create(task: NewRecord, idempotencyKey: string | null): Promise<Created> {
    const { snapshot, owner } = task;
    const creation = this.#toCreation(task, idempotencyKey);
    const earlier = this.#findEarlier(creation);
    if (earlier) return earlier;
    let replaces: readonly string[] = [];
    let isAlone = true;
    if (!this.#records.has(snapshot.id)) {
      const answer = this.#askGateAndLimits(creation);
      if (answer.result === 'joined') this.#noteAnswer(creation, answer.id);
      if (answer.result !== 'passes') return answer;
      replaces = answer.replaces;
      isAlone = !this.#options.queues.isWaiting(snapshot.name);
      this.#add(creation);
    }
    const watched = this.#options.isWatched(owner);
    // If no other task waits, it starts at once.
    return { result: 'created', watched, ahead: isAlone ? null : this.#ahead(snapshot), replaces };
  }

  #toCreation(task: NewRecord, idempotencyKey: string | null): Creation {
    const { snapshot, owner, child } = task;
    const input = JSON.stringify(task.input);
    return {
      task,
      input,
      key: idempotencyKey === null ? null : JSON.stringify([owner, idempotencyKey]),
      body: `${snapshot.name}\n${task.body ?? input}`,
      retried: snapshot.retryOf === null ? undefined : this.#records.get(snapshot.retryOf),
      parent: child ? this.#records.get(child.parent) : undefined,
    };
  }

  /** The answer if another task was created for the same child key, idempotency key or retry, or if a child is refused. */
  #findEarlier({ task, key, body, retried, parent }: Creation): Created | null {
    const { child, snapshot } = task;
    const answer = (earlier: { readonly id: string; readonly body: string }): Created | null => {
      // The same request, made a second time: `create` answers `created` again.
      if (earlier.id === snapshot.id) return null;
      return earlier.body === body ? { result: 'exists', id: earlier.id } : { result: 'mismatch' };
    };
    const found = child && findChild(parent, child.run, child.key);
    if (typeof found === 'string') return { result: 'refused', why: found };
    if (found && found.id !== snapshot.id) return answer(found);
    const known = key === null ? undefined : this.#keys.get(key);
    if (known) return answer(known);
    return retried?.retriedBy ? answer({ id: retried.retriedBy, body }) : null;
  }

  /** Whether the gate and the limits let a new task pass. */
  #askGateAndLimits({ task }: Creation): GateAnswer | Extract<Created, { readonly result: 'refused' | 'exceeded' }> {
    if (task.child && this.#gates.hasAny(this.#withParents(task.child.parent), task)) {
      return { result: 'refused', why: 'own_key' };
    }
    const answer = this.#gates.ask(task);
    return answer.result === 'passes' ? (this.#limits.take(task) ?? answer) : answer;
  }

  /** Stores a new task and queues its first run. */
  #add(creation: Creation): void {
    const { task, input, body, parent } = creation;
    const { snapshot, owner, child } = task;
    const fields = { snapshot: JSON.stringify(snapshot), seenAt: null, owner, input, result: null };
    const run = { run: null, worker: null, begunAt: null, handedBackProgress: null, suspicion: null };
    const record = {
      owner,
      fields: { ...fields, ...run, ...encodeExtras(task) },
      children: new Map(),
      retriedBy: null,
      isUnseen: false,
    };
    this.#records.set(snapshot.id, record);
    if (parent && child) adoptChild(parent, child.key, record, snapshot.id, body);
    this.#noteAnswer(creation, snapshot.id);
    this.#queue(task);
  }

  /** A repeated request with the same key, or a repeated retry, gets the task `id` from now on. */
  #noteAnswer({ key, body, retried }: Creation, id: string): void {
    if (key !== null) this.#keys.set(key, { id, body });
    if (retried) retried.retriedBy = id;
  }

  /** The ids of a task, its parent, and the parent of that. */
  #withParents(id: string): readonly string[] {
    const record = this.#records.get(id);
    const parent = record && snapshotOf(record).parent;
    return parent ? [id, ...this.#withParents(parent)] : [id];
  }

  /** Queues the first run of a new task: now or later, at its gate if it has one. */
  #queue({ snapshot, owner, priority = 'normal', gate }: NewRecord): void {
    const { id, name, startsAt } = snapshot;
    const { queues } = this.#options;
    const job = { id: jobIdOf({ id, run: 1 }), owner, band: BAND[priority] };
    const at = startsAt === undefined ? null : Date.parse(startsAt);
    if (!gate) {
      queues.add(name, { ...job, at });
      return;
    }
    const enter = () => this.#gates.enter(id, name, gate, () => queues.add(name, { ...job, at: null }));
    if (at === null) enter();
    else queues.add(name, { ...job, at, onDue: enter });
  }

  /** Removes a task that no worker has started. */
  async discard(id: string, owner: string): Promise<void> {
    const record = this.#records.get(id);
    if (record?.owner !== owner) return;
    const { revision, name } = snapshotOf(record);
    if (revision > 1) return;
    this.#records.delete(id);
    this.#options.queues.remove(name, owner, jobIdOf({ id, run: 1 }));
    this.#gates.leave(id);
  }

  async read<W extends Wanted = Record<never, never>>(id: string, want: W = {} as W): Promise<ReadTask<W> | null> {
    const record = this.#records.get(id);
    if (!record || (want.owner !== undefined && want.owner !== record.owner)) return null;
    const wanted = fieldsToRead(want).map((name) => [name, record.fields[name]]);
    return decodeRecord(Object.fromEntries(wanted), want);
  }

  async list(owner: string, options: ListOptions = {}): Promise<TaskPage> {
    const { state = 'all', cursor = null } = options;
    const limit = Math.min(options.limit ?? DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE);
    const isListed = ([id, record]: [string, MemoryRecord]) =>
      record.owner === owner && (cursor === null || id < cursor) && isIn(state, record);
    const found = [...this.#records].filter(isListed).sort(([a], [b]) => (a < b ? 1 : -1));
    const page = found.slice(0, limit);
    return {
      tasks: page.map(([, { fields }]) => decodeListItem(storedOf(fields))),
      nextCursor: page.length === limit ? (page.at(-1)?.[0] ?? null) : null,
    };
  }

  async see(owner: string, ids: readonly string[]): Promise<SeenEvent> {
    const now = this.#options.now();
    const seen = [...new Set(ids)].filter((id) => {
      const record = this.#records.get(id);
      if (record?.owner !== owner || !record.isUnseen) return false;
      record.isUnseen = false;
      record.fields.seenAt = String(now);
      return true;
    });
    return { ids: seen, seenAt: new Date(now).toISOString() };
  }

  async dismiss(owner: string, ids: readonly string[]): Promise<readonly string[]> {
    const isOwn = ([id, record]: [string, MemoryRecord]) => record.owner === owner && ids.includes(id);
    const children = [...this.#records]
      .filter((entry) => isOwn(entry) && !isIn('active', entry[1]))
      .flatMap(([, record]) => [...record.children.values()].map(({ id }) => id));
    this.#remove((entry) => isOwn(entry) && !isIn('active', entry[1]));
    const left = new Set([...this.#records].filter(isOwn).map(([id]) => id));
    const gone = ids.filter((id) => !left.has(id));
    return children.length === 0 ? gone : [...new Set([...gone, ...(await this.dismiss(owner, children))])];
  }

  async clear(owner: string, { keepUnseen = false }: ClearOptions = {}): Promise<readonly string[]> {
    return this.#remove(
      ([, record]) => record.owner === owner && !isIn('active', record) && !(keepUnseen && record.isUnseen),
    );
  }

  async forget(owner: string): Promise<Forgotten> {
    const removed = this.#remove(([, record]) => record.owner === owner);
    for (const key of this.#keys.keys()) if (JSON.parse(key)[0] === owner) this.#keys.delete(key);
    for (const id of removed) for (const listener of this.#cancelListeners) listener(id);
    for (const id of removed) this.#gates.leave(id);
    return { ids: removed, isDone: true };
  }

  /** @returns the ids of the tasks that were removed, newest first */
  #remove(isMeant: (entry: [string, MemoryRecord]) => boolean): readonly string[] {
    const ids = [...this.#records].filter(isMeant).map(([id]) => id);
    for (const id of ids) this.#records.delete(id);
    return ids.sort().reverse();
  }

  async apply(task: OwnedTask, event: TaskEvent, options: RunOptions = {}): Promise<Applied> {
    const { id } = task.snapshot;
    // Outcomes are marked as seen by `see`, many at a time, and not by an event.
    if (event.type === 'see') return { ok: false, refusal: 'not_allowed', snapshot: task.snapshot };
    const record = this.#records.get(id);
    if (!record) return { ok: false, refusal: 'missing', snapshot: null };
    const { owner } = record;
    const decided = decide(record, task.snapshot, event, options.run);
    if (!('next' in decided)) return decided;
    const now = this.#options.now();
    const { before, next } = withChildren(record, decided);
    const commit = toCommit({ owner, before, event, next }, options, now);
    const isByWorker = commit.runChange?.type === 'start' || !!record.fields.worker;
    writeCommit(record, next, commit, { run: options.run ?? 0, now });
    const mayEndParent = this.#follow(id, record, next, commit);
    for (const listener of this.#changeListeners) listener(id, next);
    const watched = isFinished(next) || this.#options.isWatched(owner);
    // All that runs here counts as one worker. An outcome is pushed in any case, so no workers are counted for it.
    const workers = watched && isByWorker && !isFinished(next) ? { workers: 1 } : {};
    return { ok: true, snapshot: next, watched, ...workers, ...(mayEndParent ? { mayEndParent } : {}) };
  }

  /** What follows from a stored change: for the parent, the gate, the queue and the worker. @returns whether the parent may end */
  #follow(id: string, { owner, fields }: MemoryRecord, { name }: Snapshot, commit: Commit): boolean {
    const { job, announceCancel, leavesLine, kind } = commit;
    const isOutcome = kind !== 'step';
    const parent = isOutcome && commit.parent !== null ? this.#records.get(commit.parent) : undefined;
    const mayEndParent = countChild(parent, kind !== 'succeeded');
    if (isOutcome) this.#gates.leave(id);
    const { queues } = this.#options;
    if (job) queues.add(name, { ...job, owner, band: null });
    if (leavesLine) queues.remove(name, owner, jobIdOf({ id, run: Number(fields.run ?? 0) + 1 }));
    if (announceCancel) for (const listener of this.#cancelListeners) listener(id);
    return mayEndParent;
  }

  /** The tasks that the handler of a task has started. */
  childrenOf(id: string): readonly { readonly id: string; readonly isActive: boolean }[] {
    const children = [...(this.#records.get(id)?.children.values() ?? [])];
    return children.map((child) => {
      const record = this.#records.get(child.id);
      return { id: child.id, isActive: record !== undefined && isIn('active', record) };
    });
  }

  async withPlaces<S extends Snapshot>(_owner: string, tasks: readonly S[]): Promise<readonly S[]> {
    return tasks.map((task) => withPlace(task, this.#ahead(task)));
  }

  /** The task; its changes are announced in any case. */
  async markWaited(id: string, _ms: number): Promise<Snapshot | null> {
    return (await this.read(id))?.snapshot ?? null;
  }

  /** There is no estimate: a test would depend on the tests before it. */
  async medianDuration(_name: string): Promise<number | null> {
    return null;
  }

  #ahead({ id, name }: Snapshot): number | null {
    return this.#options.queues.ahead(name, jobIdOf({ id, run: 1 }));
  }

  #isCancelling(id: string): boolean {
    const record = this.#records.get(id);
    return record !== undefined && snapshotOf(record).status === 'cancelling';
  }

  async settleReplaced(_ids: readonly string[]): Promise<void> {
    // They are cancelled by the process that stores the task, which is the only one.
  }

  /** How many tasks of `owner` are not finished. */
  countActive(owner: string): number {
    return this.#countActive(owner, null);
  }

  #countActive(owner: string | null, name: string | null): number {
    const isMeant = (record: MemoryRecord) =>
      (owner === null || record.owner === owner) && (name === null || snapshotOf(record).name === name);
    return [...this.#records.values()].filter((record) => isMeant(record) && isIn('active', record)).length;
  }

  /** Calls `listener` with the id of each task that its owner cancels. Returns a function that stops it. */
  onCancel(listener: (id: string) => void): () => void {
    this.#cancelListeners.add(listener);
    return () => this.#cancelListeners.delete(listener);
  }

  /** Calls `listener` with each task that changes. */
  onChange(listener: (id: string, snapshot: Snapshot) => void): void {
    this.#changeListeners.add(listener);
  }
}
