/**
 * One push connection for all tabs of a browser: a Pusher class for the feed, made from the real one.
 *
 * The tabs that follow one channel elect a leader. The leader alone makes a real connection, and hands what arrives to the
 * other tabs over a BroadcastChannel. The feed of each tab sees a Pusher of its own. Browsers open at most six HTTP/1.1
 * connections to a host, so without this the seventh tab on an HTTP transport never connects. When the leader goes, another
 * tab becomes the leader and connects, and every feed fetches what it may have missed, as after any reconnection.
 */

import { SUBSCRIBED } from '../push/connection.ts';
import {
  findPusher,
  type Options,
  type PusherClass,
  type PusherLike,
  type PusherSource,
} from '../push/pusher-class.ts';
import { markAdaptive } from '../push/transport.ts';
import { createFeedSide } from './feed-side.ts';
import { createLead } from './lead.ts';
import { createTabGroup, type Message, type SharedPusherOptions } from './tab-group.ts';

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
  let isWanted = false;
  const feed = createFeedSide();
  const group = createTabGroup({
    ...shared,
    onMessage,
    onElected() {
      if (isWanted) lead.take();
      // The feed of this tab is closed or between two attempts. Its next attempt joins the group again.
      else group.leave();
    },
    onReplaced: () => lead.giveUp(),
  });
  const lead = createLead({
    Pusher,
    key,
    options,
    feed,
    isWanted: () => isWanted,
    ...shared,
    tell: group.tell,
  });

  function onMessage(message: Message): void {
    // With a lease, two tabs may both be leaders for a moment. Each of them then uses its own connection only.
    if (lead.read(message)) return;
    // A disconnected tab ignores the rest. When its feed connects, it says hello and learns where push stands.
    if (!isWanted) return;
    if (message.type === 'up') {
      feed.setState('connected');
      // Also if this tab was subscribed already: events may have been missed.
      feed.emit(SUBSCRIBED, {});
    } else if (message.type === 'down') feed.setAway();
    else if (message.type === 'event') feed.emit(message.name, message.data);
  }

  return {
    ...feed.pusher,
    connect() {
      isWanted = true;
      group.join(`inloop:push:${key}:${feed.channel()}`);
      feed.setState('connecting');
      if (!lead.connect()) group.tell({ type: 'hello' });
    },
    disconnect() {
      isWanted = false;
      feed.setState('disconnected');
      lead.disconnect();
      group.leaveLater();
    },
  };
}
