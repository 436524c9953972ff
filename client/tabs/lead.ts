/** The lead among the tabs that share a push connection: while this tab has it, it holds the connection for all of them. */

import { debug } from '../debug.ts';
import type { Timing } from '../environment.ts';
import { type ConnectionHandlers, type ConnectionParts, SUBSCRIBED } from '../push/connection.ts';
import { type AdaptiveConnection, createAdaptive } from '../push/transport.ts';
import type { FeedSide } from './feed-side.ts';
import type { Message, TabGroup } from './tab-group.ts';

/** What the connection is made of, besides its channel and its handlers; and whom the lead tells. */
export interface LeadOptions extends Pick<ConnectionParts, 'Pusher' | 'key' | 'options'> {
  /** The feed of this tab. */
  readonly feed: FeedSide;
  /** Whether the feed of this tab wants to be connected. */
  readonly isWanted: () => boolean;
  /** Tells the other tabs. */
  readonly tell: TabGroup['tell'];
  readonly timing?: Timing;
}

export interface Lead {
  /** This tab has the lead from now on: it connects. */
  take(): void;
  /** Connects again. Returns false, and does nothing, where this tab does not have the lead. */
  connect(): boolean;
  /** Ends the connection, and keeps the lead. */
  disconnect(): void;
  /** Ends the connection and the lead. Tells the feed that its connection is away, also where another tab has the lead. */
  giveUp(): void;
  /** Reads a message of another tab. Returns whether this tab has the lead: then the message is not for its feed. */
  read(message: Message): boolean;
}

/** This tab does not have the lead until `take` is called. */
export function createLead(options: LeadOptions): Lead {
  const { feed, tell } = options;
  /** Made with the first lead, and used again by the later ones. */
  let real: AdaptiveConnection | undefined;
  let isHeld = false;
  /** Whether the connection of this tab is subscribed. */
  let isUp = false;
  /** Whether the last connection of any tab was over HTTP. */
  let isHttp = false;

  /** Whether the feed of this tab uses the connection of this tab now. */
  const isCurrent = () => isHeld && options.isWanted();

  const handlers: ConnectionHandlers = {
    onState({ current }) {
      if (!isCurrent()) return;
      if (current !== 'connected') goDown();
      feed.setState(current);
    },
    onEvent(name, data) {
      if (!isCurrent()) return;
      if (name === SUBSCRIBED) {
        isUp = true;
        isHttp = real?.transport === 'http';
        tell({ type: 'up', isHttp });
      } else if (name.startsWith('task.')) tell({ type: 'event', name, data });
      feed.emit(name, data);
    },
  };

  /** The shared connection is lost, or about to be closed. */
  function goDown(): void {
    if (isUp) tell({ type: 'down' });
    isUp = false;
  }

  function connect(): boolean {
    if (!isHeld) return false;
    try {
      real?.connect();
    } catch {
      // pusher-js cannot connect at all here. The feed takes this for a refusal.
      feed.setState('failed');
    }
    return true;
  }

  function disconnect(): void {
    goDown();
    real?.disconnect();
  }

  return {
    take() {
      debug('this tab is the leader: it holds the push connection');
      isHeld = true;
      real ??= createAdaptive({ ...options, channel: feed.channel(), handlers }, options.timing);
      real.restart(isHttp ? 'http' : null);
      connect();
    },
    connect,
    disconnect,
    giveUp() {
      if (isHeld) debug('this tab is no longer the leader');
      isHeld = false;
      disconnect();
      feed.setAway();
    },
    read(message) {
      if (message.type === 'up') isHttp = message.isHttp;
      else if (message.type === 'hello' && isUp) tell({ type: 'up', isHttp });
      return isHeld;
    },
  };
}
