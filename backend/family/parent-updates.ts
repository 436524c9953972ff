/**
 * Updates parents (tasks whose handlers have started others) when their children were started or have ended. It serves
 * `TaskChanges`, which reports each change in a family, and the sweeper, for changes that a dead process has left.
 *
 * Redis counts the children in the step that starts or ends one. An update reads these counts and applies them to the parent:
 * its snapshot shows them, and they may end it. If the parent was cancelled or has failed, its active children are cancelled.
 * An update that finds nothing to do changes nothing, so any process may run it, even two at the same time.
 *
 * A waiting parent would wait for ever if the end of a child was not counted: the child's record was lost with a Redis, or a
 * worker of an earlier version has ended it. So the sweeper counts the children of each waiting parent again every 5 min.
 */

import { isUnavailable } from '../../core/error.ts';
import { waitsForChildren } from '../../core/tasks/children.ts';
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import { canCancel, type TaskEvent, transition } from '../../core/tasks/transition.ts';
import type { Child } from '../store/commands/family/find-children.ts';
import type { Release } from '../store/commands/family/release-parent.ts';
import type { OwnedTask, WithFamily } from '../store/record.ts';
import type { Time } from '../time.ts';

/** An update waits this long for further changes, unless the change is urgent. So 1,000 children cost 4 updates a second. */
const GATHER_MS = 250;
/** The process that stored a change in a family has this long to update the parent. After that, the sweeper does it. */
const GRACE_MS = 3_000;
/** Bounds the time that one sweep takes. The next sweep goes on with the others. */
const MAX_UPDATES_PER_SWEEP = 100;
/** How often the children of a waiting parent are counted again. */
const CHECK_EVERY_MS = 300_000;
/** How many children are read or cancelled at the same time. */
const AT_ONCE = 20;

export interface ParentUpdatesOptions {
  /** Each method rejects with a TaskError `store_unavailable` while Redis is away. */
  readonly store: { read(id: string, want: { readonly family: true }): Promise<(OwnedTask & WithFamily) | null> };
  readonly families: {
    children(id: string, owner: string): Promise<readonly Child[]>;
    /**
     * Takes the parent `id` off the list of parents to update, or puts it there for `againIn` ms from now. Does nothing if its
     * family is no longer at `version`; null skips this comparison.
     */
    release(id: string, release: Release): Promise<void>;
    /** Sets the counts of the parent `id`, unless its family is no longer at `version`. */
    correct(id: string, version: string, counts: { readonly ended: number; readonly failed: number }): Promise<boolean>;
    /** The ids of at most `limit` parents on the list whose update or check has been due for `ms`. */
    changed(ms: number, limit: number): Promise<readonly string[]>;
  };
  readonly changes: {
    apply(task: OwnedTask, event: TaskEvent): Promise<{ readonly ok: boolean; readonly snapshot: Snapshot | null }>;
  };
  /** The time of day, by Redis' clock. */
  readonly clock: { iso(): string };
  readonly time: Pick<Time, 'delay'>;
}

/** An update that waits, or is under way. */
interface Update {
  /** Whether the family has changed since the update began. */
  isDue: boolean;
  /** Aborted to begin the update at once, without gathering further changes. */
  startNow: AbortController;
  done: Promise<void>;
}

export class ParentUpdates {
  readonly #options: ParentUpdatesOptions;
  readonly #updates = new Map<string, Update>();

  constructor(options: ParentUpdatesOptions) {
    this.#options = options;
  }

  /** The family of a task has changed. @param isUrgent whether that may end the task, or its children have to be cancelled */
  noteChange(id: string, isUrgent: boolean): void {
    let update = this.#updates.get(id);
    if (update) update.isDue = true;
    else {
      update = { isDue: true, startNow: new AbortController(), done: Promise.resolve() };
      this.#updates.set(id, update);
      update.done = this.#updateWhileDue(id, update);
    }
    if (isUrgent) update.startNow.abort('urgent');
  }

