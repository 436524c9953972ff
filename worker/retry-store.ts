/** Repeats a call until the store has answered. It serves the start of attempts and of children, and the end of a probation. */

import type { Emitter } from '../backend/events/events.ts';
import type { Time } from '../backend/time.ts';
import { isUnavailable } from '../core/error.ts';

/** The pause between two tries while Redis is away. */
const AWAY_RETRY_MS = 500;
/** The pause after any other error, which is a bug of ours. */
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
      // Told here, since nobody else notices: the call is repeated as long as the process lives.
      const isBug = !isUnavailable(error);
      if (isBug) events.emit('store.failed', () => ({}), { error });
      await time.delay(isBug ? BUG_RETRY_MS : AWAY_RETRY_MS, giveUp);
    }
  }
  return null;
}
