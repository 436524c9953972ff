/** For tests: a clock that moves only when told, with timers that fire in their order. */

import type { Page, PageSignal, Timing } from '../environment.ts';

export class ManualTiming implements Timing {
  #now = Date.parse('2026-01-01T00:00:00.000Z');
  #timers = new Map<number, { at: number; callback: () => void }>();
  #next = 1;
  /** What `random` gives. */
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

  /** Moves on by `ms`, firing what is due in its order, and lets promises settle in between. */
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

/** Lets everything that waits only for promises go on (reading a Response takes a turn of the event loop). */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
}

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
