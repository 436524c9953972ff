/**
 * Looks at the attempts of a worker ten times a second, to find out whether what viewers are shown is still right. It serves
 * the reporters. One timer does for all of them, and none runs while nobody wants a look.
 */

import type { Time } from '../backend/time.ts';

/** Between two looks, in ms. */
const LOOK_MS = 100;
/** After the first report that follows a pause, in ms. By then a burst of reports is over. */
const SOON_MS = 10;

/** Who is looked at. */
export interface Looker {
  /** Takes a look, at `now` in ms. Returns whether another one is wanted. */
  look(now: number): boolean;
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

  /** Looks once within the next 10 ms, and then as `add` does. */
  addSoon(looker: Looker): void {
    this.add(looker);
    if (this.#soon.push(looker) > 1) return;
    void this.#time.delay(SOON_MS).then(() => {
      const lookers = this.#soon;
      this.#soon = [];
      const now = this.#time.elapsed();
      for (const one of lookers) if (this.#lookers.has(one)) one.look(now);
    });
  }

  delete(looker: Looker): void {
    if (this.#lookers.delete(looker)) this.#stopIfIdle();
  }

  #lookAtAll(): void {
    const now = this.#time.elapsed();
    for (const looker of this.#lookers) if (!looker.look(now)) this.#lookers.delete(looker);
    this.#stopIfIdle();
  }

  #stopIfIdle(): void {
    if (this.#lookers.size > 0) return;
    this.#stop?.();
    this.#stop = null;
  }
}
