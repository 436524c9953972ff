/**
 * The tabs that share a push connection (`shared-pusher.ts`): they elect a leader, and talk over a BroadcastChannel. A tab
 * joins when its feed connects, and leaves some time after its feed has disconnected.
 */

import { systemTiming } from '../environment.ts';
import { type ElectionOptions, electLeader } from './election.ts';
import { STAY_AFTER_DISCONNECT } from './limits.ts';

/** What the tabs of a group tell each other. */
export type Message =
  /** A tab whose feed begins to connect asks whether push is up. */
  | { readonly type: 'hello' }
  /** The leader is subscribed, over HTTP or over a WebSocket. */
  | { readonly type: 'up'; readonly isHttp: boolean }
  /** The leader's connection is lost. */
  | { readonly type: 'down' }
  /** The leader has received an event. */
  | { readonly type: 'event'; readonly name: string; readonly data: unknown };

/** How the tabs of a browser reach each other: locks and storage; and a clock. Default: the browser's. Tests hand in their own. */
export type SharedPusherOptions = Pick<ElectionOptions, 'locks' | 'storage' | 'timing'>;

export interface TabGroupOptions extends SharedPusherOptions {
  readonly onMessage: (message: Message) => void;
  /** This tab is the leader from now on. */
  readonly onElected: () => void;
  /** This tab is not the leader, or not any more: it leaves the group, or another tab has taken the lease. */
  readonly onReplaced: () => void;
}

export interface TabGroup {
  /** Joins the group of this name, unless this tab is in it already. */
  join(name: string): void;
  /** Leaves the group now. */
  leave(): void;
  /** Leaves after {@link STAY_AFTER_DISCONNECT}, unless `join` is called before. Until then the leader does not change. */
  leaveLater(): void;
  /** Tells the other tabs; does nothing outside of the group. */
  tell(message: Message): void;
}

/** This tab is in no group until `join` is called. */
export function createTabGroup(options: TabGroupOptions): TabGroup {
  const { timing = systemTiming } = options;
  let channel: BroadcastChannel | undefined;
  let stopElection: (() => void) | undefined;
  let timer: unknown;

  function leave(): void {
    timing.clearTimeout(timer);
    globalThis.removeEventListener?.('pagehide', leave);
    options.onReplaced();
    stopElection?.();
    channel?.close();
    stopElection = channel = undefined;
  }

  return {
    join(name) {
      timing.clearTimeout(timer);
      if (channel) return;
      channel = new BroadcastChannel(name);
      channel.onmessage = ({ data }: MessageEvent<Message>) => options.onMessage(data);
      stopElection = electLeader({ ...options, name });
      globalThis.addEventListener?.('pagehide', leave);
    },
    leave,
    leaveLater() {
      timing.clearTimeout(timer);
      timer = timing.setTimeout(leave, STAY_AFTER_DISCONNECT);
    },
    tell: (message) => channel?.postMessage(message),
  };
}
