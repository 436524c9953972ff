/**
 * Chooses the transport of a push connection, WebSocket or HTTP, for networks that change. `makeAdaptive` makes a Pusher
 * class that does so from the real one.
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

type Callback = (data: never) => void;
type EventCallback = (event: string, data: unknown) => void;

/** A Pusher that chooses its transport, for one channel. */
export interface AdaptivePusher extends PusherLike {
  /** How the connection is made, or the last one was; null before the first. */
  readonly transport: Transport | null;
}

export type AdaptivePusherClass = new (key: string, options: Options, transport?: Transport | null) => AdaptivePusher;

/** Classes that choose their transports already, or share a connection of such a class. */
const adaptive = new WeakSet<object>();

/** Says that `Pusher` chooses its transports by itself. */
export function markAdaptive<T extends PusherClass>(Pusher: T): T {
  adaptive.add(Pusher);
  return Pusher;
}

/** A class like `Real` that chooses its transports; `Real` itself if it does already. */
export function makeAdaptive(Real: PusherClass, timing: Timing = systemTiming): PusherClass | AdaptivePusherClass {
  if (adaptive.has(Real)) return Real;
  return class implements AdaptivePusher {
    readonly #key: string;
    readonly #options: Options;
    readonly #callbacks = new Map<string, Callback[]>();
    readonly #eventCallbacks: EventCallback[] = [];
    #channel = '';
    #real: PusherLike | undefined;
    /** The transports that `#real` may use. */
    #transports: Transports | undefined;
    /** Attempts since push was up. */
    #attempts = 0;
    #isWanted = false;
    #probe: PusherLike | undefined;
    /** Probes since push was up over a WebSocket. */
    #probes = 0;
    /** Starts the next probe, or ends the one that is running. */
    #timer: unknown;
    transport: Transport | null;

    readonly connection = {
      bind: (event: string, callback: Callback): void => {
        this.#callbacks.set(event, [...(this.#callbacks.get(event) ?? []), callback]);
      },
    };

    /** @param transport what works in another tab; null where nothing is known to work */
    constructor(key: string, options: Options, transport: Transport | null = null) {
      this.#key = key;
      this.#options = options;
      this.transport = transport;
    }

    subscribe(channel: string): { bind_global(callback: EventCallback): void } {
      this.#channel = channel;
      return { bind_global: (callback) => void this.#eventCallbacks.push(callback) };
    }

    connect(): void {
      this.#isWanted = true;
      const transports = this.transport === null ? ANY : ATTEMPTS[this.transport][this.#attempts];
      this.#attempts++;
      if (this.#real && transports !== this.#transports) {
        const old = this.#real;
        this.#real = undefined;
        old.disconnect();
      }
      this.#transports = transports;
      this.#real ??= this.#create(transports);
      this.#real.connect();
      // During an attempt over HTTP, WebSockets may work again. So try both at once.
      if (transports && this.transport === 'ws') this.#tryWebSocket();
    }

    disconnect(): void {
      this.#isWanted = false;
      this.#endProbe();
      this.#real?.disconnect();
    }

    #create(enabledTransports: Transports | undefined): PusherLike {
      const real: PusherLike = new Real(this.#key, {
        ...this.#options,
        ...(enabledTransports && { enabledTransports }),
      });
      real.connection.bind('connecting_in', (seconds) => real === this.#real && this.#tell('connecting_in', seconds));
      real.connection.bind('state_change', (change: { readonly previous: string; readonly current: string }) => {
        if (real !== this.#real) return;
        if (change.current !== 'connected') this.#endProbe();
        // This transport does not work in this browser or network. Another one may.
        if (change.current === 'failed' && enabledTransports) this.#tell('connecting_in', 1);
        else this.#tell('state_change', change);
      });
      real.subscribe(this.#channel).bind_global((event, data) => {
        const isSubscribed = event === 'pusher:subscription_succeeded';
        if (isSubscribed && real === this.#probe && this.#isWanted) this.#takeOver(real);
        if (real !== this.#real) return;
        if (isSubscribed) this.#onSubscribed(real);
        for (const callback of this.#eventCallbacks) callback(event, data);
      });
      return real;
    }

    #onSubscribed(real: PusherLike): void {
      this.#attempts = 0;
      const name = real.connection.connection?.transport?.name;
      this.transport = name?.startsWith('xhr') ? 'http' : 'ws';
      if (this.transport === 'ws') {
        this.#endProbe();
        this.#probes = 0;
      } else if (!this.#timer) {
        this.#endProbe();
        this.#probeLater();
      }
    }

    #probeLater(): void {
      const wait = growingWait(this.#probes++, FIRST_PROBE, SLOWEST_PROBE);
      this.#timer = timing.setTimeout(
        () => {
          this.#tryWebSocket();
          this.#timer = timing.setTimeout(() => {
            this.#endProbe();
            this.#probeLater();
          }, PROBE_LIMIT);
        },
        wait * (0.8 + 0.2 * timing.random()),
      );
    }

    #tryWebSocket(): void {
      try {
        this.#probe = this.#create(WEB_SOCKET);
        this.#probe.connect();
      } catch {
        // This browser has no WebSocket.
      }
    }

    #endProbe(): void {
      timing.clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#probe?.disconnect();
      this.#probe = undefined;
    }

    /** Replaces the connection over HTTP by `probe`, which is subscribed. The feed then fetches what both missed. */
    #takeOver(probe: PusherLike): void {
      const old = this.#real;
      this.#real = probe;
      this.#transports = WEB_SOCKET;
      this.#probe = undefined;
      this.#endProbe();
      old?.disconnect();
      // Push was not up before, so the feed must hear first that there is a connection.
      if (this.#attempts > 0) this.#tell('state_change', { previous: 'connecting', current: 'connected' });
    }

    #tell(event: string, data: unknown): void {
      for (const callback of this.#callbacks.get(event) ?? []) callback(data as never);
    }
  };
}
