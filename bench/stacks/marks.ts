// The times that a worker notes for the tasks of the bench. Every stack's handler notes them in the same way.
import { now } from '../measure/clock.ts';

/** When the handler of a task began, finished its last element, and returned (ms on the bench's clock). */
export interface Mark {
  readonly n: number;
  readonly began: number;
  readonly done: number;
  readonly returned: number;
}

/** The times that a worker notes for its tasks. */
export class Marks {
  readonly #open = new Map<number, { began: number; done: number }>();
  #closed: Mark[] = [];
  #waiting: { readonly count: number; readonly resolve: () => void }[] = [];

  /** Call it when the handler of task `n` begins. */
  began(n: number): void {
    this.#open.set(n, { began: now(), done: 0 });
  }

  /** How many tasks have begun and not returned. */
  get open(): number {
    return this.#open.size;
  }

  /** Call it when the last element is finished, before anybody is told. */
  done(n: number): void {
    const open = this.#open.get(n);
    if (open) open.done = now();
  }

  /** Call it when the handler returns, after all that the handler itself does to tell the outcome. */
  returned(n: number): void {
    const open = this.#open.get(n);
    if (!open) return;
    this.#open.delete(n);
    this.#closed.push({ n, ...open, returned: now() });
    for (const waiting of this.#waiting) if (this.#closed.length >= waiting.count) waiting.resolve();
  }

  /** Resolves when `count` tasks have returned since the last `take`. @throws Error if they have not after `ms` */
  async waitForReturns(count: number, ms: number): Promise<void> {
    if (this.#closed.length >= count) return;
    await new Promise<void>((resolve, reject) => {
      const missing = () =>
        reject(new Error(`Only ${this.#closed.length} of ${count} tasks ended in ${ms / 1_000} s.`));
      const timer = setTimeout(missing, ms);
      this.#waiting.push({
        count,
        resolve() {
          clearTimeout(timer);
          resolve();
        },
      });
    });
  }

  /** Returns the marks since the last `take`. */
  take(): readonly Mark[] {
    this.#waiting = [];
    return this.#closed.splice(0);
  }
}
