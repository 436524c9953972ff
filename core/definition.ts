/** Task definitions: declared once; the server starts them, the worker runs them, the browser knows their types. */

import type { StandardSchemaV1 } from '@standard-schema/spec';
import { type Duration, toMilliseconds } from './duration.ts';
import { type Issue, TaskError } from './error.ts';
import { MAX_ATTEMPTS, MAX_NAME_LENGTH, MAX_TITLE_LENGTH } from './limits.ts';
import { cut } from './text.ts';

/** How long to wait before another attempt: `initial`, then `factor` times as long each time, at most `max`. */
export interface Backoff {
  /** Default 1 s. */
  readonly initial?: Duration;
  /** Default 2. */
  readonly factor?: number;
  /** Default 5 min. */
  readonly max?: Duration;
}

export interface TaskOptions<
  Name extends string,
  Input extends StandardSchemaV1,
  Output extends StandardSchemaV1,
  Stage extends string,
> {
  /** Unique in an application: `a-z`, digits and hyphens, at most 64 characters. It is stored, so keep it. */
  readonly name: Name;
  /** Any Standard Schema (zod, valibot, arktype, …). Its output is what the handler gets; at most 64 KiB of JSON. */
  readonly input: Input;
  /** What the handler returns; checked before it becomes the result; at most 256 KiB of JSON. Default: anything. */
  readonly output?: Output;
  /** What to call one task on a screen; cut at 200 characters. Default: the name. */
  readonly title?: string | ((input: StandardSchemaV1.InferOutput<Input>) => string);
  /** The stages in their order, each with its share of the time: `{ read: 1, save: 9 }`. */
  readonly stages?: Readonly<Record<Stage, number>>;
  /** How often a worker may try, 1 to 100. Default 3. */
  readonly attempts?: number;
  /** Waiting times between attempts, with jitter. */
  readonly backoff?: Backoff;
  /** How long one attempt may take. Default: as long as it likes. */
  readonly deadline?: Duration;
  /** Whether a browser may start it with `POST /`. Default false: only the server's own code may. */
  readonly browser?: boolean;
}

/** A definition as {@link defineTask} makes it: checked, with defaults filled in. */
export interface TaskDefinition<
  Name extends string = string,
  Input extends StandardSchemaV1 = StandardSchemaV1,
  Output extends StandardSchemaV1 = StandardSchemaV1,
  Stage extends string = string,
> {
  readonly name: Name;
  readonly input: Input;
  readonly output: Output | null;
  readonly stages: Readonly<Record<Stage, number>>;
  readonly attempts: number;
  /** In milliseconds. */
  readonly backoff: { readonly initial: number; readonly factor: number; readonly max: number };
  /** In milliseconds, or null. */
  readonly deadline: number | null;
  readonly browser: boolean;
  /** The title of one task. Never throws: a title function that does is answered with the name. */
  titleOf(input: unknown): string;
}

// biome-ignore lint/suspicious/noExplicitAny: the one way to say "a definition, whatever its types" without variance errors
export type AnyTaskDefinition = TaskDefinition<any, any, any, any>;

/** What the caller of `start` passes: the input before the schema has transformed it. */
export type InputOf<D> =
  D extends TaskDefinition<string, infer I, StandardSchemaV1, string> ? StandardSchemaV1.InferInput<I> : never;
/** What the handler gets: the input after the schema has transformed it. */
export type ParsedInputOf<D> =
  D extends TaskDefinition<string, infer I, StandardSchemaV1, string> ? StandardSchemaV1.InferOutput<I> : never;
/** What the handler returns. */
export type ReturnOf<D> =
  D extends TaskDefinition<string, StandardSchemaV1, infer O, string> ? StandardSchemaV1.InferInput<O> : never;
/** What the snapshot's `result` holds once the task succeeded. */
export type ResultOf<D> =
  D extends TaskDefinition<string, StandardSchemaV1, infer O, string> ? StandardSchemaV1.InferOutput<O> : never;
/** The names of the stages. */
export type StageOf<D> = D extends TaskDefinition<string, StandardSchemaV1, StandardSchemaV1, infer S> ? S : never;

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
 * @throws TaskError `invalid_definition` naming the option that is wrong
 */
