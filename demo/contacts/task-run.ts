/** What the demo's handlers use of the task they run, so that tests can run them without a worker. */

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
