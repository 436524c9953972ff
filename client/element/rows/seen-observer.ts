/** Tells which outcomes were seen: those whose own row was in view for 1.5 s, on a page that was visible. */

/** Milliseconds in view. */
const DWELL = 1_500;
/** This much of a row has to be in view. */
const THRESHOLD = 0.5;

export interface SeenObserver {
  /** Follows these rows (and the ids of their tasks), and no others. */
  follow(rows: ReadonlyMap<Element, string>): void;
  /** The page was shown or hidden: what is in view counts from now on, or not at all. */
  restart(): void;
}

/** @param root what scrolls */
export function createSeenObserver(root: Element, onSeen: (ids: readonly string[]) => void): SeenObserver {
  /** The rows that are followed, and whose they are. */
  const ids = new Map<Element, string>();
  /** Those of them in view, and since when; by `performance.now()`. */
  const inView = new Map<Element, number>();
  let timer: ReturnType<typeof setTimeout> | undefined;

  const observer = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        if (!isIntersecting) inView.delete(target);
        else if (ids.has(target) && !inView.has(target)) inView.set(target, performance.now());
      }
      setTimer();
    },
    { root, threshold: THRESHOLD },
  );

  function drop(row: Element): void {
    observer.unobserve(row);
    ids.delete(row);
    inView.delete(row);
  }

  function setTimer(): void {
    clearTimeout(timer);
    if (document.visibilityState === 'hidden' || inView.size === 0) return;
    const next = Math.min(...inView.values()) + DWELL - performance.now();
    timer = setTimeout(report, Math.max(next, 0));
  }

  function report(): void {
    const latest = performance.now() - DWELL;
    const rows = [...inView].filter(([, since]) => since <= latest).map(([row]) => row);
    const seen = rows.map((row) => ids.get(row) as string);
    for (const row of rows) drop(row);
    if (seen.length > 0) onSeen(seen);
    setTimer();
  }

  return {
    follow(rows) {
      for (const row of ids.keys()) if (!rows.has(row)) drop(row);
      for (const [row, id] of rows) {
        if (ids.get(row) === id) continue;
        // A row that shows another task now starts anew.
        drop(row);
        ids.set(row, id);
        observer.observe(row);
      }
    },
    restart() {
      for (const row of inView.keys()) inView.set(row, performance.now());
      setTimer();
    },
  };
}
