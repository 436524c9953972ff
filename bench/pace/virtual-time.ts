// A clock that moves only when it is told to, so that a minute of work is over in milliseconds. It serves virtual-worker.ts.
import type { Time } from '../../backend/time.ts';

/** The clock. It starts at 0 ms. */
export class VirtualTime implements Pick<Time, 'elapsed' | 'delay' | 'every'> {
  #now = 0;
  readonly #alarms = new Set<{ at: number; readonly ring: () => void }>();

  elapsed(): number {
    return this.#now;
  }

  delay(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const alarm = { at: this.#now + ms, ring: resolve };
      this.#alarms.add(alarm);
      signal?.addEventListener('abort', () => this.#alarms.delete(alarm) && resolve(), { once: true });
    });
  }

  every(ms: number, run: () => void): () => void {
    const alarm = {
      at: this.#now + ms,
      ring: () => {
        alarm.at += ms;
        this.#alarms.add(alarm);
        run();
      },
    };
    this.#alarms.add(alarm);
    return () => this.#alarms.delete(alarm);
  }

  /** Moves the clock on to `now`, and rings the alarms that are due by then, in their order. Resolves when their effects are over. */
  async advance(now: number): Promise<void> {
    this.#now = now;
    const due = [...this.#alarms].filter(({ at }) => at <= now);
    if (due.length === 0) return;
    for (const alarm of due.sort((a, b) => a.at - b.at)) {
      this.#alarms.delete(alarm);
      alarm.ring();
    }
    await settle();
  }
}

/** Resolves when all that can happen while no time passes has happened. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
