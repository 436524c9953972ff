/**
 * The Pusher that the feed of one tab sees where tabs share a connection. It makes no connection: `shared-pusher.ts` tells it
 * the state of the shared one and the events of the feed's channel, and it passes both to the feed.
 */

import type { PusherLike } from '../push/pusher-class.ts';

type EventCallback = (event: string, data: unknown) => void;
type StateCallback = (data: never) => void;

export interface FeedSide {
  /** The parts of the Pusher that the feed listens to. It binds each event once. */
  readonly pusher: Pick<PusherLike, 'connection' | 'subscribe'>;
  /** The channel that the feed has subscribed to. */
  channel(): string;
  /** Passes an event of the channel to the feed. */
  emit(event: string, data: unknown): void;
  /** Tells the feed of a change of the connection's state, in the words of pusher-js. */
  setState(current: string): void;
  /** If the feed is connected, tells it that the connection is gone. Another tab may be about to make a new one. */
  setAway(): void;
}

/** The state of the connection is `initialized` at first, as with pusher-js. */
export function createFeedSide(): FeedSide {
  /** What the feed has bound, and the channel that it has subscribed to. */
  let onState: StateCallback;
  let emit: EventCallback;
  let channel: string;
  let state = 'initialized';

  function setState(current: string): void {
    const previous = state;
    state = current;
    if (previous !== current) onState({ previous, current } as never);
  }

  return {
    pusher: {
      connection: {
        bind(event: string, callback: StateCallback) {
          if (event === 'state_change') onState = callback;
        },
      },
      subscribe(name) {
        channel = name;
        return {
          bind_global(callback: EventCallback) {
            emit = callback;
          },
        };
      },
    },
    channel: () => channel,
    emit: (event, data) => emit(event, data),
    setState,
    setAway() {
      if (state === 'connected') setState('connecting');
    },
  };
}