export function defineTask<
  const Name extends string,
  Input extends StandardSchemaV1,
  Output extends StandardSchemaV1 = StandardSchemaV1<unknown, unknown>,
  Stage extends string = never,
>(options: TaskOptions<Name, Input, Output, Stage>): TaskDefinition<Name, Input, Output, Stage> {
  const { name, title } = options;
  const label = `defineTask(${JSON.stringify(name)})`;
  if (typeof name !== 'string' || !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) || name.length > MAX_NAME_LENGTH) {
    invalid(
      `${label}: name must be lower-case words with hyphens, at most ${MAX_NAME_LENGTH} characters, like "import-contacts".`,
    );
  }
  if (!isSchema(options.input)) invalid(`${label}: input must be a Standard Schema, for example z.object({ … }).`);
  if (options.output !== undefined && !isSchema(options.output)) invalid(`${label}: output must be a Standard Schema.`);
  const attempts = options.attempts ?? 3;
  if (!Number.isInteger(attempts) || attempts < 1 || attempts > MAX_ATTEMPTS) {
    invalid(`${label}: attempts must be a whole number from 1 to ${MAX_ATTEMPTS}, got ${attempts}.`);
  }
  const stages = options.stages ?? ({} as Record<Stage, number>);
  for (const [stage, weight] of Object.entries<number>(stages)) {
    if (stage === '' || stage.length > MAX_NAME_LENGTH) {
      invalid(`${label}: stage ${JSON.stringify(stage)} must have a name of 1 to ${MAX_NAME_LENGTH} characters.`);
    }
    if (!(weight > 0 && Number.isFinite(weight)))
      invalid(`${label}: stage ${stage} must weigh more than 0, got ${weight}.`);
  }
  const factor = options.backoff?.factor ?? 2;
  if (!(factor >= 1 && Number.isFinite(factor))) invalid(`${label}: backoff.factor must be 1 or more, got ${factor}.`);

  return {
    name,
    input: options.input,
    output: options.output ?? null,
    stages,
    attempts,
    backoff: {
      initial: toMilliseconds(options.backoff?.initial ?? '1s', `${label}: backoff.initial`),
      factor,
      max: toMilliseconds(options.backoff?.max ?? '5m', `${label}: backoff.max`),
    },
    deadline: options.deadline === undefined ? null : toMilliseconds(options.deadline, `${label}: deadline`),
    browser: options.browser ?? false,
    titleOf(input) {
      if (typeof title === 'string') return cut(title, MAX_TITLE_LENGTH);
      try {
        const made = title?.(input as StandardSchemaV1.InferOutput<Input>);
        return typeof made === 'string' && made !== '' ? cut(made, MAX_TITLE_LENGTH) : name;
      } catch {
        return name;
      }
    },
  };
}

/**
 * `value` as `schema` has it.
 * @throws TaskError with `code`, not retryable, status 422 and each fault with its path
 */
export async function parseWith<S extends StandardSchemaV1>(
  schema: S,
  value: unknown,
  code: string,
  what: string,
): Promise<StandardSchemaV1.InferOutput<S>> {
  const outcome = await schema['~standard'].validate(value);
  if (!outcome.issues) return outcome.value;
  const issues: Issue[] = outcome.issues.map((issue) => ({
    path: (issue.path ?? []).map((part) => pathKey(typeof part === 'object' ? part.key : part)),
    message: issue.message,
  }));
  const first = issues[0];
  const where = first && first.path.length > 0 ? ` at ${first.path.join('.')}` : '';
  throw new TaskError(code, `${what} does not fit${where}: ${first?.message ?? 'it was refused'}`, {
    retryable: false,
    status: 422,
    issues,
  });
}

function pathKey(key: PropertyKey): string | number {
  return typeof key === 'number' ? key : String(key);
}

function isSchema(value: unknown): value is StandardSchemaV1 {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return false;
  const standard = (value as Partial<StandardSchemaV1>)['~standard'];
  return typeof standard?.validate === 'function';
}

function invalid(message: string): never {
  throw new TaskError('invalid_definition', message, { retryable: false });
}
