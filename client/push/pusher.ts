/**
 * Connects to one channel with pusher-js: sets it up so that nothing goes to hosts that are not ours, and reads its states.
 * This file does not reconnect; `link.ts` decides when to try again.
 *
 * Traps of pusher-js 8 that this file hides from the feed:
 * - every host and port has to be set, or the fallback goes to `sockjs-<cluster>.pusher.com`
 * - after a loss it retries by its own timer, without jitter and up to 105 s apart; that timer would also end a connection
 *   that we have opened in between. So a lost connection is always ended with `disconnect`
 * - the state `disconnected`, where we did not disconnect, means that the bus refuses us for good
 * - an authorization that failed is not tried again, and one that the bus rejected leaves `subscriptionPending` set. Both
 *   can only be repaired by a new connection
 * - an encrypted channel needs a cipher. Only `pusher-js/with-encryption` has one, and it is 1.5 times as big. So the
 *   cipher is loaded here (`encryption.ts`), for encrypted channels only, whichever build the page brought
 */

import type { ConnectionInfo } from '../../core/wire.ts';
import type { Timing } from '../environment.ts';
import { type Connection, type ConnectionHandlers, SUBSCRIBED } from './connection.ts';
import { type Authorizer, findPusher, type Options, type PusherClass, type PusherSource } from './pusher-class.ts';
import { createConnection } from './transport.ts';

/**
 * Why push is away:
 * - `lost`: the connection broke or could not be made; trying again may help
 * - `refused`: the bus refuses us for good (close codes 40xx and from 4300), or this browser has none of the transports;
 *   pusher-js says more on the console
 * - `unauthorized`: connected, but our server did not authorize the channel, or the bus rejected its signature
 */
export type PushLoss = 'lost' | 'refused' | 'unauthorized';

export interface PushHandlers {
  /** There is a connection; the subscription is still to come. */
  onConnected(): void;
  /** Subscribed: events arrive from now on. Called again whenever some may have been missed. */
  onUp(): void;
  /** Push is away. No attempt is made until `open`. */
  onDown(loss: PushLoss): void;
  onEvent(name: string, data: unknown): void;
}

/** A connection to one channel. */
export interface Push {
  /** Starts a connection; ends one that is there. */
  open(): void;
  /** Ends the connection or the attempt, until `open`. */
  pause(): void;
}

export interface PushOptions {
  readonly Pusher: PusherSource;
  readonly connection: ConnectionInfo;
  /** Asks our server to sign the subscription. Rejects with a TaskError. */
  readonly authorize: (socketId: string, channel: string) => Promise<object>;
  readonly handlers: PushHandlers;
  readonly timing?: Timing;
}

/** Loads pusher-js, for those who do not bring it. */
export async function loadPusher(): Promise<PusherSource> {
  return (await import('pusher-js')) as unknown as PusherSource;
}

/** Connects to nothing until `open` is called. */
export function createPush({ Pusher, connection, authorize, handlers, timing }: PushOptions): Push {
  let pusher: Connection | undefined;
  /** Grows with each of our calls to pusher-js. Events of an older generation are ignored. */
  let generation = 0;
  /** Whether we are inside a call to pusher-js: what it reports then is the effect of that call, and not a loss. */
  let isCalling = false;

  /** Calls pusher-js through `act`. The events that follow from the call are ignored. */
  function quietly(act: () => void): void {
    generation++;
    isCalling = true;
    try {
      act();
    } finally {
      isCalling = false;
    }
  }

  /** Wraps `act` so that it does nothing once pusher-js was called again. */
  function ifCurrent<T extends unknown[]>(act: (...args: T) => void): (...args: T) => void {
    const before = generation;
    return (...args) => {
      if (generation === before) act(...args);
    };
  }

  function goDown(loss: PushLoss): void {
    if (isCalling) return;
    // In a microtask: pusher-js sets its retry timer, or starts its next attempt, after it has called this function.
    queueMicrotask(
      ifCurrent(() => {
        quietly(() => pusher?.disconnect());
        handlers.onDown(loss);
      }),
    );
  }

  function create(options: Options): Connection {
    const all: ConnectionHandlers = {
      onState({ previous, current }) {
        if (current === 'connected') handlers.onConnected();
        else if (current === 'disconnected' || current === 'failed') goDown('refused');
        else if (current === 'unavailable' || previous === 'connected') goDown('lost');
      },
      onEvent(event, data) {
        if (event === SUBSCRIBED) handlers.onUp();
        else if (event === 'pusher:subscription_error') goDown('unauthorized');
        else if (event.startsWith('task.')) handlers.onEvent(event, data);
      },
    };
    return createConnection(
      { ...connection, Pusher: findPusher(Pusher) as PusherClass, options, handlers: all },
      timing,
    );
  }

  function connect(options: Options): void {
    try {
      quietly(() => {
        pusher?.disconnect();
        pusher ??= create(options);
        pusher.connect();
      });
    } catch {
      // pusher-js may throw a string instead of an error, for example where the browser has no transport.
      handlers.onDown('refused');
    }
  }

  return {
    open() {
      const options = toOptions(connection, toAuthorizer(authorize));
      if (pusher || !connection.channel.startsWith('private-encrypted-')) return connect(options);
      import('./encryption.ts').then(
        ifCurrent(({ encrypt }) => connect(encrypt(options, () => ifCurrent(handlers.onUp)))),
        ifCurrent(() => handlers.onDown('lost')),
      );
    },
    pause: () => quietly(() => pusher?.disconnect()),
  };
}

/** `authorize` as pusher-js wants it, with a callback. */
function toAuthorizer(authorize: PushOptions['authorize']): Authorizer {
  return ({ socketId, channelName }, callback) => {
    // pusher-js reads the second argument only where the first one, the error, is null.
    authorize(socketId, channelName).then(
      (signed) => callback(null, signed as { auth: string }),
      callback as (error: Error) => void,
    );
  };
}

/** The options for pusher-js. `info` has every host and port; pusher-js reads null as "not set" and ignores unknown options. */
export function toOptions(info: ConnectionInfo, customHandler: Authorizer): Options {
  return {
    ...info,
    // If only the WebSocket host were set, HTTP would go to Pusher's own hosts.
    httpHost: info.httpHost ?? info.wsHost,
    enabledTransports: ['ws', 'wss', 'xhr_streaming', 'xhr_polling'],
    // A dead connection is found within 38 s: after 30 s of silence pusher-js sends a ping, and waits 8 s for the answer.
    activityTimeout: 30_000,
    pongTimeout: 8_000,
    // `link.ts` has a time limit of its own.
    unavailableTimeout: 60_000,
    enableStats: false,
    channelAuthorization: { customHandler },
  } as Options;
}
