/** The hook that starts tasks. */

import { useCallback, useState } from 'react';
import type { TaskError } from '../../core/error.ts';
import type { AnyTaskDefinition, InputOf, ResultOf } from '../../core/tasks/definition.ts';
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import type { StartOptions } from '../feed/task-feed.ts';
import { useTaskFeed } from './use-tasks.ts';

/** What `useStartTask` returns. */
export interface StartTask<D extends AnyTaskDefinition> {
  /**
   * Starts a task. Resolves with its first snapshot as soon as it is accepted: follow it with `useTask(snapshot.id)`.
   * Rejects with the `error` below; a rejection that nobody handles causes no warning. The function keeps its identity.
   */
  readonly start: (input: InputOf<D>, options?: StartOptions) => Promise<Snapshot<ResultOf<D>>>;
  /** Whether a start waits for its answer, for example to disable the button. */
  readonly isPending: boolean;
  /** Why the last start was refused (`issues` says which part of the input does not fit), or null. */
  readonly error: TaskError | null;
}

/**
 * Starts tasks that are open to browsers.
 *
 * @param task a definition; or its name, with the definition's type: `useStartTask<typeof importContacts>('import-contacts')`
 *   leaves the definition and its schemas out of the page
 * @throws TaskError `no_provider`
 * @example
 * const { start, isPending, error } = useStartTask(importContacts);
 * <button disabled={isPending} onClick={() => start({ uploadId, filename })}>Import</button>
 */
export function useStartTask<D extends AnyTaskDefinition>(task: D | D['name']): StartTask<D> {
  const feed = useTaskFeed();
  const [{ pending, error }, setState] = useState({ pending: 0, error: null as TaskError | null });
  const name = typeof task === 'string' ? task : (task as D).name;
  const start = useCallback(
    (input: unknown, options?: StartOptions) => {
      const addPending = (count: 1 | -1, reason: TaskError | null) =>
        setState((before) => ({ pending: before.pending + count, error: reason }));
      addPending(1, null);
      const starting = feed.start(name, input, options);
      starting.then(
        () => addPending(-1, null),
        (reason) => addPending(-1, reason),
      );
      return starting;
    },
    [feed, name],
  ) as StartTask<D>['start'];
  return { start, isPending: pending > 0, error };
}
