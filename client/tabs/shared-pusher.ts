/**
 * One push connection for all tabs of a browser: a Pusher class for the feed, made from the real one.
 *
 * The tabs that follow one channel elect a leader. The leader alone makes a real connection, and hands what arrives to the
 * other tabs over a BroadcastChannel. The feed of each tab sees a Pusher of its own. Browsers open at most six HTTP/1.1
 * connections to a host, so without this the seventh tab on an HTTP transport never connects. When the leader goes, another
 * tab becomes the leader and connects, and every feed fetches what it may have missed, as after any reconnection.
 */

import { debug } from '../debug.ts';
import { systemTiming } from '../environment.ts';
import { findPusher, type PusherClass, type PusherLike, type PusherSource } from '../push/pusher-class.ts';
import { type AdaptivePusher, type AdaptivePusherClass, makeAdaptive, markAdaptive } from '../push/transport.ts';
import { type ElectionOptions, electLeader } from './election.ts';

/** How long a leader stays the leader after it has disconnected, in milliseconds: it may connect again at once. */
const KEEP_LEAD = 1_500;

/** What tabs tell each other. */
type Message =
  /** A tab that was opened or woke asks whether push is up. */
  | { readonly type: 'hello' }
  /** The leader is subscribed, over HTTP or over a WebSocket. */
  | { readonly type: 'up'; readonly isHttp: boolean }
  /** The leader's connection is lost. */
  | { readonly type: 'down' }
  /** The leader has received an event. */
  | { readonly type: 'event'; readonly name: string; readonly data: unknown };

