/**
 * Limits of how many tasks may be active, and of how many may be started within a minute. It serves `defineTask`, whose
 * limits count the tasks of one definition, and the servers, whose limits count all tasks.
 */

import { ConfigError, type ConfigErrorCode } from '../config-error.ts';
import { describe } from '../values/text.ts';

/** The limits that one owner's tasks have to keep, or those of all owners together. What is absent is not limited. */
export interface ScopeLimits {
  /** How many tasks may be active at the same time: those without an outcome, also while they wait or are to start later. */
  readonly active?: number;
  /** How many tasks may be started within any 60 s. At most 100,000. */
  readonly startsPerMinute?: number;
}

/** The limits of each owner, and those of all owners together. What is absent is not limited. */
export interface TaskLimits {
  readonly owner?: ScopeLimits | undefined;
  readonly overall?: ScopeLimits | undefined;
}

/** One limit that a start has to keep. */
export interface StartLimit {
  readonly kind: keyof ScopeLimits;
  /** Whether the tasks of each owner are counted, or those of all owners together. */
  readonly of: keyof TaskLimits;
  /** The definition whose tasks are counted; null for all tasks. */
  readonly name: string | null;
  readonly max: number;
}

/** Redis keeps the time of each start of the last minute, so their number is limited. */
const MAX_STARTS_PER_MINUTE = 100_000;
/** No Redis holds a billion tasks. A larger limit is a mistake. */
const MAX_ACTIVE = 1_000_000_000;

const SCOPES = ['owner', 'overall'] as const;
/** The largest limit of each kind. */
const LARGEST = { active: MAX_ACTIVE, startsPerMinute: MAX_STARTS_PER_MINUTE } as const;

/**
 * The limits that `limits` sets, as a list: first those of each owner, then those of all owners together.
 * @param definition whose tasks are counted; null for all tasks
 * @param what the name of the option, for messages: `defineTask("import"): limits`
 * @throws ConfigError with `code` naming the limit that is wrong
 */
export function listStartLimits(
  limits: TaskLimits,
  definition: string | null,
  what: string,
  code: ConfigErrorCode,
): readonly StartLimit[] {
  checkOptionNames(limits, SCOPES, what, '{ owner: { active: 10 }, overall: { startsPerMinute: 600 } }', code);
  return SCOPES.flatMap((of) => {
    const given = limits[of];
    if (given === undefined) return [];
    checkOptionNames(given, Object.keys(LARGEST), `${what}.${of}`, '{ active: 10, startsPerMinute: 60 }', code);
    return Object.entries(LARGEST).flatMap(([kind, largest]): StartLimit[] => {
      const max = given[kind as keyof ScopeLimits];
      if (max === undefined) return [];
      if (!Number.isInteger(max) || max < 1 || max > largest) {
        throw new ConfigError(
          code,
          `${what}.${of}.${kind} must be a whole number from 1 to ${largest}, got ${describe(max)}.`,
        );
      }
      return [{ kind: kind as keyof ScopeLimits, of, name: definition, max }];
    });
  });
}

/** Throws unless `given` is an object that has no other names than `names`. */
function checkOptionNames(
  given: object,
  names: readonly string[],
  what: string,
  example: string,
  code: ConfigErrorCode,
): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new ConfigError(code, `${what} must be an object like ${example}, got ${describe(given)}.`);
  }
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new ConfigError(code, `${what}.${unknown} is not known; there are ${names.join(' and ')}.`);
  }
}
