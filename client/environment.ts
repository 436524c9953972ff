/**
 * What the feed needs from its environment: a clock, timers, randomness, and the state of the page. All of it can be
 * replaced, so that tests are deterministic and the feed runs where there is no document (Node, workers).
 */

/** Clock, timers and randomness. */
export interface Timing {
  /**
   * A monotonic clock in milliseconds. It starts with the device's time (since 1970) when the page is loaded. A correction of
   * the device's clock does not change it. For waits and durations; the server's time is `feed.now()`.
   */
  now(): number;
  /** `ms` may be any number; a longer wait than `LONGEST_WAIT` is shortened to that. */
  setTimeout(callback: () => void, ms: number): unknown;
  clearTimeout(handle: unknown): void;
  /** From 0 to below 1. */
  random(): number;
}

/**
 * What happens to the page:
 * - `wake`: the page became visible, the network came back, or the page was restored from the back/forward cache
 * - `focus`: the page's window got the focus; it may have been visible before
 * - `hide`: the page is being left, and may be kept in the back/forward cache
 */
export type PageSignal = 'wake' | 'focus' | 'hide';

/** The page around the feed. */
export interface Page {
  isVisible(): boolean;
  /** Returns a function that stops listening. */
  listen(listener: (signal: PageSignal) => void): () => void;
}

/** The longest timer in browsers, in milliseconds: about 24 days. A timer that is set for longer fires at once. */
export const LONGEST_WAIT = 2 ** 31 - 1;

/** The real clock. */
export const systemTiming: Timing = {
  // Not Date.now: it jumps when the device's clock is set. Both parts are read each time, since tests replace them.
  now: () => performance.timeOrigin + performance.now(),
  setTimeout: (callback, ms) => setTimeout(callback, Math.min(ms, LONGEST_WAIT)),
  clearTimeout: (handle) => clearTimeout(handle as number),
  random: Math.random,
};

/** The real page. Where there is none (Node, workers), a page that is always visible. */
export const browserPage: Page = {
  isVisible: () => !globalThis.document?.hidden,
  listen(listener) {
    const abort = new AbortController();
    const { document, window } = globalThis as { document?: Document; window?: Window };
    const { signal } = abort;
    /** @param applies whether such an event counts; default: always */
    const on = (target: EventTarget | undefined, name: string, tell: PageSignal, applies?: (event: Event) => boolean) =>
      target?.addEventListener(name, (event) => applies?.(event) === false || listener(tell), { signal });
    on(document, 'visibilitychange', 'wake', browserPage.isVisible);
    // A page that loads for the first time fires `pageshow` too; only a restored one has missed anything.
    on(window, 'pageshow', 'wake', (event) => (event as PageTransitionEvent).persisted);
    on(window, 'pagehide', 'hide');
    on(window, 'online', 'wake');
    on(window, 'focus', 'focus');
    return () => abort.abort();
  },
};
