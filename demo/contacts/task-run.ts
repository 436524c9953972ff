/** The part of a running task that the demo's handlers use. Tests pass an implementation of their own and need no worker. */

import type { Progress } from 'inloop';

export interface TaskRun<Stage extends string = string> {
  readonly id: string;
  readonly owner: string;
  /** Fires when the owner cancels the task, its deadline passes, or the worker is stopped. */
  readonly signal: AbortSignal;
  /** Synchronous; never throws. */
  progress(report: Omit<Progress, 'stage'>): void;
  stage(name: Stage): void;
}
