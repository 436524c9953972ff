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

/** A run that can go on where the attempt before stopped. */
export interface ResumableRun<Stage extends string, Checkpoint> extends TaskRun<Stage> {
  /** Synchronous; never throws. */
  checkpoint(value: Checkpoint): void;
  /** The last stored checkpoint of the attempts before; undefined if there is none. */
  readonly checkpointed: Checkpoint | undefined;
}
