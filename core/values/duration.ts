/** Durations as people write them: `'10m'`. They serve the options of definitions, backends, servers and workers. */

import { ConfigError } from '../config-error.ts';
import { MAX_DURATION_MS } from '../limits.ts';
import { describe } from './text.ts';

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds, or a number with a unit: `'500ms'`, `'30s'`, `'10m'`, `'2h'`, `'7d'`. At most ten years. */
export type Duration = number | `${number}${keyof typeof UNITS}`;

/** The shortest and the longest duration that an option takes. */
export interface DurationRange {
  /** Default: anything above 0. */
  readonly min?: Duration;
  /** Default: ten years. It cannot be longer than that. */
  readonly max?: Duration;
}

/**
 * `duration` in milliseconds.
 * @param what the name of the option, for the message of the error
 * @throws ConfigError `invalid_duration` if it is not a duration, or not in `range`
 */
export function toMilliseconds(duration: Duration, what = 'duration', range: DurationRange = {}): number {
  const ms = parse(duration);
  if (!(ms > 0 && Number.isFinite(ms))) {
    invalid(`${what}: expected milliseconds or a text like '30s', '10m' or '7d', got ${describe(duration)}.`);
  }
  const { min = 0, max = MAX_DURATION_MS } = range;
  if (ms < parse(min)) invalid(`${what}: expected at least ${show(min)}, got ${describe(duration)}.`);
  if (ms > parse(max)) invalid(`${what}: expected at most ${show(max)}, got ${describe(duration)}.`);
  return ms;
}

function parse(duration: Duration): number {
  const match = typeof duration === 'string' ? /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(duration) : null;
  if (match) return Number(match[1]) * UNITS[match[2] as keyof typeof UNITS];
  return typeof duration === 'number' ? duration : Number.NaN;
}

/** `duration` for people, in a message. */
function show(duration: Duration): string {
  if (duration === MAX_DURATION_MS) return 'ten years';
  return typeof duration === 'number' ? `${duration} ms` : duration;
}

function invalid(message: string): never {
  throw new ConfigError('invalid_duration', message);
}
