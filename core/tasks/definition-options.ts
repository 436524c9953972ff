/** Options of `defineTask`: what they may be, how they are checked and converted, and their defaults. It serves `definition.ts`. */

import type { StandardSchemaV1 } from '@standard-schema/spec';
import { MAX_ATTEMPTS, MAX_NAME_LENGTH, MAX_TITLE_LENGTH } from '../limits.ts';
import { type Duration, toMilliseconds } from '../values/duration.ts';
import { refuseDefinition } from '../values/options.ts';
import { cut, describe } from '../values/text.ts';
import { CHILD_FAILURE_POLICIES } from './children.ts';
import { isOutcome, type Outcome, type Status } from './snapshot.ts';

/** Which of an owner's own waiting tasks come first. It changes nothing between owners, who take turns. */
export const PRIORITIES = ['high', 'normal', 'low'] as const;
/** See {@link PRIORITIES}. */
export type Priority = (typeof PRIORITIES)[number];

/** Whether `value` is one of {@link PRIORITIES}. */
export function isPriority(value: unknown): value is Priority {
  return (PRIORITIES as readonly unknown[]).includes(value);
}

/** How long to wait before the next attempt: `initial`, then `factor` times longer each time, at most `max`. */
export interface Backoff {
  /** Default 1 s. */
  readonly initial?: Duration;
  /** Default 2. */
  readonly factor?: number;
  /** Default 5 min. */
  readonly max?: Duration;
}

/** A {@link Backoff} with defaults filled in: `initial` and `max` in milliseconds. */
export interface BackoffMs {
  readonly initial: number;
  readonly factor: number;
  readonly max: number;
}

/** How long finished tasks are kept: all, or those of each outcome. */
export type RetentionOption = Duration | Partial<Record<Outcome, Duration>>;

/** How long each outcome is kept, in milliseconds. One that is absent is kept as long as the backend keeps any. */
export type OutcomeRetention = Partial<Readonly<Record<Outcome, number>>>;

/** The options that {@link checkOptions} checks as they were given. */
type CheckedOption = 'name' | 'input' | 'output' | 'checkpoint' | 'title' | 'browser' | 'priority';

/**
 * Checks the options that need no conversion.
 * @param filled further ones, whose defaults are filled in
 * @param label the call, for messages: `defineTask("import")`
 * @throws ConfigError `invalid_definition`
 */
export function checkOptions(
  options: Readonly<Partial<Record<CheckedOption, unknown>>>,
  filled: Readonly<Record<'attempts' | 'retryFrom' | 'onChildFailure', unknown>>,
  label: string,
): void {
  const { name, input, output, checkpoint, title, browser, priority } = options;
  const { attempts, retryFrom, onChildFailure } = filled;
  if (typeof name !== 'string' || !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) || name.length > MAX_NAME_LENGTH) {
    refuseDefinition(
      `${label}: name must be lower-case words with hyphens, at most ${MAX_NAME_LENGTH} characters, like "import-contacts".`,
    );
  }
  if (!isSchema(input)) refuseDefinition(`${label}: input must be a Standard Schema, for example z.object({ … }).`);
  if (output !== undefined && !isSchema(output)) refuseDefinition(`${label}: output must be a Standard Schema.`);
  if (checkpoint !== undefined && !isSchema(checkpoint)) {
    refuseDefinition(`${label}: checkpoint must be a Standard Schema, for example z.object({ row: z.number() }).`);
  }
  if (!Number.isInteger(attempts) || Number(attempts) < 1 || Number(attempts) > MAX_ATTEMPTS) {
    refuseDefinition(`${label}: attempts must be a whole number from 1 to ${MAX_ATTEMPTS}, got ${describe(attempts)}.`);
  }
  if (title !== undefined && typeof title !== 'string' && typeof title !== 'function') {
    refuseDefinition(
      `${label}: title must be a text, or a function that makes one of the input, got ${describe(title)}.`,
    );
  }
  if (browser !== undefined && typeof browser !== 'boolean') {
    refuseDefinition(`${label}: browser must be true or false, got ${describe(browser)}.`);
  }
  if (retryFrom !== 'start' && retryFrom !== 'checkpoint') {
    refuseDefinition(`${label}: retryFrom must be "start" or "checkpoint", got ${describe(retryFrom)}.`);
  }
  if (priority !== undefined && !isPriority(priority)) {
    refuseDefinition(`${label}: priority must be 'high', 'normal' or 'low', got ${describe(priority)}.`);
  }
  if (!(CHILD_FAILURE_POLICIES as readonly unknown[]).includes(onChildFailure)) {
    refuseDefinition(`${label}: onChildFailure must be "fail" or "ignore", got ${describe(onChildFailure)}.`);
  }
}

