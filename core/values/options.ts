/**
 * Checks the options that an application passes. TypeScript checks them too, but plain JavaScript passes anything. It
 * serves the functions that take options: `createBackend`, `createTaskServer`, `defineTask` and so on. Those of the client have
 * checks of their own (`client/feed/options.ts`).
 */

import { ConfigError } from '../config-error.ts';
import { describe } from './text.ts';

/** Refuses an option. @param message what was expected, what came, what to do @throws ConfigError `invalid_options` */
export function refuseOptions(message: string): never {
  throw new ConfigError('invalid_options', message);
}

/** Refuses an option of `defineTask`. @param message as for {@link refuseOptions} @throws ConfigError `invalid_definition` */
export function refuseDefinition(message: string): never {
  throw new ConfigError('invalid_definition', message);
}

/**
 * Throws unless `isValid`.
 * @param name the function and its option: `createBackend: prefix`
 * @param expected what it must be: `a text like inloop:`
 * @throws ConfigError `invalid_options`: `createBackend: prefix must be a text like inloop:, got 7.`
 */
export function requireOption(isValid: boolean, name: string, expected: string, got: unknown): asserts isValid {
  if (!isValid) refuseOptions(`${name} must be ${expected}, got ${describe(got)}.`);
}

/** The values that an option takes, and the one that it has if it is not given. */
export interface NumberRange {
  readonly default: number;
  readonly min: number;
  readonly max: number;
}

/** `given`, or the default if it is undefined. @throws ConfigError `invalid_options` if it is not in `range` */
export function wholeNumber(name: string, given: number | undefined, range: NumberRange): number {
  const { min, max } = range;
  const value = given ?? range.default;
  const isValid = Number.isInteger(value) && value >= min && value <= max;
  requireOption(isValid, name, `a whole number from ${min} to ${max}`, value);
  return value;
}

/** Like {@link wholeNumber}, for a number that need not be whole. @throws ConfigError `invalid_options` if it is not in `range` */
export function numberWithin(name: string, given: number | undefined, range: NumberRange): number {
  const { min, max } = range;
  const value = given ?? range.default;
  const isValid = typeof value === 'number' && value >= min && value <= max;
  requireOption(isValid, name, `a number from ${min} to ${max}`, value);
  return value;
}

/**
 * `given` with the defaults filled in.
 * @param name the function and its option: `createTaskServer: limits`
 * @param others names in `given` that are no numbers, and are checked elsewhere
 * @throws ConfigError `invalid_options` for a number that is not in its range, or a name that does not exist
 */
export function wholeNumbers<Name extends string>(
  name: string,
  given: Partial<Readonly<Record<Name, number>>>,
  ranges: Readonly<Record<Name, NumberRange>>,
  others: readonly string[] = [],
): Record<Name, number> {
  const known = [...Object.keys(ranges), ...others];
  for (const key of Object.keys(given)) {
    if (!known.includes(key)) refuseOptions(`${name}.${key} is not known; there are ${known.join(', ')}.`);
  }
  const entries = Object.entries<NumberRange>(ranges);
  return Object.fromEntries(
    entries.map(([key, range]) => [key, wholeNumber(`${name}.${key}`, given[key as Name], range)]),
  ) as Record<Name, number>;
}

/** Whether `value` is an object. Arrays are objects, too. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
