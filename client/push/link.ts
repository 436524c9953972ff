/**
 * Keeps push alive: decides when to connect, how long to give an attempt, and when to try again.
 *
 * pusher-js alone is back 16 s after an outage of 1 s, all clients at the same moments: an attempt that was refused
 * does not look again for 15 s. Here a client that was connected makes 10 short attempts, one about every 1 to 2
 * seconds, at moments of its own, over one transport each (`transport.ts`). Then they become ever rarer, and each second
 * one gets the time that a fallback to another transport needs, in which it is deaf to the bus's return.
 */

import type { Timing } from '../environment.ts';
import type { Push, PushHandlers, PushLoss } from './pusher.ts';

/** Where push stands. */
export interface LinkState {
  readonly isUp: boolean;
  /** Since when it is up, or away; in milliseconds, by `Timing.now`. */
  readonly since: number;
  /** Why it is away, where something said so. */
  readonly loss: PushLoss | null;
}

export interface LinkOptions {
  readonly timing: Timing;
  /** Makes the connection that is to be kept alive. */
  readonly createPush: (handlers: PushHandlers) => Push;
  readonly onChange: (state: LinkState) => void;
  readonly onEvent: (name: string, data: unknown) => void;
}

export interface Link {
  readonly state: LinkState;
  /** Starts, where it has not. */
  start(): void;
  /** Where it is away: tries within 0.3 s instead of waiting for the backoff. */
  retrySoon(): void;
  /** It looks healthy, but news did not come over it: connects anew, at most once a minute. */
  renew(): void;
  /** Ends the connection, until `start`. */
  pause(): void;
}

/** Time for every transport to have its turn (with TLS and without: 5 s and 4 s more before the last one). */
const WHOLE_ATTEMPT = 13_000;
/** From the connection to the subscription; our server gets 10 s to sign it. */
const SUBSCRIBE_LIMIT = 11_000;
const QUICK_ATTEMPTS = 10;
const SLOWEST = 30_000;
/** Where it was never up. */
const SLOWEST_UNTRIED = 150_000;
const SUSPECT_WAIT = 60_000;

/**
 * How long attempt number `attempt` (from 0) gets, in milliseconds.
 * @param usual how long the last successful one took, or null where there was none
 */
export function attemptLimit(attempt: number, usual: number | null, random: number): number {
  if (usual === null || (attempt >= QUICK_ATTEMPTS && attempt % 2 === 0)) return WHOLE_ATTEMPT * (1 + 0.2 * random);
  return Math.min(1_000 * (1 + random) + 3 * usual, WHOLE_ATTEMPT);
}

/**
 * How long to wait before attempt number `attempt` (from 0), in milliseconds, after this kind of loss.
 * @param wasUp whether it was ever up here. Where it never was, something may block it for good (an ad blocker), and each
 *   attempt at every transport leaves some lines on the page's console: about two a minute in the long run
 */
export function attemptDelay(attempt: number, loss: PushLoss, random: number, wasUp = true): number {
  // Turned away: it takes a change of configuration, or a quota that is free again, which is to be found within a minute.
  if (loss === 'refused') return Math.min(15_000 * 2 ** attempt, 40_000) * (1 + 0.3 * random);
  // Not authorized: 1, 2, 4 … s.
  if (loss === 'unauthorized') return Math.min(1_000 * 2 ** attempt, 60_000) * (1 + random);
  if (!wasUp && attempt > 1) return Math.min(5_000 * 2 ** (attempt - 2), SLOWEST_UNTRIED) * (1 + 0.2 * random);
  if (attempt === 0) return 100 + 1_100 * random;
  if (attempt < QUICK_ATTEMPTS) return 200 * random;
  return Math.min(1_000 * 1.5 ** (attempt - QUICK_ATTEMPTS), SLOWEST) * (1 + random);
}

export function createLink({ timing, createPush, onChange, onEvent }: LinkOptions): Link {
  let state: LinkState = { isUp: false, since: timing.now(), loss: null };
  let timer: unknown;
  let isPaused = true;
  let attempt = 0;
  let openedAt = 0;
  let usual: number | null = null;
  let suspectedAt = 0;

  const push = createPush({
    onConnected() {
      after(SUBSCRIBE_LIMIT, lose);
    },
    onUp() {
      timing.clearTimeout(timer);
      // While it is up this says only that events may have been missed.
      if (!state.isUp) usual = timing.now() - openedAt;
      attempt = 0;
      change(true, null);
    },
    onDown(loss) {
      if (!isPaused) lose(loss);
    },
    onEvent,
  });

  function after(ms: number, act: () => void): void {
    timing.clearTimeout(timer);
    timer = timing.setTimeout(act, ms);
  }

  function change(isUp: boolean, loss: PushLoss | null): void {
    state = { isUp, since: isUp === state.isUp ? state.since : timing.now(), loss };
    onChange(state);
  }

  function open(): void {
    isPaused = false;
    openedAt = timing.now();
    after(attemptLimit(attempt, usual, timing.random()), lose);
    push.open();
  }

  function lose(loss: PushLoss = 'lost'): void {
    // How long the bus was away says nothing about how long our server will take to authorize.
    if (state.loss !== null && loss !== state.loss) attempt = 0;
    after(attemptDelay(attempt++, loss, timing.random(), usual !== null), open);
    change(false, loss);
  }

  return {
    get state() {
      return state;
    },
    start() {
      if (isPaused) open();
    },
    retrySoon() {
      if (!isPaused && !state.isUp && timing.now() - openedAt > 2_000) after(300 * timing.random(), open);
    },
    renew() {
      if (!state.isUp || timing.now() - suspectedAt < SUSPECT_WAIT) return;
      suspectedAt = timing.now();
      lose();
    },
    pause() {
      isPaused = true;
      timing.clearTimeout(timer);
      push.pause();
      if (state.isUp) change(false, null);
    },
  };
}
