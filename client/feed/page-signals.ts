/** What a feed does when its page wakes, gets the focus or is being left. */

import type { FeedParts } from './feed-parts.ts';

/** The parts that are stopped while the page is away, and started again when it wakes. */
export type PageParts = Pick<FeedParts, 'page' | 'state' | 'dispatch' | 'bus' | 'tabs' | 'rounds' | 'checkUser'>;

/** Starts again what was stopped, and asks the server for everything. Never rejects. */
export async function refresh(parts: PageParts): Promise<void> {
  if (parts.state().isClosed) return;
  parts.tabs.open();
  parts.dispatch('userDoubted');
  parts.bus.moveLink('retrySoon');
  await parts.rounds.ask();
}

/** Follows the page. Returns a function that stops it. */
export function followPage(parts: PageParts): () => void {
  return parts.page.listen((signal) => {
    if (signal === 'wake') void refresh(parts);
    else if (signal === 'focus') {
      const state = parts.state();
      // While `needsInfo` is set, the next round asks who is signed in. After a 401 there is no next round.
      if (!state.needsInfo || state.isSignedOut) void parts.checkUser();
    } else {
      // The browser does not keep a page with an open connection in its back/forward cache.
      parts.bus.moveLink('pause');
      parts.rounds.stop();
      parts.tabs.leave();
    }
  });
}
