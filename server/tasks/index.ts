/** `inloop/tasks`: start tasks from a script, a cron job or a worker. It loads nothing of Express. */

export { createTasks, type Tasks, type TasksOptions } from './create-tasks.ts';
export type { StartOptions } from './operations.ts';
