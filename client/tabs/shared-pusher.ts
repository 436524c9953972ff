/**
 * One push connection for all tabs of a browser: a Pusher class for the feed, made from the real one.
 *
 * The tabs that follow one channel elect one of them. It alone makes a real connection, and hands what arrives to
 * the others over a BroadcastChannel; to its own feed every tab looks like a Pusher of its own. HTTP/1.1 allows six
 * connections to a host, so without this the seventh tab on an HTTP transport never connects. When the elected tab
 * goes, another connects, and every feed fetches what it may have missed, as after any reconnection.
 */

import { debug } from '../debug.ts';
import { systemTiming } from '../environment.ts';
import { findPusher, type PusherClass, type PusherLike, type PusherSource } from '../push/pusher-class.ts';
import { markSteered, type SteeredClass, type SteeredPusher, steerTransports } from '../push/transport.ts';
import { type ElectionOptions, standForElection } from './election.ts';

/** How long a tab that has disconnected keeps the role, in milliseconds. */
const RESIGN_AFTER = 1_500;

/** What tabs tell each other. */
type Message =
  /** A tab that has come, or woken, asks how it stands. */
  | { readonly type: 'hello' }
  /** The elected tab is in the channel, over HTTP or over a WebSocket; or, not any more. */
  | { readonly type: 'up'; readonly isHttp: boolean }
  | { readonly type: 'down' }
  | { readonly type: 'event'; readonly name: string; readonly data: unknown };

/** What the tabs share; for tests and unusual surroundings. */
export type SharedPusherOptions = Pick<ElectionOptions, 'locks' | 'storage' | 'timing'>;

type Options = ConstructorParameters<PusherClass>[1];
type StateChange = { readonly previous: string; readonly current: string };
type Callback = (data: never) => void;
type EventCallback = (event: string, data: unknown) => void;

/**
 * A Pusher class whose connection is shared with the other tabs of this browser. It carries one channel, which is
 * what a feed needs; where there is no BroadcastChannel it is `Pusher` itself.
 *
 * @example
 * const tasks = await connectTasks({ url: '/tasks', Pusher: shareConnection(Pusher) });
 */
