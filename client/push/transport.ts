/**
 * Makes a push connection that chooses its transport, WebSocket or HTTP, for networks that change.
 *
 * pusher-js alone waits 5 s for a WebSocket before it tries HTTP (2 s with TLS), which is longer than the short attempts
 * of `link.ts`. And for half an hour it prefers the transport that worked last. Here the attempts after a loss alternate
 * between WebSocket and HTTP. While push is up over HTTP, a second connection (the probe) tries a WebSocket from time to
 * time. Once the probe is subscribed it replaces the first connection, so that no event is missed in between.
 */

import { growingWait } from '../../core/values/backoff.ts';
import { systemTiming, type Timing } from '../environment.ts';
import type { Options, PusherClass, PusherLike } from './pusher-class.ts';

/** How a connection is made: over a WebSocket or over HTTP. */
type Transport = 'ws' | 'http';
/** The transports that an attempt may use, as pusher-js names them. */
type Transports = Options['enabledTransports'];

/** With TLS, pusher-js reads `ws` as `wss`. */
const WEB_SOCKET: Transports = ['ws'];
const HTTP: Transports = ['xhr_streaming', 'xhr_polling'];
/** For proxies that delay a stream. If streaming were allowed, pusher-js would wait 4 s for it first. */
const HTTP_POLLING: Transports = ['xhr_polling'];
/** All that the options allow. A short attempt ends before pusher-js has tried more than a WebSocket. */
const ANY = undefined;

/** What each attempt after a loss may use, by the transport before the loss. From the eleventh attempt on: all. */
const ATTEMPTS: Readonly<Record<Transport, readonly (Transports | undefined)[]>> = {
  ws: [ANY, HTTP, ANY, HTTP_POLLING, ANY, HTTP, ANY, HTTP_POLLING, ANY, HTTP],
  http: [HTTP, HTTP, ANY, HTTP_POLLING, HTTP, HTTP, ANY, HTTP_POLLING, HTTP, HTTP],
};

/** Push over HTTP tries a WebSocket after 5 s, then after 10, 20, 40, 40 … s. In milliseconds. */
const FIRST_PROBE = 5_000;
const SLOWEST_PROBE = 40_000;
/** How long a probe may take, in milliseconds. */
const PROBE_LIMIT = 8_000;

/** The event of pusher-js that says that events of the channel arrive from now on. */
export const SUBSCRIBED = 'pusher:subscription_succeeded';

/** A change of the state of a connection, in the words of pusher-js. */
export interface StateChange {
  readonly previous: string;
  readonly current: string;
}

/** Called with what a connection reports. */
export interface ConnectionHandlers {
  onState(change: StateChange): void;
  /** The connection broke or could not be made. pusher-js would try again by a timer of its own. */
  onRetry(): void;
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

/** A connection that chooses its transport. */
export interface AdaptiveConnection extends Connection {
  /** How the connection is made, or the last one was; null before the first. */
  readonly transport: Transport | null;
}

/** Classes that choose their transports by themselves. */
const adaptive = new WeakSet<object>();

/** Says that `Pusher` chooses its transports by itself. */
export function markAdaptive<T extends PusherClass>(Pusher: T): T {
  adaptive.add(Pusher);
  return Pusher;
}

/** Makes a connection that chooses its transports, by `Pusher` itself if it was marked so. */
export function createConnection(parts: ConnectionParts, timing?: Timing): Connection {
  return adaptive.has(parts.Pusher) ? createPlain(parts) : createAdaptive(parts, timing);
}

function createPlain({ Pusher, key, options, channel, handlers }: ConnectionParts): PusherLike {
  const pusher = new Pusher(key, options);
  pusher.connection.bind('connecting_in', handlers.onRetry);
  pusher.connection.bind('state_change', handlers.onState);
  pusher.subscribe(channel).bind_global(handlers.onEvent);
  return pusher;
}

/** @param transport what works in another tab; null where nothing is known to work */
export function createAdaptive(
  parts: ConnectionParts,
  timing = systemTiming,
  transport: Transport | null = null,
): AdaptiveConnection {
  const { handlers } = parts;
  let real: PusherLike | undefined;
  /** The transports that `real` may use. */
  let transports: Transports | undefined;
  /** Attempts since push was up. */
  let attempts = 0;
  let isWanted = false;
  let probe: PusherLike | undefined;
  /** Probes since push was up over a WebSocket. */
  let probes = 0;
  /** Starts the next probe, or ends the one that is running. */
  let timer: unknown;

  function create(enabledTransports: Transports | undefined): PusherLike {
    const made: PusherLike = createPlain({
      ...parts,
      options: { ...parts.options, ...(enabledTransports && { enabledTransports }) },
      handlers: {
        onRetry: () => made === real && handlers.onRetry(),
        onState(change) {
          if (made !== real) return;
          if (change.current !== 'connected') endProbe();
          // This transport does not work in this browser or network. Another one may.
          if (change.current === 'failed' && enabledTransports) handlers.onRetry();
          else handlers.onState(change);
        },
        onEvent(event, data) {
          const isSubscribed = event === SUBSCRIBED;
          if (isSubscribed && made === probe && isWanted) takeOver(made);
          if (made !== real) return;
          if (isSubscribed) onSubscribed(made);
          handlers.onEvent(event, data);
        },
      },
    });
    return made;
  }

  function onSubscribed({ connection }: PusherLike): void {
    attempts = 0;
    transport = connection.connection?.transport?.name?.startsWith('xhr') ? 'http' : 'ws';
    if (transport === 'ws') {
      endProbe();
      probes = 0;
    } else if (!timer) {
      endProbe();
      probeLater();
    }
  }

  function probeLater(): void {
    const wait = growingWait(probes++, FIRST_PROBE, SLOWEST_PROBE);
    timer = timing.setTimeout(
      () => {
        tryWebSocket();
        timer = timing.setTimeout(() => {
          endProbe();
          probeLater();
        }, PROBE_LIMIT);
      },
      wait * (0.8 + 0.2 * timing.random()),
    );
  }

  function tryWebSocket(): void {
    try {
      probe = create(WEB_SOCKET);
      probe.connect();
    } catch {
      // This browser has no WebSocket.
    }
  }

  function endProbe(): void {
    timing.clearTimeout(timer);
    timer = undefined;
    probe?.disconnect();
    probe = undefined;
  }

  /** Replaces the connection over HTTP by `next`, a probe that is subscribed. The feed then fetches what both missed. */
  function takeOver(next: PusherLike): void {
    const old = real;
    real = next;
    transports = WEB_SOCKET;
    probe = undefined;
    endProbe();
    old?.disconnect();
    // Push was not up before, so the feed must hear first that there is a connection.
    if (attempts > 0) handlers.onState({ previous: 'connecting', current: 'connected' });
  }

  return {
    get transport() {
      return transport;
    },
    connect() {
      isWanted = true;
      const allowed = transport === null ? ANY : ATTEMPTS[transport][attempts];
      attempts++;
      if (real && allowed !== transports) {
        const old = real;
        real = undefined;
        old.disconnect();
      }
      transports = allowed;
      real ??= create(allowed);
      real.connect();
      // During an attempt over HTTP, WebSockets may work again. So try both at once.
      if (allowed && transport === 'ws') tryWebSocket();
    },
    disconnect() {
      isWanted = false;
      endProbe();
      real?.disconnect();
    },
  };
}
