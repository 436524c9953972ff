/** Finds out which outcomes were seen: those whose own row was in view for 1.5 s while the page was visible. */

import { SEEN_DWELL, SEEN_THRESHOLD } from '../limits.ts';

export interface SeenObserver {
  /** Follows these rows, which belong to tasks with these ids, and no others. */
  follow(rows: ReadonlyMap<Element, string>): void;
  /** Call this when the page is shown or hidden: the time in view starts again from 0. */
  restart(): void;
}

/** @param root the element that scrolls */
export function createSeenObserver(root: Element, onSeen: (ids: readonly string[]) => void): SeenObserver {
  /** The task id of each row that is followed. */
  const ids = new Map<Element, string>();
  /** Since when each followed row is in view; by `performance.now()`. */
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
    { root, threshold: SEEN_THRESHOLD },
  );

  function drop(row: Element): void {
    observer.unobserve(row);
    ids.delete(row);
    inView.delete(row);
  }

  function setTimer(): void {
    clearTimeout(timer);
    if (document.hidden || inView.size === 0) return;
    timer = setTimeout(report, Math.min(...inView.values()) + SEEN_DWELL - performance.now());
  }

  function report(): void {
    const latest = performance.now() - SEEN_DWELL;
    const seen: string[] = [];
    for (const [row, since] of inView) {
      if (since > latest) continue;
      seen.push(ids.get(row) as string);
      drop(row);
    }
    if (seen.length > 0) onSeen(seen);
    setTimer();
  }

  return {
    follow(rows) {
      for (const row of ids.keys()) if (!rows.has(row)) drop(row);
      for (const [row, id] of rows) {
        if (ids.get(row) === id) continue;
        // The row is new, or shows another task now: its time in view starts from 0.
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