  /**
   * Updates parents that dead processes have left behind. The children of a waiting parent are counted again first.
   * @throws TaskError `store_unavailable`
   */
  async sweep(): Promise<void> {
    for (const id of await this.#options.families.changed(GRACE_MS, MAX_UPDATES_PER_SWEEP)) {
      if (!this.#updates.has(id)) await this.#tryUpdate(id);
    }
  }

  /**
   * Updates one parent. If that fails because of a bug in inloop, the sweeper goes on with the others, and comes back to this
   * one after 5 min.
   * @throws TaskError `store_unavailable`
   */
  async #tryUpdate(id: string): Promise<void> {
    try {
      await this.#recount(id);
      await this.#update(id);
    } catch (error) {
      if (isUnavailable(error)) throw error;
      await this.#options.families.release(id, { version: null, againIn: CHECK_EVERY_MS });
    }
  }

  /** Resolves when all updates that this process has to make are done. Never rejects. */
  async flush(): Promise<void> {
    for (const { startNow } of this.#updates.values()) startNow.abort('flush');
    await Promise.all([...this.#updates.values()].map(({ done }) => done));
  }

  /** Never rejects: what failed is left to the sweeper. */
  async #updateWhileDue(id: string, update: Update): Promise<void> {
    const { time } = this.#options;
    while (update.isDue) {
      await time.delay(GATHER_MS, update.startNow.signal);
      update.startNow = new AbortController();
      update.isDue = false;
      await this.#update(id).catch(() => undefined);
    }
    this.#updates.delete(id);
  }

  /** Applies the counts of children to a parent, cancels its children if need be, and releases it. @throws `store_unavailable` */
  async #update(id: string): Promise<void> {
    const { store, families } = this.#options;
    const task = await store.read(id, { family: true });
    let againIn: number | null = null;
    if (task?.family) {
      const after = await this.#updateParent(task, task.family);
      if (after && mustCancelChildren(after)) await this.#cancelChildren(id, task.owner);
      if (after && waitsForChildren(after)) againIn = CHECK_EVERY_MS;
    }
    await families.release(id, { version: task?.family?.version ?? null, againIn });
  }

  /**
   * Corrects the counts of a waiting parent if more of its children have ended than were counted. A child without a record
   * counts as failed, unless it was counted as succeeded before. @throws TaskError `store_unavailable`
   */
  async #recount(id: string): Promise<void> {
    const { store, families } = this.#options;
    const task = await store.read(id, { family: true });
    if (!task?.family || !waitsForChildren(task.snapshot)) return;
    const { children: counts, version } = task.family;
    const ended = (await families.children(id, task.owner)).filter(({ isActive }) => !isActive);
    if (ended.length <= counts.ended) return;
    let succeeded = 0;
    await inGroups(ended, async (child) => {
      if ((await store.read(child.id, { family: true }))?.snapshot.status === 'succeeded') succeeded += 1;
    });
    const failed = ended.length - Math.max(succeeded, counts.ended - counts.failed);
    await families.correct(id, version, { ended: ended.length, failed: Math.max(failed, counts.failed) });
  }

  /** Applies the counts to the parent. @returns the parent as it is now; null if it is gone */
  async #updateParent(task: OwnedTask, family: NonNullable<WithFamily['family']>): Promise<Snapshot | null> {
    const { children, returned, onChildFailure } = family;
    const at = this.#options.clock.iso();
    const event: TaskEvent = { type: 'children', at, children, returned, onChildFailure };
    if (!transition(task.snapshot, event).ok) return task.snapshot;
    return (await this.#options.changes.apply(task, event)).snapshot;
  }

  async #cancelChildren(id: string, owner: string): Promise<void> {
    const children = await this.#options.families.children(id, owner);
    const active = children.filter(({ isActive }) => isActive);
    await inGroups(active, (child) => this.#cancel(child.id));
  }

  async #cancel(id: string): Promise<void> {
    const child = await this.#options.store.read(id, { family: true });
    if (!child || !canCancel(child.snapshot.status)) return;
    await this.#options.changes.apply(child, { type: 'cancel', at: this.#options.clock.iso() });
  }
}

/** Calls `work` for each, a few at a time. */
async function inGroups<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  for (let from = 0; from < all.length; from += AT_ONCE) await Promise.all(all.slice(from, from + AT_ONCE).map(work));
}

/** Whether the children of this parent have to be cancelled, since nobody needs their work any more. */
function mustCancelChildren({ status }: Snapshot): boolean {
  return status === 'cancelling' || status === 'cancelled' || status === 'failed';
}
