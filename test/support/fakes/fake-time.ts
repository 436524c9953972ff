// A `Time` (backend/time.ts) that stands still until a test moves it.
import { DeadlineError } from '../../../backend/async.ts';
import type { Time } from '../../../backend/time.ts';

interface Alarm {
  readonly at: number;
  readonly ring: () => void;
}

export class FakeTime implements Time {
  #now = 0;
  readonly #alarms = new Set<Alarm>();

  elapsed(): number {
    return this.#now;
  }

  delay(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = () => {
        this.#alarms.delete(alarm);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const alarm = { at: this.#now + ms, ring: done };
      this.#alarms.add(alarm);
      signal?.addEventListener('abort', done, { once: true });
    });
  }

  within<T>(work: Promise<T>, ms: number): Promise<T> {
    const over = new AbortController();
    const late = this.delay(ms, over.signal).then(() => {
      throw new DeadlineError(`no answer within ${ms} ms`);
    });
    return Promise.race([work, late]).finally(() => over.abort());
  }

  every(ms: number, run: () => void): () => void {
    const stop = new AbortController();
    const next = async () => {
      await this.delay(ms, stop.signal);
      if (stop.signal.aborted) return;
      void next();
      run();
    };
    void next();
    return () => stop.abort();
  }

  /** How many delays are not over. */
  get waiting(): number {
    return this.#alarms.size;
  }

  /** Moves the time on by `ms`. Alarms ring in order of time; before the next one, all that the last one caused is done. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settled();
    for (;;) {
      const due = [...this.#alarms].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#now = Math.max(this.#now, due.at);
      this.#alarms.delete(due);
      due.ring();
      await settled();
    }
    this.#now = end;
  }
}

/** Resolves when all promises that can be settled without time passing are settled. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
