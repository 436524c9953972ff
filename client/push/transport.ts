/**
 * Chooses the transport of a push connection, WebSocket or HTTP, for networks that change. It is a Pusher class that is
 * made from the real one.
 *
 * pusher-js alone waits 5 s for a WebSocket before it tries HTTP (2 s with TLS), which is longer than the short attempts
 * of `link.ts`. And it prefers a transport that worked for half an hour. Here the attempts after a loss alternate between
 * WebSocket and HTTP. While push is up over HTTP, a second connection tries a WebSocket from time to time. It replaces the
 * first one when it is subscribed, so that no event is missed in between.
 */

import { systemTiming, type Timing } from '../environment.ts';
import type { Options, PusherClass, PusherLike } from './pusher-class.ts';

/** The transports that an attempt may use. */
type Transports = Options['enabledTransports'];

/** With TLS, pusher-js takes this for `wss`. */
const WEB_SOCKET: Transports = ['ws'];
const HTTP: Transports = ['xhr_streaming', 'xhr_polling'];
/** For proxies that delay a stream: with streaming allowed, pusher-js would wait 4 s for it first. */
const HTTP_POLLING: Transports = ['xhr_polling'];
/** All that the options allow. A short attempt gets no further than a WebSocket. */
const ANY = undefined;

/** What each attempt after a loss may use, by the transport before the loss. From the eleventh attempt on: all. */
const ATTEMPTS: Readonly<Record<'ws' | 'http', readonly (Transports | undefined)[]>> = {
  ws: [ANY, HTTP, ANY, HTTP_POLLING, ANY, HTTP, ANY, HTTP_POLLING, ANY, HTTP],
  http: [HTTP, HTTP, ANY, HTTP_POLLING, HTTP, HTTP, ANY, HTTP_POLLING, HTTP, HTTP],
};

/** Push over HTTP tries a WebSocket after 5 s, then after 10, 20, 40, 40 … s. In milliseconds. */
const FIRST_PROBE = 5_000;
const SLOWEST_PROBE = 40_000;
/** How long such a try may take, in milliseconds. */
const PROBE_LIMIT = 8_000;

type Callback = (data: never) => void;
type EventCallback = (event: string, data: unknown) => void;

/** A Pusher that chooses its transport, for one channel. */
export interface SteeredPusher extends PusherLike {
  /** The transport of the connection, or of the last one; null before the first. */
  readonly carrier: 'ws' | 'http' | null;
}

export type SteeredClass = new (key: string, options: Options, carrier?: 'ws' | 'http' | null) => SteeredPusher;

/** Classes that choose their transports already, or share a connection that does. */
const steered = new WeakSet<object>();

/** Says that `Pusher` chooses its transports by itself. */
export function markSteered<T extends PusherClass>(Pusher: T): T {
  steered.add(Pusher);
  return Pusher;
}

/** `Pusher`, made to choose its transports; itself where it does already. */
export function steerTransports(Pusher: PusherClass, timing: Timing = systemTiming): PusherClass | SteeredClass {
  return steered.has(Pusher) ? Pusher : makeSteered(Pusher, timing);
}

function makeSteered(Real: PusherClass, timing: Timing): SteeredClass {
  return class implements SteeredPusher {
    readonly #key: string;
    readonly #options: Options;
    readonly #callbacks = new Map<string, Callback[]>();
    readonly #eventCallbacks: EventCallback[] = [];
    #channel = '';
    #real: PusherLike | undefined;
    /** The transports that `#real` may use. */
    #transports: Transports | undefined;
    /** Attempts since it was up. */
    #attempts = 0;
    #isWanted = false;
    #probe: PusherLike | undefined;
    #probes = 0;
    #timer: unknown;
    carrier: 'ws' | 'http' | null;

    readonly connection = {
      bind: (event: string, callback: Callback): void => {
        this.#callbacks.set(event, [...(this.#callbacks.get(event) ?? []), callback]);
      },
    };

    /** @param carrier the transport that works in another tab; null where none is known */
    constructor(key: string, options: Options, carrier: 'ws' | 'http' | null = null) {
      this.#key = key;
      this.#options = options;
      this.carrier = carrier;
    }

    subscribe(channel: string): { bind_global(callback: EventCallback): void } {
      this.#channel = channel;
      return { bind_global: (callback) => void this.#eventCallbacks.push(callback) };
    }

    connect(): void {
      this.#isWanted = true;
      const transports = this.carrier === null ? ANY : ATTEMPTS[this.carrier][this.#attempts];
      this.#attempts++;
      if (this.#real && transports !== this.#transports) {
        const old = this.#real;
        this.#real = undefined;
        old.disconnect();
      }
      this.#transports = transports;
      this.#real ??= this.#create(transports);
      this.#real.connect();
      // The attempt over HTTP may find nothing while WebSockets work again: so try both.
      if (transports && this.carrier === 'ws') this.#tryWebSocket();
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
        const isEntered = event === 'pusher:subscription_succeeded';
        if (isEntered && real === this.#probe && this.#isWanted) this.#takeOver(real);
        if (real !== this.#real) return;
        if (isEntered) this.#settle(real);
        for (const callback of this.#eventCallbacks) callback(event, data);
      });
      return real;
    }

    /** `real` is subscribed. */
    #settle(real: PusherLike): void {
      this.#attempts = 0;
      const name = real.connection.connection?.transport?.name;
      this.carrier = name?.startsWith('xhr') ? 'http' : 'ws';
      if (this.carrier === 'ws') {
        this.#endProbe();
        this.#probes = 0;
      } else if (!this.#timer) {
        this.#endProbe();
        this.#probeLater();
      }
    }

    #probeLater(): void {
      const wait = Math.min(FIRST_PROBE * 2 ** this.#probes++, SLOWEST_PROBE);
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

    /** `probe` is subscribed over a WebSocket and replaces the connection over HTTP. The feed then fetches what both missed. */
    #takeOver(probe: PusherLike): void {
      const old = this.#real;
      this.#real = probe;
      this.#transports = WEB_SOCKET;
      this.#probe = undefined;
      this.#endProbe();
      old?.disconnect();
      // Push was not up before. So tell that there is a connection, too.
      if (this.#attempts > 0) this.#tell('state_change', { previous: 'connecting', current: 'connected' });
    }

    #tell(event: string, data: unknown): void {
      for (const callback of this.#callbacks.get(event) ?? []) callback(data as never);
    }
  };
}
