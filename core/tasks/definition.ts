/** Task definitions. An application declares each once: the server starts it, the worker runs it, the page has its types. */

import type { StandardSchemaV1 } from '@standard-schema/spec';
import { type Duration, toMilliseconds } from '../values/duration.ts';
import type { Jsonify } from '../values/json-types.ts';
import { refuseDefinition } from '../values/options.ts';
import { describe } from '../values/text.ts';
import type { ChildFailurePolicy } from './children.ts';
import { type Concurrency, type ConcurrencyOptions, toConcurrency } from './concurrency.ts';
import {
  type Backoff,
  type BackoffMs,
  checkOptions,
  type OutcomeRetention,
  type Priority,
  type RetentionOption,
  toBackoff,
  toRetention,
  toStages,
  toTitle,
} from './definition-options.ts';
import { listStartLimits, type StartLimit, type TaskLimits } from './task-limits.ts';

/** What {@link defineTask} takes. */
export interface TaskOptions<
  Name extends string,
  Input extends StandardSchemaV1,
  Output extends StandardSchemaV1,
  Stage extends string,
  Checkpoint extends StandardSchemaV1 = StandardSchemaV1<unknown, unknown>,
> {
  /** Unique in an application: `a-z`, digits and hyphens, at most 64 characters. It is stored with each task, so keep it. */
  readonly name: Name;
  /**
   * Any Standard Schema (zod, valibot, arktype, …). It parses an input once, when the task is started. The parsed input is
   * stored, and each attempt gets it. So the parsed input must survive JSON: let the schema turn a date into a text, as in
   * `.transform((d) => d.toISOString())`, a set into a list, and a map into an object. The raw and the parsed input have at
   * most 64 KiB of JSON each, nested at most 256 levels deep.
   */
  readonly input: Input;
  /**
   * Checks what the handler returns, which becomes the result. It must survive JSON as well: at most 256 KiB, nested at most
   * 256 levels deep. Default: anything that survives JSON.
   */
  readonly output?: Output;
  /**
   * Checks what a handler passes to `task.checkpoint`, and again what the next attempt finds in `task.checkpointed`. A stored
   * checkpoint that no longer fits is left out, and the attempt starts from the beginning. So let a newer schema take older
   * checkpoints, too. Default: anything that survives JSON.
   */
  readonly checkpoint?: Checkpoint;
  /** The name of one task on a screen, cut at 200 characters. Default: the definition's name. */
  readonly title?: string | ((input: Jsonify<StandardSchemaV1.InferOutput<Input>>) => string);
  /** The stages in their order, each with its share of the time: with `{ read: 1, save: 9 }`, reading takes a tenth. */
  readonly stages?: Readonly<Record<Stage, number>>;
  /** How many attempts a task has, 1 to 100. Default 3. */
  readonly attempts?: number;
  /**
   * Where a retry by the owner begins, after a task has failed or was cancelled: at the `start` (the default), or at the last
   * `checkpoint`. A checkpoint may lead into the same failure again. The attempts of one task always go on from the checkpoint.
   */
  readonly retryFrom?: 'start' | 'checkpoint';
  /** Waiting times between attempts, with jitter. */
  readonly backoff?: Backoff;
  /**
   * How long one attempt may take. Default: no limit. If the event loop is blocked while several tasks run in the worker,
   * the blocked time does not count, up to the length of the deadline: with `'10m'` an attempt ends after 20 minutes at the
   * latest.
   */
  readonly deadline?: Duration;
  /**
   * How long a finished task is kept: for every outcome, or for each, as `{ succeeded: '1h', failed: '7d' }`. At most as long
   * as the backend keeps any (`createBackend({ retention })`, 7 days by default), which is also the default here.
   */
  readonly retention?: RetentionOption;
  /** Whether a browser may start the task with `POST /`. Default false: only code of the server may start it. */
  readonly browser?: boolean;
  /**
   * Which of an owner's waiting tasks of this definition come first; `start` may say otherwise for one task. Default `normal`.
   * Owners take turns, whatever the priorities of their tasks.
   */
  readonly priority?: Priority;
  /**
   * How many tasks of this definition each owner, and all owners together, may have active and may start within a minute. A start
   * beyond that is refused with 429 `too_many_tasks`. Default: no limits.
   */
  readonly limits?: TaskLimits;
  /**
   * What happens to this task if one of its children (tasks that its handler started with `task.start`) fails or is cancelled.
   * `fail`, the default: once the handler has returned, the task fails with `child_failed`, and its other children are cancelled.
   * `ignore`: the task succeeds when all children have ended, and `children.failed` says how many did not succeed.
   */
  readonly onChildFailure?: ChildFailurePolicy;
  /**
   * How many tasks of this definition with the same key may be at work at once, and what happens to one more. A task holds its
   * key until it has an outcome, also while it waits for a worker or for its next attempt. Default: no limit.
   */
  readonly concurrency?: ConcurrencyOptions<Jsonify<StandardSchemaV1.InferOutput<Input>>>;
}

/** A definition as {@link defineTask} makes it: checked, with defaults filled in. */
export interface TaskDefinition<
  Name extends string = string,
  Input extends StandardSchemaV1 = StandardSchemaV1,
  Output extends StandardSchemaV1 = StandardSchemaV1,
  Stage extends string = string,
  Checkpoint extends StandardSchemaV1 = StandardSchemaV1,
