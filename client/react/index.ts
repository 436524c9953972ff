'use client';

/** `inloop/react`: the task feed in React 18 and 19, on the server's render too. */

export { TasksProvider, type TasksProviderProps } from './tasks-provider.ts';
export { type StartTask, useStartTask } from './use-start-task.ts';
export { useConnection, useTask, useTaskFeed, useTasks } from './use-tasks.ts';
