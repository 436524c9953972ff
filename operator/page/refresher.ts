/** Fetches what is shown again: at most once a second, one at a time, and never while the page is hidden. */

export interface Refresher {
  /** Something has changed. */
  request(): void;
  /** Another view is shown: refresh it at once. Resolves when that is done. */
  restart(): Promise<void>;
}

/** The time between two refreshes, in milliseconds. */
export const REFRESH_EVERY = 1_000;

export interface RefresherTiming {
  readonly now: () => number;
  readonly wait: (callback: () => void, ms: number) => void;
  readonly isHidden: () => boolean;
}

const PAGE: RefresherTiming = {
  now: () => Date.now(),
  wait: (callback, ms) => void setTimeout(callback, ms),
  isHidden: () => document.hidden,
};

/** @param refresh never rejects */
export function createRefresher(refresh: () => Promise<void>, timing: RefresherTiming = PAGE): Refresher {
  let startedAt = Number.NEGATIVE_INFINITY;
  let running = 0;
  let isWanted = false;
  let isWaiting = false;

  async function run(): Promise<void> {
    running++;
    isWanted = false;
    startedAt = timing.now();
    await refresh();
    running--;
    if (isWanted) request();
  }

  function request(): void {
    // A page that was hidden is refreshed when its stream is up again.
    if (timing.isHidden()) return;
    isWanted = true;
    if (running > 0 || isWaiting) return;
    const ms = startedAt + REFRESH_EVERY - timing.now();
    if (ms <= 0) {
      void run();
      return;
    }
    isWaiting = true;
    timing.wait(() => {
      isWaiting = false;
      if (isWanted && running === 0 && !timing.isHidden()) void run();
    }, ms);
  }

  return { request, restart: run };
}
