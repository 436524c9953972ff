/** What a handler gets and what it may call. These types are public. */

import type { AnyTaskDefinition, ParsedInputOf, ReturnOf, StageOf } from '../core/tasks/definition.ts';

/** What a handler reports. What is left out stays as it was last reported. */
export interface ProgressReport {
  /** How many elements are finished in this attempt (with stages: in this stage), whatever became of them. */
  readonly done: number;
  /** How many elements there are; null while that is not known. */
  readonly total?: number | null;
  /** How many of `done` were left out on purpose. */
  readonly skipped?: number;
  /** How many of `done` went wrong. */
  readonly failed?: number;
  /** A few words for the owner, cut at 200 characters. */
  readonly note?: string;
}

/** One attempt, as its handler sees it. */
export interface TaskContext<Stage extends string = string> {
  readonly id: string;
  readonly owner: string;
  /** The number of this attempt, from 1. */
  readonly attempt: number;
  /** How many attempts the task may take. */
  readonly attempts: number;
  /**
   * Aborted when the owner cancels, at the deadline, when the worker must stop, and when another attempt has taken
   * over. The reason is a TaskError. Pass the signal to each call that accepts one. A handler that does not stop is cut off
   * after the worker's `grace`: what it reports and returns after that is ignored.
   */
  readonly signal: AbortSignal;
  /** Reports progress. Synchronous and cheap: call it for each element. Never throws. */
  progress(report: ProgressReport): void;
  /** Says that a stage of the definition begins. Counting starts again at 0. Never throws. */
  stage(name: Stage): void;
}

/** Does the work of one attempt. What it returns is checked and becomes the result; what it throws ends the attempt. */
export type Handler<D extends AnyTaskDefinition> = (
  input: ParsedInputOf<D>,
  task: TaskContext<StageOf<D>>,
) => Promise<ReturnOf<D>> | ReturnOf<D>;
