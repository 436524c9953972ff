/** Loads pusher-js for a tray that makes its own feed. Not used where the page hands in a feed. */

import { loadPusher } from '../push/pusher.ts';
import type { PusherSource } from '../push/pusher-class.ts';

/**
 * Loads pusher-js. Never rejects: without pusher-js the feed polls.
 * @param isShared whether the tabs of a browser share one connection. If the code for that cannot be loaded, they do not
 */
export async function loadPusherOrNone(isShared: boolean): Promise<PusherSource> {
  const sharing = isShared ? import('../tabs/shared-pusher.ts').catch(() => undefined) : undefined;
  try {
    const [Pusher, shared] = await Promise.all([loadPusher(), sharing]);
    return shared ? shared.shareConnection(Pusher) : Pusher;
  } catch {
    return NoPusher;
  }
}

/** Stands in for pusher-js. An arrow function is no constructor, so each attempt to connect fails, and the feed polls. */
const NoPusher = (() => {}) as unknown as PusherSource;
