/** What a handler gets and what it may call. These types are public. */

import type {
  AnyTaskDefinition,
  CheckpointedOf,
  CheckpointOf,
  InputOf,
  ParsedInputOf,
  ReturnOf,
  StageOf,
} from '../core/tasks/definition.ts';
import type { Priority } from '../core/tasks/definition-options.ts';

/** What a handler reports. What is left out stays as it was last reported. */
export interface ProgressReport {
  /**
   * How many elements are finished in this attempt (with stages: in this stage), whatever became of them. An attempt that goes
   * on from a checkpoint counts on: those before the checkpoint are finished, too.
   */
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

/** What `task.start` takes beside the definition and the input. */
export interface ChildOptions {
  /**
   * The child's name among the children of its parent, at most 255 characters. Starting twice with one key gives one child, also
   * in different attempts. Default: made from the definition, the input, and how often the attempt has started these two.
   */
  readonly key?: string;
  /** Which of the owner's waiting tasks come first. Default: that of the child's definition. */
  readonly priority?: Priority;
}

/** A task that a handler has started. */
export interface StartedChild {
  readonly id: string;
}

/** One attempt, as its handler sees it. */
export interface TaskContext<Stage extends string = string, Checkpoint = unknown, Checkpointed = unknown> {
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
  /**
   * Stores where the next attempt can go on, if this one is cut short: JSON of at most 16 KiB. Call it after the work up to
   * there is done and saved. It is stored with the next step, at the latest a second later, and in any case before the
   * attempt ends; only the last one counts. A worker that is killed may lose the last second, so repeating that much must do no
   * harm. Synchronous; it costs as much as writing the value as JSON. Never throws: what is no JSON or too large is told in the
   * log (`checkpoint.refused`), and the checkpoint before stays. Owners never see it.
   */
  checkpoint(value: Checkpoint): void;
  /**
   * The last stored checkpoint of the attempts before; undefined if there is none. Reading it says that this attempt goes on
   * from there. So the bar goes on from where it was: a smaller `done` is not shown. An attempt that does not read it starts
   * again from 0.
   */
  readonly checkpointed: Checkpointed | undefined;
  /**
   * Starts another task for the same owner: a child. When this resolves, the child is stored. When the handler returns, its slot
   * is free, and the task waits for its children. When all children have succeeded, the task succeeds with what the handler has
   * returned. The definition's `onChildFailure` says what a failed child does. To cancel the task also cancels its children.
   *
   * A later attempt that starts a child with the same input, or the same key, gets the child that exists. If the inputs differ
   * from one attempt to the next (a time, a random number), pass a `key`.
   * @throws TaskError `invalid_input` or `too_large` as `tasks.start` does; `too_many_children` above 1,000; `children_too_deep`
   *   in a child of a child; `child_mismatch` for a key that has another input; the reason of `signal` once that is aborted
   */
  start<D extends AnyTaskDefinition>(definition: D, input: InputOf<D>, options?: ChildOptions): Promise<StartedChild>;
}

/** Does the work of one attempt. What it returns is checked and becomes the result; what it throws ends the attempt. */
export type Handler<D extends AnyTaskDefinition> = (
  input: ParsedInputOf<D>,
  task: TaskContext<StageOf<D>, CheckpointOf<D>, CheckpointedOf<D>>,
) => Promise<ReturnOf<D>> | ReturnOf<D>;
