/** Schedules the rounds of requests (`resync.ts`): never two at the same time, and the next one when it is due. */

import type { Page, Timing } from '../../environment.ts';
import { type FeedState, isOff, isPushed, isRoundDue, roundDelay } from '../state/state.ts';
import { serially } from './serially.ts';

export interface RoundsOptions {
  readonly timing: Timing;
  readonly page: Pick<Page, 'isVisible'>;
  /** The state as it is now. */
  readonly state: () => FeedState;
  /** Runs one round. Never rejects. */
  readonly ask: () => Promise<void>;
}

export interface Rounds {
  /** Starts a round now. If one is running, another one follows it. Resolves when no round is left. */
  ask(): Promise<void>;
  /** Sets the time of the next round. Never moves it to a later time, or frequent changes would postpone it for ever. */
  planRound(): void;
  /** Cancels the next round, until `ask` or `planRound` is called. */
  stop(): void;
}

/** No round is planned until `ask` or `planRound` is called. */
export function createRounds(options: RoundsOptions): Rounds {
  const { timing, state } = options;
  let isAsking = false;
  let timer: unknown;
  /** When the next round is due, by `timing.now()`; Infinity while none is planned. */
  let at = Infinity;

  const runRounds = serially(async () => {
    isAsking = true;
    await options.ask();
    isAsking = false;
  });

  function start(): Promise<void> {
    stop();
    return runRounds().then(plan);
  }

  function plan(): void {
    const now = timing.now();
    // While push is up each event moves the time of the next round. So the timer stays, and looks that time up when it fires.
    if (isAsking || isOff(state()) || (isPushed(state()) && at < Infinity)) return;
    const ms = roundDelay(state(), options.page.isVisible(), now, timing.random());
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
    at = Infinity;
  }

  return { ask: start, planRound: plan, stop };
}
