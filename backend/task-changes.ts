/**
 * The one place where a task is changed: stored in Redis first, pushed second. It serves everything that changes tasks:
 * the server's operations, the worker, and the recovery of what dead processes left.
 *
 * Since every change passes here, this file emits the named events of tasks, one for each stored change. If a change was
 * stored but its answer got lost, the next try of the same change emits the event, if there is a next try.
 *
 * This file also has the one rule for pushing. An outcome is always pushed. Any other snapshot is pushed while the owner is
 * watching, unless the caller says that the change is quiet.
 */

import { MAX_DISMISSED_TOLD } from '../core/limits.ts';
import { waitsForChildren } from '../core/tasks/children.ts';
import { isFinished, type Snapshot, withPlace } from '../core/tasks/snapshot.ts';
import { canCancel, type TaskEvent } from '../core/tasks/transition.ts';
import type { SeenEvent } from '../core/wire.ts';
import type { Emitter } from './events/events.ts';
import { emitChange } from './events/task-events.ts';
import type { Forgotten } from './store/forget-owner.ts';
import type { OwnedTask } from './store/record.ts';
import type { Applied, ClearOptions, Created, NewRecord } from './store/store.ts';
import type { RunOptions } from './store/to-commit.ts';

/** What is needed of the store. Each method rejects with a TaskError `store_unavailable` while Redis is away. */
export interface ChangeStore {
  /** Stores a new task and queues its first run, in one step. */
  create(task: NewRecord, idempotencyKey: string | null): Promise<Created>;
  /** Stores what `event` makes of a task, or refuses it. If it rejects, the change may have been stored or not. */
  apply(task: OwnedTask, event: TaskEvent, options: RunOptions): Promise<Applied>;
  read(id: string): Promise<OwnedTask | null>;
  /** Notes that nobody has to cancel these replaced tasks any more. */
  settleReplaced(ids: readonly string[]): Promise<void>;
  /** Takes outcomes out of the owner's inbox; answers with those that were in it. */
  see(owner: string, ids: readonly string[]): Promise<SeenEvent>;
  /** Removes finished tasks. This and `clear` answer with the ids that were removed. */
  dismiss(owner: string, ids: readonly string[]): Promise<readonly string[]>;
  /** Removes all finished tasks. */
  clear(owner: string, options: ClearOptions): Promise<readonly string[]>;
  /** Removes some of what is stored about an owner. It is called until `isDone`. */
  forget(owner: string): Promise<Forgotten>;
}

/** What is needed of the publisher. Its methods return at once and never throw. What they push may get lost. */
export interface ChangePublisher {
  /** Pushes a snapshot to its owner's pages. @param trace of the task (events/tracing.ts) */
  publish(owner: string, snapshot: Snapshot, trace: string | undefined): void;
  /** Says how many worker processes push to this owner, this one included. */
  share(owner: string, workers: number): void;
  /** Tells the owner's pages which outcomes were seen. */
  publishSeen(owner: string, seen: SeenEvent): void;
  /** Tells the owner's pages which tasks were removed. */
  publishDismissed(owner: string, ids: readonly string[]): void;
}

/** How a change is applied. */
export interface ChangeOptions extends RunOptions {
  /** Stores the change, but pushes it only if it ends the task. For changes that the owner need not see at once. */
  readonly isQuiet?: boolean;
  /**
   * An earlier try of the same change got no answer, so the change may be stored already. If the store refuses this try
   * because the attempt has ended just as the event would end it, the change counts as stored, and is pushed.
   */
  readonly isRepeated?: boolean;
}

/** What became of a change: the store's answer and, if the change was stored, whether it was also pushed. */
export type Change =
  | (Extract<Applied, { readonly ok: true }> & { readonly pushed: boolean })
  | Extract<Applied, { readonly ok: false }>;

/** Learns of each change in a family, that is, of a parent or its children (family/parent-updates.ts). */
export interface FamilyListener {
  /** The family of `id`, a parent, has changed. @param isUrgent whether that may end it, or its children are to be cancelled */
  noteChange(id: string, isUrgent: boolean): void;
}

