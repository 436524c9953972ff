/** `createTasks`: the task operations without Express, for scripts, cron jobs, workers and other frameworks. */

import { refuseOtherMajor } from '../../backend/origin.ts';
import { isServerBackend, type ServerBackend } from '../../backend/server-backend.ts';
import type { AnyTaskDefinition } from '../../core/tasks/definition.ts';
import type { TaskLimits } from '../../core/tasks/task-limits.ts';
import { isObject, refuseOptions, requireOption } from '../../core/values/options.ts';
import { describe } from '../../core/values/text.ts';
import { TaskOperations } from './operations.ts';
import { TaskRemovals } from './removals.ts';
import { bindTaskCalls, type TaskCalls } from './task-calls.ts';

/** What `createTasks` takes. */
export interface TasksOptions {
  /** What `createBackend` gives; in tests what `createMemoryBackend` of `inloop/testing` gives. */
  readonly backend: ServerBackend;
  /** Every definition that this process may start or retry. */
  readonly tasks: readonly AnyTaskDefinition[];
  /** How many tasks may be active and started, as in `createTaskServer`. Default: no limits. */
  readonly limits?: TaskLimits;
}

/** What `createTasks` gives. Each call names the owner. */
export interface Tasks extends TaskCalls, Pick<TaskOperations, 'start'>, Pick<TaskRemovals, 'forget'> {
  /**
   * Resolves when everything that was started, cancelled or seen so far has been pushed, or after 5.5 s at most.
   * `backend.close()` waits for it, too.
   */
  flush(): Promise<void>;
}

/**
 * Starts, reads, cancels and retries tasks without a web server. It keeps nothing running of its own: when the process has done
 * its work, `await backend.close()` pushes what waits and lets it end.
 *
 * @example
 * const tasks = createTasks({ backend, tasks: [exportAll] });
 * await tasks.start(exportAll, { tenant: 'acme' }, { owner: 'acme:7' });
 * await backend.close();
 *
 * @throws ConfigError `invalid_options`
 */
export function createTasks(options: TasksOptions): Tasks {
  if (!isObject(options))
    refuseOptions(`createTasks: expected options like { backend, tasks }, got ${describe(options)}.`);
  const { backend } = options;
  refuseOtherMajor('createTasks', backend);
  requireOption(isServerBackend(backend), 'createTasks: backend', 'what createBackend gives', backend);
  const operations = new TaskOperations(backend, options.tasks, 'createTasks', options.limits);
  const removals = new TaskRemovals(backend);
  return {
    start: (definition, input, start) => operations.start(definition, input, start),
    ...bindTaskCalls(operations, removals),
    forget: (owner) => removals.forget(owner),
    flush: () => backend.flush(),
  };
}
