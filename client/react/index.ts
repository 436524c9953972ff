'use client';

/** `inloop/react`: the task feed in React 18 and 19, also where React renders on a server. */

export type { ShownProgress } from '../headless/shown-progress.ts';
export { TasksProvider, type TasksProviderProps } from './tasks-provider.ts';
export { useShownProgress } from './use-shown-progress.ts';
export { type StartTask, useStartTask } from './use-start-task.ts';
export { useConnection, useTask, useTaskFeed, useTasks } from './use-tasks.ts';
