/** A connection to one channel: what it is made of, what it reports, and how it is made with pusher-js. */

import type { Options, PusherClass, PusherLike } from './pusher-class.ts';

/** The event of pusher-js that says that events of the channel arrive from now on. */
export const SUBSCRIBED = 'pusher:subscription_succeeded';

/** A change of the state of a connection, in the words of pusher-js. */
export interface StateChange {
  readonly previous: string;
  readonly current: string;
}

/** The connection is lost, or cannot be made now. */
export const UNAVAILABLE: StateChange = { previous: '', current: 'unavailable' };

/** Called with what a connection reports. */
export interface ConnectionHandlers {
  onState(change: StateChange): void;
  /** An event of the channel, those of pusher-js (`pusher:subscription_succeeded`) among them. */
  onEvent(event: string, data: unknown): void;
}

/** What a connection to one channel is made of. */
export interface ConnectionParts {
  readonly Pusher: PusherClass;
  readonly key: string;
  readonly options: Options;
  readonly channel: string;
  readonly handlers: ConnectionHandlers;
}

/** A connection to one channel. */
export type Connection = Pick<PusherLike, 'connect' | 'disconnect'>;

/** A connection over the transports that `options` allow. */
export function createPlain({ Pusher, key, options, channel, handlers }: ConnectionParts): PusherLike {
  const pusher = new Pusher(key, options);
  // `connecting_in`: the connection broke or could not be made, and pusher-js would try again by a timer of its own.
  pusher.connection.bind('connecting_in', () => handlers.onState(UNAVAILABLE));
  pusher.connection.bind('state_change', handlers.onState);
  pusher.subscribe(channel).bind_global(handlers.onEvent);
  return pusher;
}
