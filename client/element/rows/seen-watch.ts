/** Which outcomes were looked at: each counts once its own row was in view for a while, on a page that was visible. */

/** For so long, in milliseconds. */
const DWELL = 1_500;
/** This much of a row has to be in view. */
const SHARE = 0.5;

export class SeenWatch {
  readonly #onSeen: (ids: readonly string[]) => void;
  readonly #observer: IntersectionObserver;
  readonly #ids = new Map<Element, string>();
  /** Rows in view, and since when; by `performance.now()`. */
  readonly #since = new Map<Element, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param root what scrolls */
  constructor(root: Element, onSeen: (ids: readonly string[]) => void) {
    this.#onSeen = onSeen;
    this.#observer = new IntersectionObserver(
      (rows) => {
        for (const { target, isIntersecting } of rows) {
          if (!isIntersecting) this.#since.delete(target);
          else if (this.#ids.has(target) && !this.#since.has(target)) this.#since.set(target, performance.now());
        }
        this.#plan();
      },
      { root, threshold: SHARE },
    );
  }

  /** Watches these rows, and no others. */
  follow(rows: ReadonlyMap<Element, string>): void {
    for (const row of this.#ids.keys()) if (!rows.has(row)) this.#drop(row);
    for (const [row, id] of rows) {
      // A row that shows another task now has to be looked at anew.
      if (this.#ids.get(row) === id) continue;
      this.#drop(row);
      this.#ids.set(row, id);
      this.#observer.observe(row);
    }
  }

  /** The page was shown or hidden: what was in view counts from now on, or not at all. */
  restart(): void {
    for (const row of this.#since.keys()) this.#since.set(row, performance.now());
    this.#plan();
  }

  #drop(row: Element): void {
    this.#observer.unobserve(row);
    this.#ids.delete(row);
    this.#since.delete(row);
  }

  #plan(): void {
    clearTimeout(this.#timer);
    if (document.visibilityState === 'hidden' || this.#since.size === 0) return;
    const next = Math.min(...this.#since.values()) + DWELL - performance.now();
    this.#timer = setTimeout(() => this.#look(), Math.max(next, 0));
  }

  #look(): void {
    const latest = performance.now() - DWELL;
    const rows = [...this.#since].filter(([, since]) => since <= latest).map(([row]) => row);
    const ids = rows.map((row) => this.#ids.get(row) as string);
    for (const row of rows) this.#drop(row);
    if (ids.length > 0) this.#onSeen(ids);
    this.#plan();
  }
}
