/**
 * Estimates how many elements a second an attempt finishes, so that viewers can move its bar by themselves. It serves
 * `due-steps.ts`. Pure: callers pass the time, in ms of a clock that never goes back.
 *
 * No single average suits all work. Rows that come one by one want a long one, a handler that changes its pace wants a
 * short one, and batches of 50 rows every 3 s want none at all: a bar that hops with the batches needs fewer messages than one
 * that glides through the pauses and is wrong at both ends. So there are several candidates:
 *
 * - the moving averages of about the last 16, 4 and 1 movements; a movement is a look that finds more elements done than before;
 * - the average since the start, and the one since the last message;
 * - 0: the bar stands still between two messages.
 *
 * Each candidate has a virtual sender, which counts the messages that its rate would have cost lately. The candidate with the
 * fewest gives the rate. `npm run bench -- pace` measures it.
 */

import { PACE_HORIZON_MS } from '../../core/tasks/pace.ts';

/** A message of a virtual sender counts less as time passes: after this time, in ms, 1/e of it is left. */
const COST_FADES_MS = 20_000;
/** What a virtual sender shows drifts away from the truth until a message is due. Just before that, the drift costs this much. */
const DRIFT_COSTS = 0.5;
/** How many movements each moving average covers, about: it is an exponential one. */
const SPANS = [16, 4, 1] as const;
/** A look that follows another one sooner than this, in ms, is ignored: one element in 2 ms would make 500 a second. */
const CLOSE_MS = 20;
/** The average since the last message of a virtual sender is taken only after this time, in ms. */
const SHORTEST_MS = 300;

/** How far what is shown may be off, in elements. */
export interface Tolerance {
  /** How many elements more than are done may be shown. */
  readonly ahead: number;
  /** How many elements fewer than are done may be shown. */
  readonly behind: number;
}

/** A rate above the usual ones is limited: if nothing moved any more, what is shown must stay right for this time, in ms. */
const RIGHT_FOR_MS = 200;

/** The candidates, by number: first the moving averages, in the order of {@link SPANS}. */
const LONGEST_AVERAGE = 0;
const SINCE_START = SPANS.length;
const STILL = SINCE_START + 1;
const SINCE_LAST_MESSAGE = STILL + 1;
const CANDIDATES = SINCE_LAST_MESSAGE + 1;

/**
 * The fields of a candidate, by their place in its part of the array `#candidates`. One array of numbers, because ten thousand
 * attempts get ten looks a second, and objects would cost several times as much.
 */
const SENT_AT = 0;
const SENT_DONE = 1;
const SENT_RATE = 2;
/** How many messages its virtual sender sent lately. */
const COST = 3;
/** By how many elements what its virtual sender shows is off, as a share of the tolerance. */
const DRIFT = 4;
/** Of a moving average: how many elements a movement has, and how many ms lie before it. */
const SIZE = 5;
const GAP = 6;
const FIELDS = 7;

export class PaceEstimator {
  readonly #startedAt: number;
  readonly #startDone: number;
  /** The fields of all candidates, one after the other. */
  readonly #candidates = new Float64Array(CANDIDATES * FIELDS);
  #seenAt: number;
  #seenDone: number;
  #movements = 0;
  #movedAt: number;
  #ahead = 0;

  /** @param done how many elements were done at `now` */
  constructor(now: number, done: number) {
    this.#startedAt = now;
    this.#startDone = done;
    this.#seenAt = now;
    this.#seenDone = done;
    this.#movedAt = now;
    for (let at = 0; at < this.#candidates.length; at += FIELDS) {
      this.#candidates[at + SENT_AT] = now;
      this.#candidates[at + SENT_DONE] = done;
    }
  }

