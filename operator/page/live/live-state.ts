/**
 * The states of the page's live stream, and what leads from one to the next. Pure. `live.ts` carries the effects out.
 *
 * | state | event | next state | what to do |
 * |---|---|---|---|
 * | hidden | shown | connecting | connect |
 * | connecting | opened | live | refresh what is shown |
 * | connecting, live | ended | waiting | wait, then `due` |
 * | waiting | due | connecting | connect |
 * | all but hidden | hidden | hidden | disconnect |
 */

/** Where the stream stands. */
export interface LiveState {
  readonly phase: 'hidden' | 'connecting' | 'live' | 'waiting';
  /** How many connections in a row have failed or ended. One that lasted for 10 s or more counts as the first of a new row. */
  readonly failures: number;
}

/** What has happened. */
export type LiveEvent =
  | { readonly type: 'shown' | 'hidden' | 'opened' | 'due' }
  /**
   * `livedFor`: ms from the opening of the stream; 0 if it was not opened. `retryAfter`: s, as the server asks; 0 if it does not.
   * `chance`: a random number from 0 to 1.
   */
  | { readonly type: 'ended'; readonly livedFor: number; readonly retryAfter: number; readonly chance: number };

/** What `live.ts` has to do. */
export type LiveEffect =
  | { readonly type: 'connect' | 'disconnect' | 'refresh' | 'nothing' }
  | { readonly type: 'wait'; readonly ms: number };

/** What the page says of its stream. */
export type LinkState = 'connecting' | 'live' | 'lost';

/** The state at the start. */
export const HIDDEN: LiveState = { phase: 'hidden', failures: 0 };

/** After a connection that lasted this long, the waits begin with a short one again. */
const GOOD_CONNECTION_MS = 10_000;
/** The waits double from the first to the longest. Each is shortened by chance, to no less than its half. */
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
/** The longest `Retry-After` of a server that is heeded. */
const MAX_RETRY_AFTER_S = 60;

/** The state after an event, and what to do. An event that is not in the table for a state changes nothing. */
export function nextLive(
  state: LiveState,
  event: LiveEvent,
): { readonly state: LiveState; readonly effect: LiveEffect } {
  const { phase, failures } = state;
  const isUp = phase === 'connecting' || phase === 'live';
  switch (event.type) {
    case 'shown':
      if (phase === 'hidden') return { state: { phase: 'connecting', failures }, effect: { type: 'connect' } };
      break;
    case 'hidden':
      if (phase !== 'hidden') return { state: HIDDEN, effect: { type: 'disconnect' } };
      break;
    case 'opened':
      if (phase === 'connecting') return { state: { phase: 'live', failures }, effect: { type: 'refresh' } };
      break;
    case 'due':
      if (phase === 'waiting') return { state: { phase: 'connecting', failures }, effect: { type: 'connect' } };
      break;
    case 'ended': {
      if (!isUp) break;
      const count = event.livedFor >= GOOD_CONNECTION_MS ? 1 : failures + 1;
      const longest = Math.min(FIRST_WAIT_MS * 2 ** (count - 1), LONGEST_WAIT_MS);
      const asked = Math.min(event.retryAfter, MAX_RETRY_AFTER_S) * 1_000;
      const ms = Math.max((longest * (1 + event.chance)) / 2, asked);
      return { state: { phase: 'waiting', failures: count }, effect: { type: 'wait', ms } };
    }
  }
  return { state, effect: { type: 'nothing' } };
}

/** What the page says of its stream in a state. After a failure it says `lost` until the stream is up again. */
export function linkOf({ phase, failures }: LiveState): LinkState {
  if (phase === 'live') return 'live';
  return failures > 0 ? 'lost' : 'connecting';
}
