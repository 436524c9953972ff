/**
 * What the feed needs from its environment: a clock, timers, randomness, and the state of the page. All of it can be
 * replaced, so that tests are deterministic and the feed runs where there is no document (Node, workers).
 */

/** Clock, timers and randomness. */
export interface Timing {
  /**
   * A monotonic clock: milliseconds since 1970 by the device's clock when the page was loaded, counted on from there. For
   * waits and durations; a correction of the device's clock does not change it. The server's time is `feed.now()`.
   */
  now(): number;
  /** `ms` may be any number; more than {@link LONGEST_WAIT} is taken as that. */
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

/** The longest timer that browsers have, in milliseconds, about 24 days. One that is set for longer fires at once. */
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