export class TaskChanges {
  readonly #store: ChangeStore;
  readonly #publisher: ChangePublisher;
  readonly #events: Emitter;
  readonly #families: FamilyListener;

  /** @param families default: none, so that only the sweeper finds changes in families */
  constructor(
    store: ChangeStore,
    publisher: ChangePublisher,
    events: Emitter,
    families: FamilyListener = { noteChange: () => undefined },
  ) {
    this.#store = store;
    this.#publisher = publisher;
    this.#events = events;
    this.#families = families;
  }

  /**
   * Stores a new task and pushes it, and cancels those that it replaces. A second call with the same id or idempotency key
   * changes nothing.
   * @throws TaskError `store_unavailable`: the task may or may not have been stored
   */
  create(task: NewRecord, idempotencyKey: string | null): Promise<Created> {
    const { tracing } = this.#events;
    if (!tracing) return this.#create(task, idempotencyKey);
    return tracing.create(task.snapshot, task.retriedTrace, (trace) =>
      this.#create({ ...task, trace }, idempotencyKey),
    );
  }

  async #create(task: NewRecord, idempotencyKey: string | null): Promise<Created> {
    const created = await this.#store.create(task, idempotencyKey);
    if (created.result === 'created') {
      const { id, name, retryOf } = task.snapshot;
      this.#events.emit('task.accepted', () => ({ task: id, name, retryOf }));
      const snapshot = withPlace(task.snapshot, created.ahead);
      this.push({ owner: task.owner, snapshot, trace: task.trace }, created.watched);
      if (task.child) this.#families.noteChange(task.child.parent, false);
      // If this fails, the sweeper cancels them.
      await this.cancelReplaced(created.replaces, task.snapshot.createdAt).catch(() => undefined);
    }
    return created;
  }

  /**
   * Lets `event` happen to a task: stores and pushes what it leads to, unless the store refuses it.
   * @param task as far as it is known; it need not be current
   * @throws TaskError `store_unavailable`: the change may or may not have been stored. Try again with `isRepeated`.
   */
  async apply(
    task: OwnedTask,
    event: TaskEvent,
    { isQuiet = false, isRepeated = false, ...run }: ChangeOptions = {},
  ): Promise<Change> {
    const { owner, trace } = task;
    const applied = await this.#store.apply(task, event, run);
    if (applied.ok) {
      const { snapshot, watched } = applied;
      emitChange(this.#events, task, event, snapshot);
      if (applied.workers !== undefined) this.#publisher.share(owner, applied.workers);
      const pushed = (!isQuiet || isFinished(snapshot)) && this.push({ owner, snapshot, trace }, watched);
      this.#noteFamily(event, snapshot, applied.mayEndParent === true);
      return { ...applied, pushed };
    }
    const { snapshot } = applied;
    if (!isRepeated || snapshot === null || !hasEndedAttempt(event, snapshot)) {
      this.#events.emit('change.refused', () => ({
        task: task.snapshot.id,
        name: task.snapshot.name,
        change: event.type,
        why: applied.refusal,
      }));
      return applied;
    }
    emitChange(this.#events, task, event, snapshot);
    this.#noteFamily(event, snapshot, true);
    // The lost answer said whether the owner is watching. Assume so: an unneeded push does no harm.
    return { ok: true, snapshot, watched: true, pushed: this.push({ owner, snapshot, trace }, true) };
  }

  /** Reports a stored change to the family of the task, as a child and as a parent. */
  #noteFamily({ type }: TaskEvent, task: Snapshot, mayEndParent: boolean): void {
    if (task.parent !== undefined && isFinished(task)) this.#families.noteChange(task.parent, mayEndParent);
    if (task.children === undefined || type === 'children') return;
    if (isFinished(task) || task.status === 'cancelling' || waitsForChildren(task))
      this.#families.noteChange(task.id, true);
  }

  /** Cancels replaced tasks that can still be cancelled. @param at ISO 8601 @throws TaskError `store_unavailable` */
  async cancelReplaced(ids: readonly string[], at: string): Promise<void> {
    if (ids.length === 0) return;
    for (const id of ids) {
      const task = await this.#store.read(id);
      if (task && canCancel(task.snapshot.status)) await this.apply(task, { type: 'cancel', at });
    }
    await this.#store.settleReplaced(ids);
  }

  /** Takes outcomes out of the owner's inbox and tells the owner's pages. @throws TaskError `store_unavailable` */
  async see(owner: string, ids: readonly string[]): Promise<void> {
    const seen = await this.#store.see(owner, ids);
    if (seen.ids.length === 0) return;
    this.#events.emit('outcomes.seen', () => ({ count: seen.ids.length }));
    this.#publisher.publishSeen(owner, seen);
  }

  /** Removes finished tasks, and tells the owner's pages. @throws TaskError `store_unavailable` */
  async dismiss(owner: string, ids: readonly string[]): Promise<readonly string[]> {
    const gone = await this.#store.dismiss(owner, ids);
    this.#tellDismissed(owner, gone);
    return gone;
  }

  /** Removes all finished tasks, and tells the owner's pages. @returns their ids @throws TaskError `store_unavailable` */
  async clear(owner: string, options: ClearOptions): Promise<readonly string[]> {
    const ids = await this.#store.clear(owner, options);
    this.#tellDismissed(owner, ids);
    return ids;
  }

  /** Removes all that is stored about an owner. @returns how many tasks @throws TaskError `store_unavailable` */
  async forget(owner: string): Promise<number> {
    for (let removed = 0; ; ) {
      const { count, isDone } = await this.forgetSome(owner, removed);
      removed += count;
      if (isDone) return removed;
    }
  }

  /**
   * Removes 200 tasks of an owner at most; with the last ones, all else that is stored about the owner. Call it until
   * `isDone`.
   * @param removedBefore how many tasks the calls before have removed @returns how many this one has removed
   * @throws TaskError `store_unavailable`: call it again
   */
  async forgetSome(
    owner: string,
    removedBefore: number,
  ): Promise<{ readonly count: number; readonly isDone: boolean }> {
    const { ids, isDone } = await this.#store.forget(owner);
    this.#tellDismissed(owner, ids, removedBefore);
    if (isDone) this.#events.emit('owner.forgotten', () => ({ tasks: removedBefore + ids.length }));
    return { count: ids.length, isDone };
  }

  /** @param toldBefore how many removed tasks the owner's pages were told of in earlier steps of the same act */
  #tellDismissed(owner: string, ids: readonly string[], toldBefore = 0): void {
    if (ids.length === 0) return;
    this.#events.emit('tasks.dismissed', () => ({ count: ids.length }));
    const told = ids.slice(0, Math.max(MAX_DISMISSED_TOLD - toldBefore, 0));
    if (told.length > 0) this.#publisher.publishDismissed(owner, told);
  }

  /**
   * Pushes what is stored already: an outcome always, anything else only if the owner is watching.
   * @returns whether it was pushed
   */
  push({ owner, snapshot, trace }: OwnedTask, watched: boolean): boolean {
    if (!watched && !isFinished(snapshot)) return false;
    this.#publisher.publish(owner, snapshot, trace);
    return true;
  }
}

/** Whether `stored` shows that `event`, which ends an attempt, was stored before. Only such events are repeated. */
function hasEndedAttempt(event: TaskEvent, stored: Snapshot): boolean {
  if ('attempt' in event && waitsForChildren(stored) && event.attempt === stored.attempt) return true;
  switch (event.type) {
    case 'succeed':
      return stored.status === 'succeeded' && stored.attempt === event.attempt;
    case 'fail':
      return (
        (stored.status === 'failed' && stored.attempt === event.attempt) ||
        (stored.status === 'retrying' && stored.attempt === event.attempt + 1)
      );
    case 'release':
      return stored.status === 'retrying' && stored.attempt === event.attempt;
    case 'stop':
      return stored.status === 'cancelled' && stored.attempt === event.attempt;
    default:
      return false;
  }
}
