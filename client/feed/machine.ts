/**
 * Runs the state machine of one feed. It holds the state, and `dispatch` is the only place that changes it: an event gives the
 * next state (`state/reduce.ts`), the page is shown that state, and then the effects are performed.
 */

import type { Timing } from '../environment.ts';
import { loadExplanation } from './developer-help.ts';
import type { Shown } from './shown.ts';
import { type Dispatch, type FeedActions, RULES } from './state/reduce.ts';
import { type FeedState, INITIAL_STATE, toFeedSnapshot } from './state/state.ts';

export interface Machine {
  /** The state as it is now. */
  readonly state: () => FeedState;
  /** Makes the next state, shows it, then performs the effects. */
  readonly dispatch: Dispatch;
}

/** @param getActions what performs the effects; not called before the first event */
export function createMachine(shown: Shown, timing: Pick<Timing, 'now'>, getActions: () => FeedActions): Machine {
  let state = INITIAL_STATE;
  const explanation = loadExplanation();

  return {
    state: () => state,
    dispatch(event, ...args) {
      const before = state;
      const [after, effects] = RULES[event](before, timing.now(), ...args);
      state = after;
      explanation?.then(({ logEvent }) => logEvent(event, args, before, after, effects));
      shown.set(toFeedSnapshot(after, shown.get().connection));
      for (const [name, argument] of effects) {
        // Checked each time: `shown.set` calls listeners, and a listener may close the feed.
        if (!state.isClosed) (getActions()[name] as (argument?: unknown) => void)(argument);
      }
    },
  };
}

/**
 * Call this before a request. Returns a function that says whether the answer may still be used. `http.ts` checks an answer
 * when it arrives, but promises settle later, and another answer may have changed the user in between.
 */
export function makeCurrentCheck({ state }: Pick<Machine, 'state'>): () => boolean {
  const { generation } = state();
  return () => generation === state().generation && !state().isClosed;
}
