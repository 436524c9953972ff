/**
 * Makes a push connection that chooses its transport, WebSocket or HTTP, for networks that change.
 *
 * pusher-js alone waits 5 s for a WebSocket before it tries HTTP (2 s with TLS). A short attempt of `link.ts` is over by then, or
 * nearly so. And for half an hour pusher-js prefers the transport that worked last. Here the attempts after a loss alternate
 * between WebSocket and HTTP (`attempts.ts`). While push is up over HTTP, a second connection (`probe.ts`) tries a WebSocket
 * from time to time. Once the probe is subscribed it replaces the first connection, so that no event is missed in between.
 *
 * pusher-js keeps each Pusher that was ever made until the page is left. So there is one Pusher for each of the four choices of
 * transports (`attempts.ts`), and it is used again, however long an outage is. A new one is made only after pusher-js may have
 * given up a transport, since it never tries that transport again in the same Pusher.
 */

import { systemTiming, type Timing } from '../environment.ts';
import { ANY, type Transport, type Transports, transportsFor, WEB_SOCKET } from './attempts.ts';
import {
  type Connection,
  type ConnectionParts,
  createPlain,
  type StateChange,
  SUBSCRIBED,
  UNAVAILABLE,
} from './connection.ts';
import { createProbe } from './probe.ts';
import type { PusherClass, PusherLike } from './pusher-class.ts';

/** A connection that chooses its transport. */
export interface AdaptiveConnection extends Connection {
  /** How the connection is made, or the last one was; null before the first. */
  readonly transport: Transport | null;
  /** Begins as if nothing had been tried. @param likely the transport that works in another tab; null where nothing is known to work */
  restart(likely: Transport | null): void;
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

/** Makes a connection that chooses the transports of `parts.Pusher`, a class that does not do so itself. */
export function createAdaptive(parts: ConnectionParts, timing = systemTiming): AdaptiveConnection {
  const { handlers } = parts;
  /** The Pushers that were made, by what they may use. */
  const pushers = new Map<Transports, PusherLike>();
  /** The one whose reports count. */
  let real: PusherLike | undefined;
  let transport: Transport | null = null;
  /** Attempts since push was up. */
  let attempts = 0;
  /** Between `connect` and `disconnect`. */
  let isWanted = false;
  const probe = createProbe(() => pusherFor(WEB_SOCKET), timing);

  function pusherFor(allowed: Transports): PusherLike {
    const known = pushers.get(allowed);
    if (known) return known;
    const made: PusherLike = createPlain({
      ...parts,
      options: { ...parts.options, ...(allowed && { enabledTransports: allowed }) },
      handlers: {
        onState: (change) => onState(made, allowed, change),
        onEvent: (event, data) => onEvent(made, event, data),
      },
    });
    pushers.set(allowed, made);
    return made;
  }

  function onState(from: PusherLike, allowed: Transports, change: StateChange): void {
    const isGivenUp = allowed && change.current === 'failed';
    // pusher-js does not try a transport again that broke twice soon after it had connected. A new Pusher does.
    if (isGivenUp) pushers.delete(allowed);
    if (from !== real) return;
    if (change.current !== 'connected') probe.end();
    // This transport does not work in this browser or network. Another one may.
    handlers.onState(isGivenUp ? UNAVAILABLE : change);
  }

  function onEvent(from: PusherLike, event: string, data: unknown): void {
    const isSubscribed = event === SUBSCRIBED;
    if (isSubscribed && isWanted && probe.handOver(from)) takeOver(from);
    if (from !== real) return;
    if (isSubscribed) onSubscribed(from);
    handlers.onEvent(event, data);
  }

  /** Replaces the connection over HTTP by `next`, a probe that is subscribed. The feed then fetches what both missed. */
  function takeOver(next: PusherLike): void {
    const old = real;
    real = next;
    old?.disconnect();
    // The Pusher for all transports may have given up WebSockets, which work again.
    pushers.delete(ANY);
    // Push was not up before, so the feed must hear first that there is a connection.
    if (attempts > 0) handlers.onState({ previous: 'connecting', current: 'connected' });
  }

  function onSubscribed(from: PusherLike): void {
    attempts = 0;
    transport = from.connection.connection?.transport?.name?.startsWith('xhr') ? 'http' : 'ws';
    if (transport === 'http') probe.repeat();
    // `true`: the next time push is up over HTTP, the waits of the probe start with the shortest one again.
    else probe.end(true);
  }

  return {
    get transport() {
      return transport;
    },
    restart(likely) {
      attempts = 0;
      transport = likely;
    },
    connect() {
      isWanted = true;
      const allowed = transportsFor(transport, attempts++);
      const old = real;
      real = pusherFor(allowed);
      if (old !== real) old?.disconnect();
      real.connect();
      // During an attempt over HTTP, WebSockets may work again. So try both at once.
      if (allowed && transport === 'ws') probe.start();
    },
    disconnect() {
      isWanted = false;
      probe.end();
      real?.disconnect();
    },
  };
}
