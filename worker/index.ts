/** `inloop/worker`: does the work of tasks. */

export type { ChildOptions, Handler, ProgressReport, StartedChild, TaskContext } from './context.ts';
export type { HookContext, OutcomeHandler } from './hooks/outcome-hooks.ts';
export type { TaskWorkerOptions } from './options.ts';
export { createTaskWorker, type TaskWorker } from './task-worker.ts';
