/**
 * What the feed needs from its surroundings: time, chance, and what the page is doing.
 * Handed in, so that tests are deterministic and the feed also runs where there is no document (Node, workers).
 */

/** Time and chance. */
export interface Timing {
  /** Milliseconds since 1970. */
  now(): number;
  setTimeout(callback: () => void, ms: number): unknown;
  clearTimeout(handle: unknown): void;
  /** From 0 to below 1. */
  random(): number;
}

/**
 * What the page tells:
 * - `wake`: it became visible, the network came back, or it was restored from the back/forward cache
 * - `hide`: it is being left and may be kept in the back/forward cache
 */
export type PageSignal = 'wake' | 'hide';

/** The page around the feed. */
export interface Page {
  isVisible(): boolean;
  /** Returns a function that stops listening. */
  listen(listener: (signal: PageSignal) => void): () => void;
}

/** The real clock. */
export const systemTiming: Timing = {
  now: Date.now,
  // Browsers take a wait of more than 24.8 days for none; 23 days are as good as any longer one.
  setTimeout: (callback, ms) => setTimeout(callback, Math.min(ms, 2e9)),
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
    return () => abort.abort();
  },
};