export function shareConnection(Pusher: PusherSource, options: SharedPusherOptions = {}): PusherSource {
  const Real = findPusher(Pusher);
  const { timing = systemTiming } = options;
  if (!Real || !globalThis.BroadcastChannel) return Pusher;
  const Steered = steerTransports(Real, timing) as SteeredClass;
  return markSteered(
    class implements PusherLike {
      readonly #key: string;
      readonly #options: Options;
      readonly #callbacks = new Map<string, Callback[]>();
      readonly #eventCallbacks: EventCallback[] = [];
      #channel = '';
      #state = 'initialized';
      #tabs: BroadcastChannel | undefined;
      #resign: (() => void) | undefined;
      /** The real one: in the elected tab only. */
      #real: SteeredPusher | undefined;
      #isUp = false;
      #isWanted = false;
      /** Whether what was last up here, in whichever tab, was over HTTP: a newly elected tab begins with that. */
      #isHttp = false;
      #resigning: unknown;

      readonly connection = {
        bind: (event: string, callback: Callback): void => {
          this.#callbacks.set(event, [...(this.#callbacks.get(event) ?? []), callback]);
        },
      };

      constructor(key: string, pusherOptions: Options) {
        this.#key = key;
        this.#options = pusherOptions;
      }

      subscribe(channel: string): { bind_global(callback: EventCallback): void } {
        this.#channel = channel;
        return { bind_global: (callback) => void this.#eventCallbacks.push(callback) };
      }

      connect(): void {
        this.#isWanted = true;
        timing.clearTimeout(this.#resigning);
        this.#join();
        this.#become('connecting');
        if (this.#real) this.#connectReal();
        else this.#say({ type: 'hello' });
      }

      disconnect(): void {
        this.#isWanted = false;
        this.#state = 'disconnected';
        this.#goDown();
        this.#real?.disconnect();
        // A feed that has lost its connection comes back in a moment; the role should not go round the tabs meanwhile.
        timing.clearTimeout(this.#resigning);
        this.#resigning = timing.setTimeout(this.#leave, RESIGN_AFTER);
      }

      /** Stands for election and listens to the other tabs, where it does not. */
      #join(): void {
        if (this.#tabs) return;
        const name = `inloop:push:${this.#key}:${this.#channel}`;
        this.#tabs = new BroadcastChannel(name);
        this.#tabs.onmessage = ({ data }: MessageEvent<Message>) => this.#hear(data);
        this.#resign = standForElection({
          ...options,
          name,
          onElected: () => this.#connectForAll(),
          onDeposed: () => this.#depose(),
        });
        globalThis.addEventListener?.('pagehide', this.#leave);
      }

      readonly #leave = (): void => {
        timing.clearTimeout(this.#resigning);
        globalThis.removeEventListener?.('pagehide', this.#leave);
        this.#depose();
        this.#resign?.();
        this.#resign = undefined;
        this.#tabs?.close();
        this.#tabs = undefined;
      };

      #hear(message: Message): void {
        // With a lease two tabs may believe for a moment that they were elected; each then serves itself.
        if (message.type === 'up') this.#isHttp = message.isHttp;
        if (this.#real) {
          if (message.type === 'hello' && this.#isUp) this.#say({ type: 'up', isHttp: this.#isHttp });
        } else if (!this.#isWanted) {
          // The feed asks when it connects.
        } else if (message.type === 'up') this.#enter();
        else if (message.type === 'down') this.#lose();
        else if (message.type === 'event') this.#emit(message.name, message.data);
      }

      /** This tab was elected: it makes the connection that all share. */
      #connectForAll(): void {
        debug('this tab is the leader: it holds the push connection of all tabs');
        // It is closed, or between two attempts: then it takes part again with the next one.
        if (!this.#isWanted) {
          this.#leave();
          return;
        }
        this.#connectReal();
      }

      /** Makes the real connection, or makes it anew. */
      #connectReal(): void {
        try {
          this.#real ??= this.#create();
          this.#real.connect();
        } catch {
          // pusher-js can not do it at all here; the feed takes this for a refusal.
          this.#become('failed');
        }
      }

      #create(): SteeredPusher {
        const real = new Steered(this.#key, this.#options, this.#isHttp ? 'http' : null);
        const ifCurrent =
          <T extends unknown[]>(act: (...args: T) => void) =>
          (...args: T) => {
            if (real === this.#real && this.#isWanted) act(...args);
          };
        real.connection.bind(
          'connecting_in',
          ifCurrent((seconds: number) => {
            this.#goDown();
            this.#tell('connecting_in', seconds);
          }),
        );
        real.connection.bind(
          'state_change',
          ifCurrent(({ current }: StateChange) => {
            if (current !== 'connected') this.#goDown();
            this.#become(current);
          }),
        );
        real.subscribe(this.#channel).bind_global(
          ifCurrent((event: string, data: unknown) => {
            if (event === 'pusher:subscription_succeeded') this.#goUp(real);
            else if (event.startsWith('task.')) this.#say({ type: 'event', name: event, data });
            this.#emit(event, data);
          }),
        );
        return real;
      }

      /** The connection of all is in the channel. */
      #goUp(real: SteeredPusher): void {
        this.#isUp = true;
        this.#isHttp = real.carrier === 'http';
        this.#say({ type: 'up', isHttp: this.#isHttp });
      }

      /** The connection of all is lost, or about to be. */
      #goDown(): void {
        if (this.#isUp) this.#say({ type: 'down' });
        this.#isUp = false;
      }

      /** This tab's connection is no longer that of all. */
      #depose(): void {
        const real = this.#real;
        if (real) debug('this tab is no longer the leader');
        this.#goDown();
        this.#real = undefined;
        real?.disconnect();
        this.#lose();
      }

      /** The elected tab is in the channel. That it says so anew means that something may have been missed. */
      #enter(): void {
        if (this.#state === 'connected') this.#emit('pusher:subscription_succeeded', {});
        this.#become('connected');
        this.#emit('pusher:subscription_succeeded', {});
      }

      #lose(): void {
        if (this.#state === 'connected') this.#become('connecting');
      }

      #say(message: Message): void {
        this.#tabs?.postMessage(message);
      }

      #become(current: string): void {
        const previous = this.#state;
        if (previous === current) return;
        this.#state = current;
        this.#tell('state_change', { previous, current } satisfies StateChange);
      }

      #tell(event: string, data: unknown): void {
        for (const callback of this.#callbacks.get(event) ?? []) callback(data as never);
      }

      #emit(event: string, data: unknown): void {
        for (const callback of this.#eventCallbacks) callback(event, data);
      }
    },
  );
}
