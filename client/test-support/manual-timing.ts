/** For tests: a clock that only `advance` moves, and a page whose signals the test sends. */

import type { Page, PageSignal, Timing } from '../environment.ts';

/** A clock that starts at 2026-01-01T00:00:00Z. */
export class ManualTiming implements Timing {
  #now = Date.parse('2026-01-01T00:00:00.000Z');
  #timers = new Map<number, { at: number; callback: () => void }>();
  #next = 1;
  /** What `random` returns. */
  chance = 0.5;

  now = (): number => this.#now;
  random = (): number => this.chance;

  setTimeout(callback: () => void, ms: number): number {
    const handle = this.#next++;
    this.#timers.set(handle, { at: this.#now + ms, callback });
    return handle;
  }

  clearTimeout(handle: unknown): void {
    this.#timers.delete(handle as number);
  }

  /** How many timers are set. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Moves the clock by `ms`. Fires the timers that become due, in order of time, and lets promises settle after each. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (;;) {
      const due = [...this.#timers]
        .filter(([, { at }]) => at <= end)
        .sort((a, b) => a[1].at - b[1].at || a[0] - b[0])[0];
      if (!due) break;
      this.#timers.delete(due[0]);
      this.#now = Math.max(this.#now, due[1].at);
      due[1].callback();
      await settle();
    }
    this.#now = end;
  }
}

/** Lets promises settle that wait for nothing but other promises. Reading a `Response` takes a turn of the event loop. */
export async function settle(): Promise<void> {
  for (let count = 0; count < 4; count++) await new Promise((resolve) => setImmediate(resolve));
}

/** A page that is visible until the test says otherwise. */
export class ManualPage implements Page {
  visible = true;
  listeners = new Set<(signal: PageSignal) => void>();
  isVisible = (): boolean => this.visible;

  listen(listener: (signal: PageSignal) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  signal(signal: PageSignal): void {
    for (const listener of this.listeners) listener(signal);
  }
}
