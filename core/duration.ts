/** Durations as people write them: `'10m'`. */

import { TaskError } from './error.ts';

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds, or a number with a unit: `'500ms'`, `'30s'`, `'10m'`, `'2h'`, `'7d'`. */
export type Duration = number | `${number}${keyof typeof UNITS}`;

/**
 * `duration` in milliseconds.
 * @throws TaskError `invalid_duration` for anything but a positive, finite duration
 */
export function toMilliseconds(duration: Duration, what = 'duration'): number {
  const match = typeof duration === 'string' ? /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(duration) : null;
  const ms = match ? Number(match[1]) * UNITS[match[2] as keyof typeof UNITS] : duration;
  if (typeof ms === 'number' && Number.isFinite(ms) && ms > 0) return ms;
  throw new TaskError(
    'invalid_duration',
    `${what}: expected milliseconds or a text like '30s', '10m' or '7d', got ${JSON.stringify(duration)}.`,
    { retryable: false },
  );
}
