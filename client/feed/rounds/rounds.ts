/** Schedules the rounds of questions to the server: never two at once, and the next one when it is due. */

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
  /** Starts a round now. While one is running, another follows it. Resolves when no round is running any more. */
  ask(): Promise<void>;
  /** Sets the time of the next round. Never moves it to a later time: frequent changes must not postpone it for ever. */
  plan(): void;
  /** Cancels the next round. There is none until `ask` or `plan`. */
  stop(): void;
}

const NEVER = Infinity;

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
