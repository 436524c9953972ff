/**
 * The store's commands about families: parents and their children. It serves the updates of parents (backend/family/). Each
 * method rejects with a TaskError `store_unavailable` while Redis is away.
 */

import type { CommandRunner } from './commands/define-command.ts';
import { correctCounts } from './commands/family/correct-counts.ts';
import { type Child, findChildren } from './commands/family/find-children.ts';
import { type Release, releaseParent } from './commands/family/release-parent.ts';
import { findOverdue } from './commands/process/find-overdue.ts';

/** Reads and changes families in Redis. */
export class FamilyStore {
  readonly #redis: CommandRunner;

  constructor(redis: CommandRunner) {
    this.#redis = redis;
  }

  /** The children of a task, at most 1,000. @param owner of the task */
  children(id: string, owner: string): Promise<readonly Child[]> {
    return findChildren(this.#redis, id, owner);
  }

  /** Takes a parent off the list of changed families after an update, or puts it there for a later check. */
  async release(id: string, release: Release): Promise<void> {
    await releaseParent(this.#redis, id, release);
  }

  /**
   * Sets how many children have ended, and how many of those did not succeed.
   * @returns false if the family has changed since `version` was read
   */
  correct(id: string, version: string, counts: { readonly ended: number; readonly failed: number }): Promise<boolean> {
    return correctCounts(this.#redis, id, version, counts);
  }

  /**
   * Ids of parents to update: those whose families changed more than `ms` ago and which were not updated since, and those whose next
   * check is overdue by more than `ms`. The earliest first.
   */
  changed(ms: number, limit: number): Promise<readonly string[]> {
    return findOverdue(this.#redis, this.#redis.keys.parents, ms, limit);
  }
}
