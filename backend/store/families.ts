/**
 * What the store knows of families: tasks whose handlers have started others, and their children. It serves those who bring
 * parents in step (backend/family/). Each method throws TaskError `store_unavailable`.
 */

import type { CommandRunner } from './commands/define-command.ts';
import { findActiveChildren } from './commands/family/find-active-children.ts';
import { findChangedParents } from './commands/family/find-changed-parents.ts';
import { releaseParent } from './commands/family/release-parent.ts';

export class FamilyStore {
  readonly #redis: CommandRunner;

  constructor(redis: CommandRunner) {
    this.#redis = redis;
  }

  /** Ids of the children of a task that have no outcome, at most 1,000. @param owner of the task */
  activeChildren(id: string, owner: string): Promise<readonly string[]> {
    return findActiveChildren(this.#redis, id, owner);
  }

  /**
   * Takes a task off the list of those whose families have changed, unless there was a change since it was read.
   * @param version of its family, as it was read; null if the task was gone
   */
  async release(id: string, version: string | null): Promise<void> {
    await releaseParent(this.#redis, id, version);
  }

  /** Ids of tasks whose families have changed more than `ms` ago, and which nobody has brought in step; the oldest first. */
  changed(ms: number, limit: number): Promise<readonly string[]> {
    return findChangedParents(this.#redis, ms, limit);
  }
}
