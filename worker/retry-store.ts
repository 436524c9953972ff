/** Goes on until the store has answered. It serves what a worker does before and beside its attempts. */

import type { Emitter } from '../backend/events/events.ts';
import type { Time } from '../backend/time.ts';
import { isUnavailable } from '../core/error.ts';

/** Redis is away. */
const AWAY_RETRY_MS = 500;
/** Something else went wrong: a bug of ours. */
const BUG_RETRY_MS = 30_000;

export interface RetryOptions {
  /** Aborts when the process must not wait any longer. */
  readonly giveUp: AbortSignal;
  readonly time: Pick<Time, 'delay'>;
  readonly events: Emitter;
}

/**
 * What `work` resolves to, however long Redis is away; null once `giveUp` aborts. Never rejects.
 * @param work is told whether it was called before. An earlier call may have stored something although it got no answer.
 */
export async function retryStore<T>(
  work: (isRepeated: boolean) => Promise<T>,
  { giveUp, time, events }: RetryOptions,
): Promise<T | null> {
  for (let tries = 0; !giveUp.aborted; tries++) {
    try {
      return await work(tries > 0);
    } catch (error) {
      // Nobody else would tell of a bug: the job stays ours while this process lives.
      const isBug = !isUnavailable(error);
      if (isBug) events.emit('attempt.unstartable', () => ({}), { error });
      await time.delay(isBug ? BUG_RETRY_MS : AWAY_RETRY_MS, giveUp);
    }
  }
  return null;
}
