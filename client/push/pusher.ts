/**
 * Knows how pusher-js behaves: how to set it up so that nothing leaks to hosts that are not ours, and how
 * to read its states. It keeps nothing alive by itself; `link.ts` decides when to try again.
 *
 * Traps this port hides (pusher-js 8):
 * - every host and port has to be set, or the fallback goes to `sockjs-<cluster>.pusher.com`
 * - after a loss it retries at moments of its own, without jitter and up to 105 s apart, and its retry timer
 *   later ends a connection that somebody else opened meanwhile: so a lost connection is fully `disconnect`ed
 * - `disconnected` that we did not ask for means that the bus turned us away for good
 * - an authorization that failed is not tried again, and one that the bus rejected leaves `subscriptionPending`,
 *   which only a new connection heals: so both get a new connection
 * - an encrypted channel needs a cipher that only `pusher-js/with-encryption` brings, at half its size again: it is
 *   loaded here (`encryption.ts`), whatever build the page brought, for such a channel and for no other
 */

import type { ConnectionInfo } from '../../core/wire.ts';
import type { Timing } from '../environment.ts';
import {
  type Authorizer,
  findPusher,
  type Options,
  type PusherClass,
  type PusherLike,
  type PusherSource,
} from './pusher-class.ts';
import { steerTransports } from './transport.ts';

/**
 * Why push is away:
 * - `lost`: the connection broke or was not to be had; trying again may help
 * - `refused`: the bus turned us away for good (close codes 40xx and from 4300), or this Pusher cannot do it at all
 *   (no transport in this browser); pusher-js says more on the console
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
  /** Starts a connection, whatever was going on before. */
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

export function createPush({ Pusher, connection, authorize, handlers, timing }: PushOptions): Push {
  let pusher: PusherLike | undefined;
  /** Grows with each thing we do to pusher-js. What it says about an older generation is ignored. */
  let generation = 0;
  /** Whether we are calling pusher-js just now: what it says meanwhile is our own doing. */
  let isOurs = false;

  function quietly(act: () => void): void {
    generation++;
    isOurs = true;
    try {
      act();
    } finally {
      isOurs = false;
    }
  }

  /** `act`, unless something else was done meanwhile. */
  function ifCurrent<T extends unknown[]>(act: (...args: T) => void): (...args: T) => void {
    const before = generation;
    return (...args) => {
      if (generation === before) act(...args);
    };
  }

  function goDown(loss: PushLoss): void {
    if (isOurs) return;
    // Not at once: pusher-js sets its retry timer, or starts its next attempt, after it has told us.
    queueMicrotask(
      ifCurrent(() => {
        quietly(() => pusher?.disconnect());
        handlers.onDown(loss);
      }),
    );
  }

  function create(options: Options): PusherLike {
    const created = new (steerTransports(findPusher(Pusher) as PusherClass, timing))(connection.key, options);
    created.connection.bind('connecting_in', () => goDown('lost'));
    created.connection.bind('state_change', ({ previous, current }) => {
      if (current === 'connected') handlers.onConnected();
      else if (current === 'disconnected' || current === 'failed') goDown('refused');
      else if (current === 'unavailable' || previous === 'connected') goDown('lost');
    });
    created.subscribe(connection.channel).bind_global((event, data) => {
      if (event === 'pusher:subscription_succeeded') handlers.onUp();
      else if (event === 'pusher:subscription_error') goDown('unauthorized');
      else if (event.startsWith('task.')) handlers.onEvent(event, data);
    });
    return created;
  }

  const customHandler: Authorizer = ({ socketId, channelName }, callback) => {
    // What it rejects with is the callback's first argument; the second is looked at only where that is null.
    authorize(socketId, channelName).then(
      (signed) => callback(null, signed as { auth: string }),
      callback as (error: Error) => void,
    );
  };

  function connect(options: Options): void {
    try {
      quietly(() => {
        pusher?.disconnect();
        pusher ??= create(options);
        pusher.connect();
      });
    } catch {
      // pusher-js throws texts as well as errors, for example where the browser has no transport.
      handlers.onDown('refused');
    }
  }

  return {
    open() {
      const options = toOptions(connection, customHandler);
      if (pusher || !connection.channel.startsWith('private-encrypted-')) return connect(options);
      import('./encryption.ts').then(
        ifCurrent(({ encrypt }) => connect(encrypt(options, () => ifCurrent(handlers.onUp)))),
        ifCurrent(() => handlers.onDown('lost')),
      );
    },
    pause: () => quietly(() => pusher?.disconnect()),
  };
}

/** Every host option is in `info`; pusher-js takes null for "not set" and leaves alone what it does not know. */
export function toOptions(info: ConnectionInfo, customHandler: Authorizer): Options {
  return {
    ...info,
    // The hosts belong together: one without the other would leave us for Pusher's.
    httpHost: info.httpHost ?? info.wsHost,
    enabledTransports: ['ws', 'wss', 'xhr_streaming', 'xhr_polling'],
    // Two missed beats in well under a minute show a connection that is dead and does not know it.
    activityTimeout: 30_000,
    pongTimeout: 8_000,
    // `link.ts` has a time limit of its own.
    unavailableTimeout: 60_000,
    enableStats: false,
    channelAuthorization: { customHandler },
  } as Options;
}
