/** One round of questions after the other: never two at once, and the next one when it is due. */

import type { Timing } from '../environment.ts';
import { serially } from './serially.ts';

export interface RoundsOptions {
  readonly timing: Timing;
  /** Asks everything once. Never rejects. */
  readonly ask: () => Promise<void>;
  /** Milliseconds until the next round as things are; null for none. */
  readonly wait: () => number | null;
  /** Whether push is up: then it is looked at again when the time has come, since any event may have put it off. */
  readonly isPushed: () => boolean;
  /** Whether there is a question when the time has come. */
  readonly isDue: () => boolean;
  /** Whether nothing is to be asked. */
  readonly isOff: () => boolean;
}

export interface Rounds {
  /** Asks now; once more, where it is at it. Resolves when that is over. */
  ask(): Promise<void>;
  /** Sets the time of the next round, or leaves it where it would only be later: state changes must not put it off. */
  plan(): void;
  /** No round until `ask` or `plan`. */
  stop(): void;
}

const NEVER = Number.POSITIVE_INFINITY;

export function createRounds({ timing, ask, wait, isPushed, isDue, isOff }: RoundsOptions): Rounds {
  let isAsking = false;
  let timer: unknown;
  let at = NEVER;

  const askAll = serially(async () => {
    isAsking = true;
    await ask();
    isAsking = false;
  });

  function start(): Promise<void> {
    stop();
    return askAll().then(plan);
  }

  function plan(): void {
    if (isAsking || isOff() || (isPushed() && at < NEVER)) return;
    const ms = wait();
    if (ms === null || timing.now() + ms >= at) return;
    stop();
    at = timing.now() + ms;
    timer = timing.setTimeout(() => {
      stop();
      if (isDue()) void start();
      else plan();
    }, ms);
  }

  function stop(): void {
    timing.clearTimeout(timer);
    at = NEVER;
  }

  return { ask: start, plan, stop };
}
