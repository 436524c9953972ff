/**
 * Keeps tasks whose handlers have started others in step with these: their children. It serves `TaskChanges`, which tells it of
 * each change in a family, and the sweeper, which finds the changes that a process that died has left.
 *
 * Redis counts the children in the step that starts or ends one. An update reads the counts and lets them happen to the
 * parent: its snapshot shows them, and they may end it. If the parent was cancelled or did not succeed, its children that are
 * active are cancelled. An update that finds nothing to do changes nothing, so it may run anywhere, and twice at once.
 */

import type { Snapshot } from '../../core/tasks/snapshot.ts';
import { canCancel, type TaskEvent, transition } from '../../core/tasks/transition.ts';
import type { OwnedTask, WithFamily } from '../store/record.ts';
import type { Time } from '../time.ts';

/** How long changes in one family are gathered, unless the parent may end: 1,000 children make 4 updates a second, not 1,000. */
const GATHER_MS = 250;
/** The process that stored a change in a family has this long to bring the parent in step. After that, the sweeper does. */
const GRACE_MS = 3_000;
const MAX_UPDATES_PER_SWEEP = 100;
/** How many children are cancelled at a time. */
const CANCELLED_AT_ONCE = 20;

export interface ParentUpdatesOptions {
  /** Each method rejects with a TaskError `store_unavailable` while Redis is away. */
  readonly store: { read(id: string, want: { readonly family: true }): Promise<(OwnedTask & WithFamily) | null> };
  readonly families: {
    activeChildren(id: string, owner: string): Promise<readonly string[]>;
    release(id: string, version: string | null): Promise<void>;
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

  /** Brings the parents in step that other processes have left. @throws TaskError `store_unavailable` */
  async look(): Promise<void> {
    for (const id of await this.#options.families.changed(GRACE_MS, MAX_UPDATES_PER_SWEEP)) {
      if (!this.#updates.has(id)) await this.#update(id);
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
    if (task?.family) {
      const after = await this.#tellParent(task, task.family);
      if (after && mustEndChildren(after)) await this.#cancelChildren(id, task.owner);
    }
    await families.release(id, task?.family?.version ?? null);
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
    const ids = await this.#options.families.activeChildren(id, owner);
    for (let from = 0; from < ids.length; from += CANCELLED_AT_ONCE) {
      await Promise.all(ids.slice(from, from + CANCELLED_AT_ONCE).map((child) => this.#cancel(child)));
    }
  }

  async #cancel(id: string): Promise<void> {
    const child = await this.#options.store.read(id, { family: true });
    if (!child || !canCancel(child.snapshot.status)) return;
    await this.#options.changes.apply(child, { type: 'cancel', at: this.#options.clock.iso() });
  }
}

/** Whether what the children do is of no use any more. */
function mustEndChildren({ status }: Snapshot): boolean {
  return status === 'cancelling' || status === 'cancelled' || status === 'failed';
}