/** The function that makes the title of one task. It never throws. @param name the title if `option` gives none */
export function toTitle(
  option: string | ((input: unknown) => string) | undefined,
  name: string,
): (input: unknown) => string {
  if (typeof option === 'string') return () => cut(option, MAX_TITLE_LENGTH);
  return (input) => {
    try {
      const made = option?.(input);
      return typeof made === 'string' && made !== '' ? cut(made, MAX_TITLE_LENGTH) : name;
    } catch {
      return name;
    }
  };
}

/** The weights of the stages, in their order. @throws ConfigError `invalid_definition` */
export function toStages<Stage extends string>(
  option: Readonly<Record<Stage, number>> | undefined,
  label: string,
): Readonly<Record<Stage, number>> {
  const stages = option ?? ({} as Record<Stage, number>);
  if (typeof stages !== 'object' || Array.isArray(stages)) {
    refuseDefinition(`${label}: stages must be an object like { read: 1, save: 9 }, got ${describe(stages)}.`);
  }
  for (const [stage, weight] of Object.entries<number>(stages)) {
    if (stage === '' || stage.length > MAX_NAME_LENGTH) {
      refuseDefinition(`${label}: stage ${describe(stage)} must have a name of 1 to ${MAX_NAME_LENGTH} characters.`);
    }
    if (!(typeof weight === 'number' && weight > 0 && Number.isFinite(weight)))
      refuseDefinition(`${label}: stage ${stage} must weigh more than 0, got ${describe(weight)}.`);
  }
  return stages;
}

/** The backoff in milliseconds. @throws ConfigError `invalid_definition`, `invalid_duration` */
export function toBackoff(option: Backoff | undefined, label: string): BackoffMs {
  const backoff = option ?? {};
  if (typeof backoff !== 'object') {
    refuseDefinition(
      `${label}: backoff must be an object like { initial: '1s', factor: 2 }, got ${describe(backoff)}.`,
    );
  }
  const factor = backoff.factor ?? 2;
  if (!(typeof factor === 'number' && factor >= 1 && Number.isFinite(factor))) {
    refuseDefinition(`${label}: backoff.factor must be 1 or more, got ${describe(factor)}.`);
  }
  return {
    initial: toMilliseconds(backoff.initial ?? '1s', `${label}: backoff.initial`),
    factor,
    max: toMilliseconds(backoff.max ?? '5m', `${label}: backoff.max`),
  };
}

const RETENTION_EXPECTED = "expected a duration like '7d', or one for outcomes: { succeeded, failed, cancelled }";

/** How long each outcome is kept; null if the option is not given. @throws ConfigError `invalid_definition`, `invalid_duration` */
export function toRetention(option: RetentionOption | undefined, what: string): OutcomeRetention | null {
  if (option === undefined) return null;
  if (option === null || Array.isArray(option))
    return refuseDefinition(`${what}: ${RETENTION_EXPECTED}, got ${describe(option)}.`);
  if (typeof option !== 'object') {
    const ms = toMilliseconds(option, what);
    return { succeeded: ms, failed: ms, cancelled: ms };
  }
  const entries = Object.entries(option).filter(([, duration]) => duration !== undefined);
  const unknown = entries.find(([outcome]) => !isOutcome(outcome as Status));
  if (unknown) return refuseDefinition(`${what}: ${RETENTION_EXPECTED}, got the name ${describe(unknown[0])}.`);
  return Object.fromEntries(
    entries.map(([outcome, duration]) => [outcome, toMilliseconds(duration, `${what}.${outcome}`)]),
  );
}

function isSchema(value: unknown): value is StandardSchemaV1 {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return false;
  const standard = (value as Partial<StandardSchemaV1>)['~standard'];
  return typeof standard?.validate === 'function';
}
