/** `inloop/worker`: does the work of tasks. */

export type { Handler, ProgressReport, TaskContext } from './context.ts';
export { createTaskWorker, type TaskWorker, type TaskWorkerOptions } from './task-worker.ts';
