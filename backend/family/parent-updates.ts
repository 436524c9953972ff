/**
 * Keeps tasks whose handlers have started others in step with these: their children. It serves `TaskChanges`, which tells it of
 * each change in a family, and the sweeper, which finds the changes that a process that died has left.
 *
 * Redis counts the children in the step that starts or ends one. An update reads the counts and lets them happen to the
 * parent: its snapshot shows them, and they may end it. If the parent was cancelled or did not succeed, its children that are
 * active are cancelled. An update that finds nothing to do changes nothing, so it may run anywhere, and twice at once.
 *
 * A parent that waits would wait for ever for a child that nobody has counted: its record was lost with a Redis, or a worker of
 * an earlier version has ended it. So the sweeper looks at each parent that waits every 5 min, and counts again.
 */

import { waitsForChildren } from '../../core/tasks/children.ts';
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import { canCancel, type TaskEvent, transition } from '../../core/tasks/transition.ts';
import type { Child } from '../store/commands/family/find-children.ts';
import type { Release } from '../store/commands/family/release-parent.ts';
import type { OwnedTask, WithFamily } from '../store/record.ts';
import type { Time } from '../time.ts';

/** How long changes in one family are gathered, unless the parent may end: 1,000 children make 4 updates a second, not 1,000. */
const GATHER_MS = 250;
/** The process that stored a change in a family has this long to bring the parent in step. After that, the sweeper does. */
const GRACE_MS = 3_000;
const MAX_UPDATES_PER_SWEEP = 100;
/** How often the children of a parent that waits are counted again. */
const CHECK_EVERY_MS = 300_000;
/** How many children are read or cancelled at a time. */
const AT_ONCE = 20;

export interface ParentUpdatesOptions {
  /** Each method rejects with a TaskError `store_unavailable` while Redis is away. */
  readonly store: { read(id: string, want: { readonly family: true }): Promise<(OwnedTask & WithFamily) | null> };
  readonly families: {
    children(id: string, owner: string): Promise<readonly Child[]>;
    release(id: string, release: Release): Promise<void>;
    correct(id: string, version: string, counts: { readonly ended: number; readonly failed: number }): Promise<boolean>;
    changed(ms: number, limit: number): Promise<readonly string[]>;
  };
  readonly changes: {
    apply(task: OwnedTask, event: TaskEvent): Promise<{ readonly ok: boolean; readonly snapshot: Snapshot | null }>;
  };
  /** The time of day, by Redis' clock. */
  readonly clock: { iso(): string };
  readonly time: Pick<Time, 'delay'>;
}

/** An update that is to come, or is under way. */
interface Update {
  /** Whether the family has changed since the update began. */
  isDue: boolean;
  /** Aborted when the update should begin at once. */
  hurry: AbortController;
  done: Promise<void>;
}

export class ParentUpdates {
  readonly #options: ParentUpdatesOptions;
  readonly #updates = new Map<string, Update>();

  constructor(options: ParentUpdatesOptions) {
    this.#options = options;
  }

  /** Something has changed in the family of a task. @param isUrgent whether the task may end by it, or its children should */
  note(id: string, isUrgent: boolean): void {
    let update = this.#updates.get(id);
    if (update) update.isDue = true;
    else {
      update = { isDue: true, hurry: new AbortController(), done: Promise.resolve() };
      this.#updates.set(id, update);
      update.done = this.#run(id, update);
    }
    if (isUrgent) update.hurry.abort('urgent');
  }

  /**
   * Brings the parents in step that other processes have left, and counts the children of those that have waited for long.
   * @throws TaskError `store_unavailable`
   */
  async look(): Promise<void> {
    for (const id of await this.#options.families.changed(GRACE_MS, MAX_UPDATES_PER_SWEEP)) {
      if (this.#updates.has(id)) continue;
      await this.#check(id);
      await this.#update(id);
    }
  }

  /** Resolves when every parent is in step with the changes in its family that this process knows of. Never rejects. */
  async flush(): Promise<void> {
    for (const { hurry } of this.#updates.values()) hurry.abort('flush');
    await Promise.all([...this.#updates.values()].map(({ done }) => done));
  }

  /** Never rejects: what failed is left to the sweeper. */
  async #run(id: string, update: Update): Promise<void> {
    const { time } = this.#options;
    while (update.isDue) {
      await time.delay(GATHER_MS, update.hurry.signal);
      update.hurry = new AbortController();
      update.isDue = false;
      await this.#update(id).catch(() => undefined);
    }
    this.#updates.delete(id);
  }

  /** @throws TaskError `store_unavailable` */
  async #update(id: string): Promise<void> {
    const { store, families } = this.#options;
    const task = await store.read(id, { family: true });
    let againIn: number | null = null;
    if (task?.family) {
      const after = await this.#tellParent(task, task.family);
      if (after && mustEndChildren(after)) await this.#cancelChildren(id, task.owner);
      if (after && waitsForChildren(after)) againIn = CHECK_EVERY_MS;
    }
    await families.release(id, { version: task?.family?.version ?? null, againIn });
  }

  /**
   * Counts the children of a parent that waits, if fewer of them are active than its counts say. One that is gone counts as
   * failed, unless so many were counted as succeeded. @throws TaskError `store_unavailable`
   */
  async #check(id: string): Promise<void> {
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

  /** @returns the parent, as far as is known; null if it is gone */
  async #tellParent(task: OwnedTask, news: NonNullable<WithFamily['family']>): Promise<Snapshot | null> {
    const { children, returned, onChildFailure } = news;
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

/** Whether what the children do is of no use any more. */
function mustEndChildren({ status }: Snapshot): boolean {
  return status === 'cancelling' || status === 'cancelled' || status === 'failed';
}
