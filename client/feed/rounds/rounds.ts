/** One round of questions after the other: never two at once, and the next one when it is due. */

import type { Page, Timing } from '../../environment.ts';
import { type FeedState, isOff, isPushed, isRoundDue, roundDelay } from '../state.ts';
import { serially } from './serially.ts';

export interface RoundsOptions {
  readonly timing: Timing;
  readonly page: Pick<Page, 'isVisible'>;
  /** The state as it is now. */
  readonly state: () => FeedState;
  /** Asks everything once. Never rejects. */
  readonly ask: () => Promise<void>;
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

export function createRounds({ timing, page, state, ask }: RoundsOptions): Rounds {
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
    const now = timing.now();
    // While push is up each event changes the time of the next round, so it is looked up when the timer fires.
    if (isAsking || isOff(state()) || (isPushed(state()) && at < NEVER)) return;
    const ms = roundDelay(state(), page.isVisible(), now, timing.random());
    if (ms === null || now + ms >= at) return;
    stop();
    at = now + ms;
    timer = timing.setTimeout(() => {
      stop();
      if (isRoundDue(state(), timing.now())) void start();
      else plan();
    }, ms);
  }

  function stop(): void {
    timing.clearTimeout(timer);
    at = NEVER;
  }

  return { ask: start, plan, stop };
}
