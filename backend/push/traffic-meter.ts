/**
 * Says whether few events were sent lately. It serves the outbox: while traffic is low, a request does not wait for more
 * events. Pure: time goes in, in ms of a clock that never goes back.
 *
 * It is a leaky bucket: each event fills it by 1, and 50 a second leak out. Traffic is low while it holds less than 10. So
 * one event each 20 ms is low traffic. After a pause, traffic stays low until 10 events have left at once.
 */

const LEAK_PER_MS = 50 / 1_000;
const LOW_LEVEL = 10;
/** The bucket never holds more than this. So traffic is low again 200 ms after a burst, be it of 20 events or of 2,000. */
const CAPACITY = 20;

export class TrafficMeter {
  #level = 0;
  #countedAt = 0;

  /** Whether few events were sent lately. */
  isLow(now: number): boolean {
    return this.#levelAt(now) < LOW_LEVEL;
  }

  /** Counts events that leave now. */
  count(events: number, now: number): void {
    this.#level = Math.min(this.#levelAt(now) + events, CAPACITY);
    this.#countedAt = now;
  }

  #levelAt(now: number): number {
    return Math.max(this.#level - (now - this.#countedAt) * LEAK_PER_MS, 0);
  }
}
