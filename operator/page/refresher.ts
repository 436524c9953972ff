/**
 * Fetches again what the page shows. However many changes are told, it does so at most once a second, one at a time, and never while
 * the page is hidden. A new view is fetched at once.
 */

export interface Refresher {
  /** Call it when something has changed. Refreshes as soon as that is allowed. */
  request(): void;
  /** Call it when another view is shown. Refreshes at once, whatever else is under way. Resolves when that is done. */
  restart(): Promise<void>;
}

/** The time between the starts of two refreshes. */
const REFRESH_EVERY_MS = 1_000;

/** The time and the visibility of the page. A test hands in its own. */
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

/** Creates a refresher. @param refresh handles failed calls itself. If it rejects, for a fault of the page, `request` does nothing more */
export function createRefresher(refresh: () => Promise<void>, timing: RefresherTiming = PAGE): Refresher {
  let startedAt = Number.NEGATIVE_INFINITY;
  /** How many refreshes are under way: more than one after `restart`. */
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
    // Nothing is lost: when the page is shown again, its live stream opens, and that requests a refresh.
    if (timing.isHidden()) return;
    isWanted = true;
    if (running > 0 || isWaiting) return;
    const ms = startedAt + REFRESH_EVERY_MS - timing.now();
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
