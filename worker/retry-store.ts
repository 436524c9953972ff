/** Goes on until the store has answered. It serves what a worker does before and beside its attempts. */

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
  readonly log: { error(message: string, fields: Readonly<Record<string, unknown>>): void };
}

/**
 * What `work` resolves to, however long Redis is away; null once `giveUp` aborts. Never rejects.
 * @param work is told whether it was called before. An earlier call may have stored something although it got no answer.
 */
export async function retryStore<T>(
  work: (isRepeated: boolean) => Promise<T>,
  { giveUp, time, log }: RetryOptions,
): Promise<T | null> {
  for (let tries = 0; !giveUp.aborted; tries++) {
    try {
      return await work(tries > 0);
    } catch (error) {
      // Nobody else would tell of a bug: the job stays ours while this process lives.
      const isBug = !isUnavailable(error);
      if (isBug) log.error('A task could not be started, and is tried again', { error });
      await time.delay(isBug ? BUG_RETRY_MS : AWAY_RETRY_MS, giveUp);
    }
  }
  return null;
}
