/** pusher-js for a tray that makes its own feed. A page that hands in a feed needs none of this. */

import { loadPusher } from '../push/pusher.ts';
import type { PusherSource } from '../push/pusher-class.ts';

/**
 * Loads pusher-js. Never rejects.
 * @param isShared whether the tabs of a browser share one connection; where what that takes cannot be fetched, they do not
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

/** Stands in where there is no pusher-js. It is no constructor, so each attempt to connect fails, and the feed polls. */
const NoPusher = (() => {}) as unknown as PusherSource;
