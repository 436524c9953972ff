/** What a handler gets and what it may call. These types are public. */

import type { AnyTaskDefinition, ParsedInputOf, ReturnOf, StageOf } from '../core/definition.ts';

/** What a handler reports. Give what changed; `total`, `skipped` and `failed` stay as they were last given. */
export interface ProgressReport {
  /** Elements that are finished with in this attempt (with stages: in this stage), whatever became of them. */
  readonly done: number;
  /** Elements there are; null or left out while that is not known. */
  readonly total?: number | null;
  /** Of `done`: left out on purpose. */
  readonly skipped?: number;
  /** Of `done`: gone wrong. */
  readonly failed?: number;
  /** A few words for the owner, cut at 200 characters. */
  readonly note?: string;
}

/** One attempt, as its handler sees it. */
export interface TaskContext<Stage extends string = string> {
  readonly id: string;
  readonly owner: string;
  /** From 1. */
  readonly attempt: number;
  readonly attempts: number;
  /**
   * Aborted when the owner cancels, at the deadline, when the worker must stop, and when another attempt has taken
   * over. The reason is a TaskError. Pass the signal on to whatever takes one. A handler that goes on regardless is cut
   * off after the worker's `grace`: what it reports and returns then is ignored.
   */
  readonly signal: AbortSignal;
  /** Says how far the work is. Synchronous, costs next to nothing, never throws; call it for each element. */
  progress(report: ProgressReport): void;
  /** Says that a stage of the definition begins; its elements are counted anew. Never throws. */
  stage(name: Stage): void;
}

/** Does the work of one attempt. What it returns is checked and becomes the result; what it throws ends the attempt. */
export type Handler<D extends AnyTaskDefinition> = (
  input: ParsedInputOf<D>,
  task: TaskContext<StageOf<D>>,
) => Promise<ReturnOf<D>> | ReturnOf<D>;
