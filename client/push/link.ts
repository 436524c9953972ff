/**
 * Keeps push alive: decides when to connect, how long an attempt may take, and when to try again.
 *
 * pusher-js alone reconnects 16 s after an outage of 1 s, and all clients at the same moments, since it does not try
 * again for 15 s after an attempt was refused. Here a client that was connected makes 10 short attempts, about one every
 * 1 to 2 s, at random moments. Each is long enough for one transport (`transport.ts`). After those the wait grows, and every
 * second attempt is long enough for pusher-js to fall back to another transport. A long attempt does not notice that the bus
 * is back, so only every second one is long.
 *
 * | state       | what happens                                   | ends with |
 * |-------------|------------------------------------------------|-----------|
 * | paused      | nothing                                        | `start` → connecting |
 * | connecting  | an attempt runs, with a time limit             | connected → subscribing; lost, refused or out of time → waiting |
 * | subscribing | our server signs the channel, at most 11 s     | subscribed → up; not authorized or out of time → waiting |
 * | up          | events arrive                                  | lost → waiting; `renew` → waiting |
 * | waiting     | backoff (`attemptDelay`)                       | its end, or `retrySoon` → connecting |
 *
 * `pause` leads from every state to paused. The feed sees only `LinkState`, where every state but "up" is "away".
 */

import { growingWait } from '../../core/values/backoff.ts';
import type { Timing } from '../environment.ts';
import {
  LONGEST_DELAY,
  LONGEST_DELAY_UNTRIED,
  QUICK_ATTEMPTS,
  RENEW_INTERVAL,
  SUBSCRIBE_LIMIT,
  WHOLE_ATTEMPT,
} from './limits.ts';
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
  /** Starts to connect, unless it has started already. */
  start(): void;
  /** While push is away, tries within 0.3 s instead of waiting for the backoff. An attempt less than 2 s old goes on. */
  retrySoon(): void;
  /** Ends a connection that looks healthy but brought no news, and connects again. At most once a minute. */
  renew(): void;
  /** Ends the connection, until `start`. */
  pause(): void;
}

/**
 * How long attempt number `attempt` (from 0) may take, in milliseconds.
 * @param lastDuration how long the last successful attempt took, in milliseconds; null where there was none
 */
export function attemptLimit(attempt: number, lastDuration: number | null, random: number): number {
  const isLong = lastDuration === null || (attempt >= QUICK_ATTEMPTS && attempt % 2 === 0);
  if (isLong) return WHOLE_ATTEMPT * (1 + 0.2 * random);
  return Math.min(1_000 * (1 + random) + 3 * lastDuration, WHOLE_ATTEMPT);
}

/**
 * How long to wait before attempt number `attempt` (from 0), in milliseconds, after this kind of loss.
 * @param wasUp whether push was ever up on this page. If not, something may block it for good (an ad blocker). Each attempt
 *   leaves lines on the page's console, so the wait grows to about 3 minutes
 */
export function attemptDelay(attempt: number, loss: PushLoss, random: number, wasUp = true): number {
  // 15, 30, 40, 40 … s. Only another configuration or a free quota helps; that is noticed within a minute.
  if (loss === 'refused') return growingWait(attempt, 15_000, 40_000) * (1 + 0.3 * random);
  // 1, 2, 4 … 60 s.
  if (loss === 'unauthorized') return growingWait(attempt, 1_000, 60_000) * (1 + random);
  if (!wasUp && attempt > 1) return growingWait(attempt - 2, 5_000, LONGEST_DELAY_UNTRIED) * (1 + 0.2 * random);
  // The clients that a bus has lost come back spread over 1.1 s.
  if (attempt === 0) return 100 + 1_100 * random;
  // The attempts themselves take 1 to 2 s each, so there is hardly a wait between them.
  if (attempt < QUICK_ATTEMPTS) return 200 * random;
  return growingWait(attempt - QUICK_ATTEMPTS, 1_000, LONGEST_DELAY, 1.5) * (1 + random);
}

/** Begins in the state "paused". */
export function createLink(options: LinkOptions): Link {
  const { timing } = options;
  let state: LinkState = { isUp: false, since: timing.now(), loss: null };
  let timer: unknown;
  let isPaused = true;
  /** Attempts since push was up, or since the kind of loss changed. */
  let attempt = 0;
  /** When the last attempt began; by `timing.now()`. */
  let openedAt = 0;
  /** How long the last attempt that succeeded took, in milliseconds; null where none has. */
  let lastDuration: number | null = null;
  /** When `renew` last replaced a connection; by `timing.now()`. */
  let renewedAt = 0;

  const push = options.createPush({
    onConnected() {
      after(SUBSCRIBE_LIMIT, lose);
    },
    onUp() {
      timing.clearTimeout(timer);
      // If push was up already, this call only says that events may have been missed.
      if (!state.isUp) lastDuration = timing.now() - openedAt;
      attempt = 0;
      change(true, null);
    },
    onDown(loss) {
      if (!isPaused) lose(loss);
    },
    onEvent: options.onEvent,
  });

  function after(ms: number, act: () => void): void {
    timing.clearTimeout(timer);
    timer = timing.setTimeout(act, ms);
  }

  function change(isUp: boolean, loss: PushLoss | null): void {
    state = { isUp, since: isUp === state.isUp ? state.since : timing.now(), loss };
    options.onChange(state);
  }

  function open(): void {
    isPaused = false;
    openedAt = timing.now();
    after(attemptLimit(attempt, lastDuration, timing.random()), lose);
    push.open();
  }

  function lose(loss: PushLoss = 'lost'): void {
    // Each kind of loss starts with its shortest wait: after an outage of the bus, authorization is tried again quickly.
    if (state.loss !== null && loss !== state.loss) attempt = 0;
    after(attemptDelay(attempt++, loss, timing.random(), lastDuration !== null), open);
    change(false, loss);
  }

  return {
    start() {
      if (isPaused) open();
    },
    retrySoon() {
      if (!isPaused && !state.isUp && timing.now() - openedAt > 2_000) after(300 * timing.random(), open);
    },
    renew() {
      if (!state.isUp || timing.now() - renewedAt < RENEW_INTERVAL) return;
      renewedAt = timing.now();
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
