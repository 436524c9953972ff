/**
 * Looks at the attempts of a worker ten times a second, to find out whether what viewers are shown is still right. It serves
 * the reporters. One timer does for all of them, and none runs while nobody wants a look.
 *
 * With very many attempts the dear part of a look, the estimate of the pace, comes less often: at most 20,000 a second in all.
 * Example: with 10,000 attempts each has one every 500 ms. But whether what is shown is right is still checked every 100 ms.
 */

import type { Time } from '../../backend/time.ts';

/** Between two looks, in ms. */
const LOOK_MS = 100;
/** After the first report that follows a pause, in ms. By then a burst of reports is over. */
const SOON_MS = 10;
/** So many attempts may be estimated at every look, and may get looks within 10 ms. */
const MANY = 2_000;

/** Who is looked at. */
export interface Looker {
  /**
   * Takes a look, at `now` in ms. Returns whether another one is wanted.
   * @param estimateEvery the pace need not be estimated more often than this, in ms
   */
  look(now: number, estimateEvery: number): boolean;
}

export class Looks {
  readonly #time: Pick<Time, 'elapsed' | 'delay' | 'every'>;
  readonly #lookers = new Set<Looker>();
  #soon: Looker[] = [];
  #stop: (() => void) | null = null;

  constructor(time: Pick<Time, 'elapsed' | 'delay' | 'every'>) {
    this.#time = time;
  }

  /** Looks every 100 ms from now on, until the looker wants no more. */
  add(looker: Looker): void {
    this.#lookers.add(looker);
    this.#stop ??= this.#time.every(LOOK_MS, () => this.#lookAtAll());
  }

  /**
   * Looks once within the next 10 ms, then as `add` does. If there
   * are very many lookers, a known one waits for its next look.
   */
  addSoon(looker: Looker): void {
    if (this.#lookers.size > MANY && this.#lookers.has(looker)) return;
    this.add(looker);
    if (this.#soon.push(looker) > 1) return;
    void this.#time.delay(SOON_MS).then(() => {
      const lookers = this.#soon;
      this.#soon = [];
      const now = this.#time.elapsed();
      const every = this.#estimateEvery;
      for (const one of lookers) if (this.#lookers.has(one)) one.look(now, every);
    });
  }

  delete(looker: Looker): void {
    if (this.#lookers.delete(looker)) this.#stopIfIdle();
  }

  #lookAtAll(): void {
    const now = this.#time.elapsed();
    const every = this.#estimateEvery;
    for (const looker of this.#lookers) if (!looker.look(now, every)) this.#lookers.delete(looker);
    this.#stopIfIdle();
  }

  /** Example: 0 ms with 1,999 lookers, 500 ms with 10,000. */
  get #estimateEvery(): number {
    return Math.floor(this.#lookers.size / MANY) * LOOK_MS;
  }

  #stopIfIdle(): void {
    if (this.#lookers.size > 0) return;
    this.#stop?.();
    this.#stop = null;
  }
}