/** What the tabs share. For tests. */
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
  const Adaptive = makeAdaptive(Real, timing) as AdaptivePusherClass;
  return markAdaptive(
    class implements PusherLike {
      readonly #key: string;
      readonly #options: Options;
      readonly #callbacks = new Map<string, Callback[]>();
      readonly #eventCallbacks: EventCallback[] = [];
      #channel = '';
      #state = 'initialized';
      #tabs: BroadcastChannel | undefined;
      #stopElection: (() => void) | undefined;
      /** The real connection: in the leader only. */
      #real: AdaptivePusher | undefined;
      #isUp = false;
      #isWanted = false;
      /** Whether the last connection of any tab was over HTTP: a new leader starts with that. */
      #isHttp = false;
      /** The timer that makes this tab leave the election after `disconnect`. */
      #leaveTimer: unknown;

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
        timing.clearTimeout(this.#leaveTimer);
        this.#join();
        this.#setState('connecting');
        if (this.#real) this.#connectReal();
        else this.#tellTabs({ type: 'hello' });
      }

      disconnect(): void {
        this.#isWanted = false;
        this.#state = 'disconnected';
        this.#goDown();
        this.#real?.disconnect();
        // A feed that lost its connection connects again in a moment. Until then the leader should not change.
        timing.clearTimeout(this.#leaveTimer);
        this.#leaveTimer = timing.setTimeout(this.#leave, KEEP_LEAD);
      }

      /** Takes part in the election and listens to the other tabs, unless it does already. */
      #join(): void {
        if (this.#tabs) return;
        const name = `inloop:push:${this.#key}:${this.#channel}`;
        this.#tabs = new BroadcastChannel(name);
        this.#tabs.onmessage = ({ data }: MessageEvent<Message>) => this.#onMessage(data);
        this.#stopElection = electLeader({
          ...options,
          name,
          onElected: () => this.#connectForAll(),
          onReplaced: () => this.#giveUpLead(),
        });
        globalThis.addEventListener?.('pagehide', this.#leave);
      }

      readonly #leave = (): void => {
        timing.clearTimeout(this.#leaveTimer);
        globalThis.removeEventListener?.('pagehide', this.#leave);
        this.#giveUpLead();
        this.#stopElection?.();
        this.#stopElection = undefined;
        this.#tabs?.close();
        this.#tabs = undefined;
      };

      #onMessage(message: Message): void {
        if (message.type === 'up') this.#isHttp = message.isHttp;
        // With a lease, two tabs may both be leaders for a moment. Each of them then uses its own connection only.
        if (this.#real) {
          if (message.type === 'hello' && this.#isUp) this.#tellTabs({ type: 'up', isHttp: this.#isHttp });
          return;
        }
        // A disconnected tab ignores the rest. When its feed connects, it says hello and learns where push stands.
        if (!this.#isWanted) return;
        if (message.type === 'up') this.#onLeaderUp();
        else if (message.type === 'down') this.#onLeaderDown();
        else if (message.type === 'event') this.#emitEvent(message.name, message.data);
      }

      /** This tab is the leader: it makes the connection that all share. */
      #connectForAll(): void {
        debug('this tab is the leader: it holds the push connection');
        // The feed of this tab is closed or between two attempts. Its next attempt joins the election again.
        if (this.#isWanted) this.#connectReal();
        else this.#leave();
      }

      /** Makes the real connection, or connects it again. */
      #connectReal(): void {
        try {
          this.#real ??= this.#create();
          this.#real.connect();
        } catch {
          // pusher-js cannot connect at all here. The feed takes this for a refusal.
          this.#setState('failed');
        }
      }

      #create(): AdaptivePusher {
        const real = new Adaptive(this.#key, this.#options, this.#isHttp ? 'http' : null);
        const ifCurrent =
          <T extends unknown[]>(act: (...args: T) => void) =>
          (...args: T) => {
            if (real === this.#real && this.#isWanted) act(...args);
          };
        real.connection.bind(
          'connecting_in',
          ifCurrent((seconds: number) => {
            this.#goDown();
            this.#emitState('connecting_in', seconds);
          }),
        );
        real.connection.bind(
          'state_change',
          ifCurrent(({ current }: StateChange) => {
            if (current !== 'connected') this.#goDown();
            this.#setState(current);
          }),
        );
        real.subscribe(this.#channel).bind_global(
          ifCurrent((event: string, data: unknown) => {
            if (event === 'pusher:subscription_succeeded') this.#goUp(real);
            else if (event.startsWith('task.')) this.#tellTabs({ type: 'event', name: event, data });
            this.#emitEvent(event, data);
          }),
        );
        return real;
      }

      /** The shared connection is subscribed. */
      #goUp(real: AdaptivePusher): void {
        this.#isUp = true;
        this.#isHttp = real.transport === 'http';
        this.#tellTabs({ type: 'up', isHttp: this.#isHttp });
      }

      /** The shared connection is lost, or about to be closed. */
      #goDown(): void {
        if (this.#isUp) this.#tellTabs({ type: 'down' });
        this.#isUp = false;
      }

      /** Closes the connection of this tab: it is not the shared one any more. */
      #giveUpLead(): void {
        const real = this.#real;
        if (real) debug('this tab is no longer the leader');
        this.#goDown();
        this.#real = undefined;
        real?.disconnect();
        this.#onLeaderDown();
      }

      /** The leader is subscribed. If it was subscribed already, events may have been missed. */
      #onLeaderUp(): void {
        if (this.#state === 'connected') this.#emitEvent('pusher:subscription_succeeded', {});
        this.#setState('connected');
        this.#emitEvent('pusher:subscription_succeeded', {});
      }

      #onLeaderDown(): void {
        if (this.#state === 'connected') this.#setState('connecting');
      }

      #tellTabs(message: Message): void {
        this.#tabs?.postMessage(message);
      }

      #setState(current: string): void {
        const previous = this.#state;
        this.#state = current;
        if (previous !== current) this.#emitState('state_change', { previous, current } satisfies StateChange);
      }

      #emitState(event: string, data: unknown): void {
        for (const callback of this.#callbacks.get(event) ?? []) callback(data as never);
      }

      #emitEvent(event: string, data: unknown): void {
        for (const callback of this.#eventCallbacks) callback(event, data);
      }
    },
  );
}