> {
  readonly name: Name;
  readonly input: Input;
  readonly output: Output | null;
  readonly checkpoint: Checkpoint | null;
  readonly stages: Readonly<Record<Stage, number>>;
  readonly attempts: number;
  readonly retryFrom: 'start' | 'checkpoint';
  readonly backoff: BackoffMs;
  /** In milliseconds, or null. */
  readonly deadline: number | null;
  /** Null: as long as the backend keeps any outcome. */
  readonly retention: OutcomeRetention | null;
  readonly browser: boolean;
  readonly priority: Priority;
  readonly limits: readonly StartLimit[];
  readonly onChildFailure: ChildFailurePolicy;
  readonly concurrency: Concurrency | null;
  /** The title of one task. Never throws. If the title function throws, it is the definition's name. */
  titleOf(input: unknown): string;
}

/** A task definition, whatever its types. */
// biome-ignore lint/suspicious/noExplicitAny: the one way to say "a definition, whatever its types" without variance errors
export type AnyTaskDefinition = TaskDefinition<any, any, any, any, any>;

/** What the caller of `start` passes: the input before the schema has transformed it. */
export type InputOf<D> =
  D extends TaskDefinition<string, infer I, StandardSchemaV1, string> ? StandardSchemaV1.InferInput<I> : never;
/** What the handler gets: the input after the schema has transformed it, as it comes out of JSON. */
export type ParsedInputOf<D> =
  D extends TaskDefinition<string, infer I, StandardSchemaV1, string>
    ? Jsonify<StandardSchemaV1.InferOutput<I>>
    : never;
/** What the handler returns. */
export type ReturnOf<D> =
  D extends TaskDefinition<string, StandardSchemaV1, infer O, string> ? StandardSchemaV1.InferInput<O> : never;
/** The snapshot's `result` after the task has succeeded, as the page gets it out of JSON. */
export type ResultOf<D> =
  D extends TaskDefinition<string, StandardSchemaV1, infer O, string>
    ? Jsonify<StandardSchemaV1.InferOutput<O>>
    : never;
/** The names of the stages. */
export type StageOf<D> = D extends TaskDefinition<string, StandardSchemaV1, StandardSchemaV1, infer S> ? S : never;
/** What a handler passes to `task.checkpoint`: the checkpoint before the schema has transformed it. */
export type CheckpointOf<D> =
  D extends TaskDefinition<string, StandardSchemaV1, StandardSchemaV1, string, infer C>
    ? StandardSchemaV1.InferInput<C>
    : never;
/** What the next attempt finds in `task.checkpointed`: the checkpoint after the schema has transformed it. */
export type CheckpointedOf<D> =
  D extends TaskDefinition<string, StandardSchemaV1, StandardSchemaV1, string, infer C>
    ? StandardSchemaV1.InferOutput<C>
    : never;

/**
 * Declares a kind of task.
 *
 * @example
 * export const importContacts = defineTask({
 *   name: 'import-contacts',
 *   input: z.object({ uploadId: z.string(), filename: z.string() }),
 *   output: z.object({ imported: z.number(), skipped: z.number() }),
 *   title: (input) => `Import ${input.filename}`,
 *   attempts: 3,
 *   deadline: '10m',
 * });
 *
 * @throws ConfigError `invalid_definition` or `invalid_duration`, naming the option that is wrong
 */
export function defineTask<
  const Name extends string,
  Input extends StandardSchemaV1,
  Output extends StandardSchemaV1 = StandardSchemaV1<unknown, unknown>,
  Stage extends string = never,
  Checkpoint extends StandardSchemaV1 = StandardSchemaV1<unknown, unknown>,
>(
  options: TaskOptions<Name, Input, Output, Stage, Checkpoint>,
): TaskDefinition<Name, Input, Output, Stage, Checkpoint> {
  if (options === null || typeof options !== 'object') {
    refuseDefinition(`defineTask: expected an object like { name, input, … }, got ${describe(options)}.`);
  }
  const { name, title } = options;
  const attempts = options.attempts ?? 3;
  const retryFrom = options.retryFrom ?? 'start';
  const onChildFailure = options.onChildFailure ?? 'fail';
  const label = `defineTask(${describe(name)})`;
  checkOptions(options, { attempts, retryFrom, onChildFailure }, label);

  return {
    name,
    input: options.input,
    output: options.output ?? null,
    checkpoint: options.checkpoint ?? null,
    stages: toStages<Stage>(options.stages, label),
    attempts,
    retryFrom,
    backoff: toBackoff(options.backoff, label),
    deadline: options.deadline === undefined ? null : toMilliseconds(options.deadline, `${label}: deadline`),
    retention: toRetention(options.retention, `${label}: retention`),
    browser: options.browser ?? false,
    priority: options.priority ?? 'normal',
    limits: listStartLimits(options.limits ?? {}, name, `${label}: limits`, 'invalid_definition'),
    onChildFailure,
    concurrency: toConcurrency(options.concurrency, `${label}: concurrency`),
    titleOf: toTitle(title as string | ((input: unknown) => string) | undefined, name),
  };
}

/** Whether `value` looks like what {@link defineTask} returns. */
export function isDefinition(value: unknown): value is AnyTaskDefinition {
  const { name, titleOf } = Object(value) as Partial<AnyTaskDefinition>;
  return typeof name === 'string' && typeof titleOf === 'function';
}
