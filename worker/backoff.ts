/** How long to wait before the next attempt. */

import type { TaskDefinition } from '../core/definition.ts';

/**
 * Milliseconds before the attempt after `attempt`: exponential, capped, and spread over the upper half, so that
 * tasks that failed together do not come back together.
 * @param random from 0 to below 1
 */
export function backoffDelay(backoff: TaskDefinition['backoff'], attempt: number, random: number): number {
  const whole = Math.min(backoff.initial * backoff.factor ** (attempt - 1), backoff.max);
  return Math.round(whole * (0.5 + random / 2));
}
