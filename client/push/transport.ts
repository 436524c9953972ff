/**
 * Chooses what carries a push connection: a Pusher class, made from the real one, for networks that change.
 *
 * pusher-js by itself gives WebSockets 5 s before it tries HTTP (2 s with TLS), longer than the short attempts of
 * `link.ts`; and what has worked once it prefers for half an hour. Here a lost connection is tried over WebSockets and
 * over HTTP in turn, one attempt each. While it is up over HTTP a second connection tries WebSockets now and then, and
 * takes its place once it is in the channel, so that nothing is missed in between.
 */

import { systemTiming, type Timing } from '../environment.ts';
import type { Options, PusherClass, PusherLike } from './pusher-class.ts';

/** What an attempt may use. */
type Transports = Options['enabledTransports'];

/** Under TLS this is `wss` as well. */
const WEB_SOCKET: Transports = ['ws'];
const HTTP: Transports = ['xhr_streaming', 'xhr_polling'];
/** For proxies that hold a stream back: pusher-js would give the stream 4 s first. */
const HTTP_POLLING: Transports = ['xhr_polling'];
/** Whatever the options allow. In a short attempt that is a WebSocket. */
const ANY = undefined;

/** The attempts after a loss, by what carried the connection before. From the eleventh on: any. */
const ATTEMPTS: Readonly<Record<'ws' | 'http', readonly (Transports | undefined)[]>> = {
  ws: [ANY, HTTP, ANY, HTTP_POLLING, ANY, HTTP, ANY, HTTP_POLLING, ANY, HTTP],
  http: [HTTP, HTTP, ANY, HTTP_POLLING, HTTP, HTTP, ANY, HTTP_POLLING, HTTP, HTTP],
};

/** While it is up over HTTP, WebSockets are tried after this, then ever more rarely; in milliseconds. */
const FIRST_PROBE = 5_000;
const SLOWEST_PROBE = 40_000;
/** How long such a try may take. */
const PROBE_LIMIT = 8_000;

type Callback = (data: never) => void;
type EventCallback = (event: string, data: unknown) => void;

/** Carries one channel. */
export interface SteeredPusher extends PusherLike {
  /** What carries the connection, or carried it last. */
  readonly carrier: 'ws' | 'http' | null;
}

export type SteeredClass = new (key: string, options: Options, carrier?: 'ws' | 'http' | null) => SteeredPusher;

/** Classes that need no steering: they are steered, or share a connection that is. */
const steered = new WeakSet<object>();

/** Says that `Pusher` chooses its transports by itself. */
export function markSteered<T extends PusherClass>(Pusher: T): T {
  steered.add(Pusher);
  return Pusher;
}

/** `Pusher`, steered; itself where it is. */
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
    /** What `#real` may use. */
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

    /** @param carrier what is known to work, from another tab; null: nothing is */
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
      // Where there is nothing to be had over HTTP, a bus that is back is not found one attempt later.
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
        // This browser, or this network, cannot do it over this transport; over another one it may.
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

    /** It is in the channel. */
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
        // This browser has none.
      }
    }

    #endProbe(): void {
      timing.clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#probe?.disconnect();
      this.#probe = undefined;
    }

    /** `probe` is in the channel, over a WebSocket. Whoever hears of it fetches what went to neither. */
    #takeOver(probe: PusherLike): void {
      const old = this.#real;
      this.#real = probe;
      this.#transports = WEB_SOCKET;
      this.#probe = undefined;
      this.#endProbe();
      old?.disconnect();
      // Nothing was up yet: then its connection is news as well.
      if (this.#attempts > 0) this.#tell('state_change', { previous: 'connecting', current: 'connected' });
    }

    #tell(event: string, data: unknown): void {
      for (const callback of this.#callbacks.get(event) ?? []) callback(data as never);
    }
  };
}
