/**
 * Lets each reporter of a worker take a look ten times a second: is what viewers are shown still right? One timer serves all
 * reporters. None runs while no reporter wants a look.
 *
 * The expensive part of a look is the estimate of the pace. With very many attempts it is done less often: 20,000 to 40,000
 * times a second for all attempts together. Example: with 10,000 attempts, each is estimated every 500 ms. Whether what is
 * shown is right is still checked every 100 ms.
 */

import type { Time } from '../../backend/time.ts';

/** The time between two looks, in ms. */
export const LOOK_MS = 100;
/** From the first report after a pause to its look, in ms. By then a burst of reports is over. */
const SOON_MS = 10;
/** Up to this many attempts are estimated at every look, and get a look within 10 ms of a report. */
const MANY = 2_000;

/** Takes looks: a reporter. */
export interface Looker {
  /**
   * Takes a look, at `now` in ms. Returns whether another one is wanted.
   * @param estimateEvery the pace need not be estimated more often than this, in ms
   */
  look(now: number, estimateEvery: number): boolean;
}

export class LookTimer {
  readonly #time: Pick<Time, 'elapsed' | 'delay' | 'every'>;
  readonly #lookers = new Set<Looker>();
  #soon: Looker[] = [];
  #stop: (() => void) | null = null;

  constructor(time: Pick<Time, 'elapsed' | 'delay' | 'every'>) {
    this.#time = time;
  }

  /** Calls `looker.look` every 100 ms from now on, until it wants no more. */
  add(looker: Looker): void {
    this.#lookers.add(looker);
    this.#stop ??= this.#time.every(LOOK_MS, () => this.#lookOnce());
  }

  /**
   * Calls `looker.look` within the next 10 ms, then every 100 ms as `add` does. If there are more than 2,000 lookers, one that
   * was added before only waits for its next look.
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

  #lookOnce(): void {
    const now = this.#time.elapsed();
    const every = this.#estimateEvery;
    for (const looker of this.#lookers) if (!looker.look(now, every)) this.#lookers.delete(looker);
    this.#stopIfIdle();
  }

  /** In ms: 100 for each full 2,000 lookers. Example: 0 with 1,999 lookers, 100 with 2,000 to 3,999, 500 with 10,000. */
  get #estimateEvery(): number {
    return Math.floor(this.#lookers.size / MANY) * LOOK_MS;
  }

  #stopIfIdle(): void {
    if (this.#lookers.size > 0) return;
    this.#stop?.();
    this.#stop = null;
  }
}
