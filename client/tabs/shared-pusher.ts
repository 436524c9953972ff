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
import {
  findPusher,
  type Options,
  type PusherClass,
  type PusherLike,
  type PusherSource,
} from '../push/pusher-class.ts';
import {
  type AdaptiveConnection,
  type ConnectionHandlers,
  createAdaptive,
  markAdaptive,
  type StateChange,
  SUBSCRIBED,
} from '../push/transport.ts';
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
  if (!Real || !globalThis.BroadcastChannel) return Pusher;
  // With `new`, a function that returns an object makes that object.
  function SharedPusher(key: string, pusherOptions: Options): PusherLike {
    return createShared(Real as PusherClass, key, pusherOptions, options);
  }
  return markAdaptive(SharedPusher as unknown as PusherClass);
}

/** One tab's share of the connection. Its feed subscribes to one channel, and binds each event once. */
function createShared(Pusher: PusherClass, key: string, options: Options, shared: SharedPusherOptions): PusherLike {
  const { timing = systemTiming } = shared;
  /** The feed's, by name of the state event. */
  const callbacks: Record<string, Callback> = {};
  let emit: EventCallback;
  let channel: string;
  let state = 'initialized';
  let tabs: BroadcastChannel | undefined;
  let stopElection: (() => void) | undefined;
  /** The real connection: in the leader only. */
  let real: AdaptiveConnection | undefined;
  let isUp = false;
  let isWanted = false;
  /** Whether the last connection of any tab was over HTTP: a new leader starts with that. */
  let isHttp = false;
  /** The timer that makes this tab leave the election after `disconnect`. */
  let leaveTimer: unknown;

  /** Takes part in the election and listens to the other tabs, unless it does already. */
  function join(): void {
    if (tabs) return;
    const name = `inloop:push:${key}:${channel}`;
    tabs = new BroadcastChannel(name);
    tabs.onmessage = ({ data }: MessageEvent<Message>) => onMessage(data);
    stopElection = electLeader({ ...shared, name, onElected: connectForAll, onReplaced: giveUpLead });
    globalThis.addEventListener?.('pagehide', leave);
  }

  function leave(): void {
    timing.clearTimeout(leaveTimer);
    globalThis.removeEventListener?.('pagehide', leave);
    giveUpLead();
    stopElection?.();
    stopElection = undefined;
    tabs?.close();
    tabs = undefined;
  }

  function onMessage(message: Message): void {
    const { type } = message;
    if (type === 'up') isHttp = message.isHttp;
    // With a lease, two tabs may both be leaders for a moment. Each of them then uses its own connection only.
    if (real) {
      if (type === 'hello' && isUp) tellTabs({ type: 'up', isHttp });
      return;
    }
    // A disconnected tab ignores the rest. When its feed connects, it says hello and learns where push stands.
    if (!isWanted) return;
    if (type === 'up') {
      setState('connected');
      // Also if this tab was subscribed already: events may have been missed.
      emit(SUBSCRIBED, {});
    } else if (type === 'down') onLeaderDown();
    else if (type === 'event') emit(message.name, message.data);
  }

  /** This tab is the leader: it makes the connection that all share. */
  function connectForAll(): void {
    debug('this tab is the leader: it holds the push connection');
    // The feed of this tab is closed or between two attempts. Its next attempt joins the election again.
    if (isWanted) connectReal();
    else leave();
  }

  /** Makes the real connection, or connects it again. */
  function connectReal(): void {
    try {
      real ??= create();
      real.connect();
    } catch {
      // pusher-js cannot connect at all here. The feed takes this for a refusal.
      setState('failed');
    }
  }

  function create(): AdaptiveConnection {
    const ifCurrent =
      <T extends unknown[]>(act: (...args: T) => void) =>
      (...args: T) => {
        if (made === real && isWanted) act(...args);
      };
    const handlers: ConnectionHandlers = {
      onRetry: ifCurrent(() => {
        goDown();
        callbacks.connecting_in?.(undefined as never);
      }),
      onState: ifCurrent(({ current }) => {
        if (current !== 'connected') goDown();
        setState(current);
      }),
      onEvent: ifCurrent((event, data) => {
        if (event === SUBSCRIBED) {
          isUp = true;
          isHttp = made.transport === 'http';
          tellTabs({ type: 'up', isHttp });
        } else if (event.startsWith('task.')) tellTabs({ type: 'event', name: event, data });
        emit(event, data);
      }),
    };
    const made = createAdaptive({ Pusher, key, options, channel, handlers }, timing, isHttp ? 'http' : null);
    return made;
  }

  /** The shared connection is lost, or about to be closed. */
  function goDown(): void {
    if (isUp) tellTabs({ type: 'down' });
    isUp = false;
  }

  /** Closes the connection of this tab: it is not the shared one any more. */
  function giveUpLead(): void {
    const old = real;
    if (old) debug('this tab is no longer the leader');
    goDown();
    real = undefined;
    old?.disconnect();
    onLeaderDown();
  }

  function onLeaderDown(): void {
    if (state === 'connected') setState('connecting');
  }

  function tellTabs(message: Message): void {
    tabs?.postMessage(message);
  }

  function setState(current: string): void {
    const previous = state;
    state = current;
    if (previous !== current) callbacks.state_change?.({ previous, current } satisfies StateChange as never);
  }

  return {
    connection: {
      bind(event: string, callback: Callback) {
        callbacks[event] = callback;
      },
    },
    subscribe(name) {
      channel = name;
      return {
        bind_global(callback: EventCallback) {
          emit = callback;
        },
      };
    },
    connect() {
      isWanted = true;
      timing.clearTimeout(leaveTimer);
      join();
      setState('connecting');
      if (real) connectReal();
      else tellTabs({ type: 'hello' });
    },
    disconnect() {
      isWanted = false;
      state = 'disconnected';
      goDown();
      real?.disconnect();
      // A feed that lost its connection connects again in a moment. Until then the leader should not change.
      timing.clearTimeout(leaveTimer);
      leaveTimer = timing.setTimeout(leave, KEEP_LEAD);
    },
  };
}
