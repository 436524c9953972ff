/** Durations as people write them: `'10m'`. They are options of definitions, of the backend and of workers. */

import { ConfigError } from './config-error.ts';
import { MAX_DURATION_MS } from './limits.ts';
import { describe } from './text.ts';

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds, or a number with a unit: `'500ms'`, `'30s'`, `'10m'`, `'2h'`, `'7d'`. At most ten years. */
export type Duration = number | `${number}${keyof typeof UNITS}`;

/** What a duration may be. */
export interface DurationRange {
  /** Default: anything above 0. */
  readonly least?: Duration;
  /** Default and most: ten years. */
  readonly most?: Duration;
}

/**
 * `duration` in milliseconds.
 * @param what the option that holds it, for the error
 * @throws ConfigError `invalid_duration` for anything but a positive duration of at most ten years, within `range`
 */
export function toMilliseconds(duration: Duration, what = 'duration', range: DurationRange = {}): number {
  const ms = parse(duration);
  if (!(ms > 0 && Number.isFinite(ms))) {
    invalid(`${what}: expected milliseconds or a text like '30s', '10m' or '7d', got ${describe(duration)}.`);
  }
  const { least = 0, most = MAX_DURATION_MS } = range;
  if (ms < parse(least)) invalid(`${what}: expected at least ${named(least)}, got ${describe(duration)}.`);
  if (ms > parse(most)) invalid(`${what}: expected at most ${named(most)}, got ${describe(duration)}.`);
  return ms;
}

function parse(duration: Duration): number {
  const match = typeof duration === 'string' ? /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(duration) : null;
  if (match) return Number(match[1]) * UNITS[match[2] as keyof typeof UNITS];
  return typeof duration === 'number' ? duration : Number.NaN;
}

function named(duration: Duration): string {
  if (duration === MAX_DURATION_MS) return 'ten years';
  return typeof duration === 'number' ? `${duration} ms` : duration;
}

function invalid(message: string): never {
  throw new ConfigError('invalid_duration', message);
}
