/**
 * Estimates how many elements a second an attempt finishes, so that viewers can move its bar by themselves. It serves
 * `due-steps.ts`. Pure: time goes in, in ms of a clock that never goes back.
 *
 * No single average suits all work. Rows that come one by one want a long one, a handler that changes its speed wants a
 * short one, and batches of 50 rows every 3 s want none at all: a bar that hops with the batches needs fewer messages than one
 * that glides through the pauses and is wrong at both ends. So there are several candidates. Each has a virtual sender, which
 * counts the messages that would have been sent lately with that candidate's rate. The candidate with the fewest gives the
 * rate. `npm run bench -- pace` measures it on ten kinds of work.
 */

import { PACE_HORIZON_MS } from '../core/tasks/pace.ts';

/** A message of a virtual sender counts less as time passes: after this time, in ms, 1/e of it is left. */
const COST_FADES_MS = 8_000;
/** The spans of the moving averages, in ms: what was done so long ago counts 1/e of what is done now. */
const SPANS_MS = [4_000, 1_000, 300] as const;
/** The average since the virtual sender's last message takes so much time at least, in ms. */
const SHORTEST_MS = 300;

/** How far what is shown may be off, in elements. */
export interface Tolerance {
  /** How many elements more than are done may be shown. */
  readonly ahead: number;
  /** How many elements fewer. */
  readonly behind: number;
}

/** The candidates, by number: first the moving averages, in the order of {@link SPANS_MS}. */
const SINCE_START = SPANS_MS.length;
const STILL = SINCE_START + 1;
const SINCE_LAST_MESSAGE = STILL + 1;
const CANDIDATES = SINCE_LAST_MESSAGE + 1;

/**
 * Fields of a candidate. Numbers in one array: ten thousand attempts are looked at ten times a second, and objects would cost
 * several times as much.
 */
const SENT_AT = 0;
const SENT_DONE = 1;
const SENT_RATE = 2;
/** How many messages its virtual sender sent lately. */
const COST = 3;
/** Elements a ms: the moving average, still to be divided by `WEIGHT`. */
const SUM = 4;
/** How much of the average is filled, from 0 to 1. */
const WEIGHT = 5;
const FIELDS = 6;

export class PaceEstimator {
  readonly #startedAt: number;
  readonly #startDone: number;
  /** Of equal costs the first one counts: a bar that moves is nicer than one that is still. */
  readonly #candidates = new Float64Array(CANDIDATES * FIELDS);
  #seenAt: number;
  #seenDone: number;

  /** @param done how many elements were done at `now` */
  constructor(now: number, done: number) {
    this.#startedAt = now;
    this.#startDone = done;
    this.#seenAt = now;
    this.#seenDone = done;
    for (let at = 0; at < this.#candidates.length; at += FIELDS) {
      this.#candidates[at + SENT_AT] = now;
      this.#candidates[at + SENT_DONE] = done;
    }
  }

  /** Takes a look: `done` elements are done by now. Looks may come at any time; about 100 ms apart is usual. */
  observe(now: number, done: number, total: number | null, { ahead, behind }: Tolerance): void {
    const ms = now - this.#seenAt;
    if (ms <= 0) return;
    const speed = (done - this.#seenDone) / ms;
    this.#seenAt = now;
    this.#seenDone = done;
    const all = this.#candidates;
    for (let n = 0; n < SPANS_MS.length; n++) {
      const at = n * FIELDS;
      const share = 1 - Math.exp(-ms / (SPANS_MS[n] as number));
      all[at + SUM] = this.#get(at + SUM) + share * (speed - this.#get(at + SUM));
      all[at + WEIGHT] = this.#get(at + WEIGHT) + share * (1 - this.#get(at + WEIGHT));
    }
    const kept = Math.exp(-ms / COST_FADES_MS);
    const most = total === null ? Number.POSITIVE_INFINITY : total - 1;
    for (let n = 0; n < CANDIDATES; n++) {
      const at = n * FIELDS;
      all[at + COST] = this.#get(at + COST) * kept;
      const since = now - this.#get(at + SENT_AT);
      const moved = this.#get(at + SENT_DONE) + this.#get(at + SENT_RATE) * Math.min(since, PACE_HORIZON_MS);
      const shown = Math.min(moved, most);
      if (done - shown <= behind && shown - done <= ahead && since < PACE_HORIZON_MS) continue;
      all[at + COST] = this.#get(at + COST) + 1;
      all[at + SENT_RATE] = this.#rateOf(n);
      all[at + SENT_AT] = now;
      all[at + SENT_DONE] = done;
    }
  }

  /** Elements a second; 0 where a bar had better not move by itself. */
  get rate(): number {
    let best = 0;
    for (let n = 1; n < CANDIDATES; n++) {
      if (this.#get(n * FIELDS + COST) < this.#get(best * FIELDS + COST)) best = n;
    }
    return this.#rateOf(best) * 1_000;
  }

  #get(at: number): number {
    return this.#candidates[at] as number;
  }

  /** Of candidate `n`, in elements a ms. */
  #rateOf(n: number): number {
    const at = n * FIELDS;
    if (n === STILL) return 0;
    if (n === SINCE_START) return this.#speedSince(this.#startedAt, this.#startDone);
    if (n === SINCE_LAST_MESSAGE) {
      const sentAt = this.#get(at + SENT_AT);
      // So soon after a message the time says little. The rate that came with the message stays.
      if (this.#seenAt - sentAt < SHORTEST_MS) return this.#get(at + SENT_RATE);
      return this.#speedSince(sentAt, this.#get(at + SENT_DONE));
    }
    const weight = this.#get(at + WEIGHT);
    return weight > 0 ? this.#get(at + SUM) / weight : 0;
  }

  #speedSince(at: number, done: number): number {
    const ms = this.#seenAt - at;
    return ms > 0 ? (this.#seenDone - done) / ms : 0;
  }
}
