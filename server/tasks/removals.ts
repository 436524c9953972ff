/**
 * Removes tasks for good: finished tasks that their owner dismisses, and all tasks of an owner who has left. It serves the
 * router, and code of the application.
 */

import type { ServerBackend } from '../../backend/server-backend.ts';
import type { ClearOptions } from '../../backend/store/store.ts';
import { assertOwner } from '../../core/channel.ts';
import { MAX_SEEN_IDS } from '../../core/limits.ts';
import { isFinished } from '../../core/tasks/snapshot.ts';
import { describe } from '../../core/values/text.ts';
import { refusal } from '../problem.ts';
import { readOwnTask } from './lookup.ts';
import { isId } from './task-id.ts';

export class TaskRemovals {
  readonly #backend: Pick<ServerBackend, 'store' | 'changes'>;

  constructor(backend: Pick<ServerBackend, 'store' | 'changes'>) {
    this.#backend = backend;
  }

  /**
   * Removes a finished task, on every device.
   * @throws TaskError `not_found` (404), `not_dismissable` (409) while the task is active
   */
  async dismiss(owner: string, id: string): Promise<void> {
    const { snapshot } = await readOwnTask(this.#backend.store, owner, id);
    if (!isFinished(snapshot)) {
      throw refusal('not_dismissable', 'This task has not finished. Cancel it first.', 409);
    }
    await this.#backend.changes.dismiss(owner, [id]);
  }

  /**
   * Removes the owner's finished tasks, on every device: all, those that the owner has seen (`keepUnseen`), or those named.
   * @returns the ids of the tasks that are gone now, newest first; with `options.ids`: all of these but those of active tasks,
   *   and the ids of the removed children
   * @throws TaskError `invalid_ids` (422) unless `ids` is a list of at most 1,000 task ids, `invalid_body` (422)
   */
  async clear(
    owner: string,
    options: ClearOptions & { readonly ids?: readonly string[] | undefined } = {},
  ): Promise<readonly string[]> {
    if (options.ids !== undefined) {
      if (!Array.isArray(options.ids) || options.ids.length > MAX_SEEN_IDS || !options.ids.every(isId)) {
        throw refusal('invalid_ids', `ids must be a list of at most ${MAX_SEEN_IDS} task ids.`, 422);
      }
      return this.#backend.changes.dismiss(owner, options.ids);
    }
    const { keepUnseen = false } = options;
    if (typeof keepUnseen !== 'boolean') {
      throw refusal('invalid_body', `keepUnseen must be true or false, got ${describe(keepUnseen)}.`, 422);
    }
    return this.#backend.changes.clear(owner, { keepUnseen });
  }

  /**
   * Removes everything that is stored about a user who has left: their tasks, whatever the status, and all indexes.
   * Handlers that run are told to stop. What handlers have stored elsewhere is not touched. A task that is started for this
   * user afterwards is stored as usual, so stop that first.
   * @returns how many tasks there were
   * @throws TaskError `invalid_owner` (400); `store_unavailable` (503): call it again
   */
  async forget(owner: string): Promise<number> {
    assertOwner(owner);
    return this.#backend.changes.forget(owner);
  }
}