  /** Takes a look: `done` elements are done by now. Looks may come at any time; about 100 ms apart is usual. */
  observe(now: number, done: number, total: number | null, tolerance: Tolerance): void {
    const ms = now - this.#seenAt;
    if (ms < CLOSE_MS) return;
    this.#ahead = tolerance.ahead;
    if (done !== this.#seenDone) this.#noteMovement(now, done - this.#seenDone);
    this.#seenAt = now;
    this.#seenDone = done;
    const kept = Math.exp(-ms / COST_FADES_MS);
    const most = total === null ? Number.POSITIVE_INFINITY : total - 1;
    for (let n = 0; n < CANDIDATES; n++) this.#sendVirtually(n, kept, most, tolerance);
  }

  /** Elements a second. 0 if the bar should not move by itself, and before the second movement: one movement gives no rate. */
  get rate(): number {
    if (this.#movements < 2) return 0;
    // Of equal costs the first one counts: a bar that moves is nicer than one that stands still.
    let best = 0;
    for (let n = 1; n < CANDIDATES; n++) if (this.#costOf(n) < this.#costOf(best)) best = n;
    // A jump in one look is no pace: viewers would be far ahead before the next message tells them better.
    const usual = Math.max(this.#rateOf(LONGEST_AVERAGE), this.#rateOf(SINCE_START));
    return Math.min(this.#rateOf(best), Math.max(usual, this.#ahead / RIGHT_FOR_MS)) * 1_000;
  }

  #noteMovement(now: number, size: number): void {
    const gap = now - this.#movedAt;
    this.#movedAt = now;
    this.#movements += 1;
    for (let n = 0; n < SPANS.length; n++) {
      const at = n * FIELDS;
      const share = 1 / Math.min(SPANS[n] as number, this.#movements);
      this.#candidates[at + SIZE] = this.#get(at + SIZE) + share * (size - this.#get(at + SIZE));
      this.#candidates[at + GAP] = this.#get(at + GAP) + share * (gap - this.#get(at + GAP));
    }
  }

  /**
   * Lets the virtual sender of candidate `n` take a look: it sends a message if what it shows is off.
   * @param kept how much of its cost so far is left
   * @param most how many elements a bar may show at most
   */
  #sendVirtually(n: number, kept: number, most: number, { ahead, behind }: Tolerance): void {
    const at = n * FIELDS;
    const since = this.#seenAt - this.#get(at + SENT_AT);
    const moved = this.#get(at + SENT_DONE) + this.#get(at + SENT_RATE) * Math.min(since, PACE_HORIZON_MS);
    const off = Math.min(moved, most) - this.#seenDone;
    const drift = off > 0 ? off / ahead : -off / behind;
    const isDue = drift > 1 || since >= PACE_HORIZON_MS;
    const all = this.#candidates;
    all[at + COST] = this.#get(at + COST) * kept + (isDue ? 1 : 0);
    all[at + DRIFT] = isDue ? 0 : drift;
    if (!isDue) return;
    all[at + SENT_RATE] = this.#rateOf(n);
    all[at + SENT_AT] = this.#seenAt;
    all[at + SENT_DONE] = this.#seenDone;
  }

  #costOf(n: number): number {
    return this.#get(n * FIELDS + COST) + DRIFT_COSTS * this.#get(n * FIELDS + DRIFT);
  }

  #get(at: number): number {
    return this.#candidates[at] as number;
  }

  /** Of candidate `n`, in elements a ms. */
  #rateOf(n: number): number {
    const at = n * FIELDS;
    if (n === STILL) return 0;
    if (n === SINCE_START) return this.#averageSince(this.#startedAt, this.#startDone);
    if (n === SINCE_LAST_MESSAGE) {
      const sentAt = this.#get(at + SENT_AT);
      // A shorter time gives no good average. So the rate of the last message stays.
      if (this.#seenAt - sentAt < SHORTEST_MS) return this.#get(at + SENT_RATE);
      return this.#averageSince(sentAt, this.#get(at + SENT_DONE));
    }
    // A pause that is longer than the gaps so far counts as the gap.
    const gap = Math.max(this.#get(at + GAP), this.#seenAt - this.#movedAt);
    return gap > 0 ? this.#get(at + SIZE) / gap : 0;
  }

  #averageSince(at: number, done: number): number {
    const ms = this.#seenAt - at;
    return ms > 0 ? (this.#seenDone - done) / ms : 0;
  }
}
