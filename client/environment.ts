/**
 * What the feed needs from its surroundings: time, chance, and what the page is doing.
 * Handed in, so that tests are deterministic and the feed also runs where there is no document (Node, workers).
 */

/** Time and chance. */
export interface Timing {
  /**
   * Milliseconds since 1970 as the device's clock had it when the page was loaded, and evenly on from there. For waits
   * and durations; what the server calls now is `feed.now()`. A clock that is corrected meanwhile changes nothing.
   */
  now(): number;
  /** `ms` may be any number; more than {@link LONGEST_WAIT} counts as that. */
  setTimeout(callback: () => void, ms: number): unknown;
  clearTimeout(handle: unknown): void;
  /** From 0 to below 1. */
  random(): number;
}

/**
 * What the page tells:
 * - `wake`: it became visible, the network came back, or it was restored from the back/forward cache
 * - `focus`: the user has turned to its window, which may have been visible all along
 * - `hide`: it is being left and may be kept in the back/forward cache
 */
export type PageSignal = 'wake' | 'focus' | 'hide';

/** The page around the feed. */
export interface Page {
  isVisible(): boolean;
  /** Returns a function that stops listening. */
  listen(listener: (signal: PageSignal) => void): () => void;
}

/** A timer that is set for longer goes off at once in every browser. About 24 days, in milliseconds. */
export const LONGEST_WAIT = 2 ** 31 - 1;

/** The real clock. */
export const systemTiming: Timing = {
  // Not Date.now: it jumps when the device's clock is set. Both parts are read each time, since tests replace them.
  now: () => performance.timeOrigin + performance.now(),
  setTimeout: (callback, ms) => setTimeout(callback, Math.min(ms, LONGEST_WAIT)),
  clearTimeout: (handle) => clearTimeout(handle as number),
  random: Math.random,
};

/** The real page, or one that is always visible where there is none. */
export const browserPage: Page = {
  isVisible: () => globalThis.document?.visibilityState !== 'hidden',
  listen(listener) {
    const abort = new AbortController();
    const { document, window } = globalThis as { document?: Document; window?: Window };
    const { signal } = abort;
    const wake = () => listener('wake');
    document?.addEventListener('visibilitychange', () => browserPage.isVisible() && wake(), { signal });
    // A page that loads for the first time fires `pageshow` too; only a restored one has missed anything.
    window?.addEventListener('pageshow', ({ persisted }) => persisted && wake(), { signal });
    window?.addEventListener('pagehide', () => listener('hide'), { signal });
    window?.addEventListener('online', wake, { signal });
    window?.addEventListener('focus', () => listener('focus'), { signal });
    return () => abort.abort();
  },
};
