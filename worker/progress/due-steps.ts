/**
 * Says when the next step of an attempt is due, that is, when the bar that viewers see is no longer right. It serves the
 * reporter, which stores and pushes the step. Pure: callers pass the time, in ms of a clock that never goes back.
 *
 * Viewers move a bar by themselves (core/tasks/pace.ts). The same rule runs here, so a message is sent on surprise and not
 * because time has passed. Example: of 1,000 elements 500 are done, and the accuracy is 0.01. While viewers see 490 to 510,
 * nothing is due. A step is due for one of these reasons:
 *
 * - `first`: viewers were told nothing of this attempt yet;
 * - `words`: stage, note or total has changed; at most once a second;
 * - `counts`: skipped or failed has changed: after 1 s, then 2, 4 and 8 s while they go on changing;
 * - `surprise`: what is shown is off by more than the accuracy, and by more than one element;
 * - `stall`: the bar moves for viewers, but no element was done for much longer than usual;
 * - `alive`: viewers were told nothing for 10 s, and viewers do not move a bar for longer than that.
 */

import { PACE_HORIZON_MS, shownDone } from '../../core/tasks/pace.ts';
import type { Progress } from '../../core/tasks/snapshot.ts';
import { LOOK_MS } from './look-timer.ts';
import { PaceEstimator, type Tolerance } from './pace-estimator.ts';

/** Why a step is due. */
export type DueReason = 'first' | 'words' | 'counts' | 'surprise' | 'stall' | 'alive';

/** If the total is at most this, a step is due for each element, and there is no rate. */
const FEW_ELEMENTS = 20;
/**
 * A bar may always be this many elements ahead, even where the accuracy allows less: texts show whole elements, rounded down,
 * so the text of a bar that is less than 2 ahead is at most one element off. Until the next look, 100 ms later, the bar moves
 * on. So what it moves in that time is taken off. Example: at 5 elements a second, the bar may be 1.5 elements ahead.
 */
const MAX_AHEAD = 2;
/** The shortest time between two steps that are due for words only, in ms. */
const WORDS_MS = 1_000;
/**
 * Steps that have no other reason than `counts` come 1 s apart at first. This time doubles after each one, up to this many ms: a
 * file with a bad row in ten changes these counts all the time. Once they have stood still for 10 s, a change is told within a
 * second again.
 */
const LONGEST_COUNTS_MS = 8_000;
/** `alive` is due this long before the 10 s are over, in ms. So the look nearest to their end finds it. */
const EARLY_MS = LOOK_MS / 2;
/** A total is told anew when it is off by more than a tenth, even if the bar is right. */
const TOTAL_ACCURACY = 0.1;
/** A bar stalls when no element was done for this time, in ms, and for this many times the longest pause lately. */
const STALL_MS = 700;
const STALL_PAUSES = 4;
/** After a pause of this time, in ms, and of `STALL_PAUSES` times the longest pause lately, messages carry no rate. */
const NO_RATE_MS = 300;
/** After a stall the longest pause grows to at most 1.5 times itself plus 100 ms, so that the next stall is found too. */
const PAUSE_GROWTH = 1.5;
const PAUSE_ADDS_MS = 100;
/** A pause counts less as time passes: after this time, in ms, 1/e of it is left. */
const PAUSE_FADES_MS = 30_000;
/** In elements a second. A slower rate would move the bar by less than a tenth of an element in 10 s. */
const SLOWEST_RATE = 0.01;

type Counts = Pick<Progress, 'skipped' | 'failed'>;

export class DueSteps {
  readonly #accuracy: number;
  readonly #startedAt: number;
  #estimator: PaceEstimator;
  #stage: string | undefined;
  /** What viewers were told last, and when. */
  #told: Progress | null;
  #toldAt: number;
  #isFirst = true;
  /** How many elements are done, and since when. */
  #done: number;
  #movedAt: number;
  /** The longest pause lately, in ms. */
  #longestPause = 0;
  #isStalled = false;
  /** `skipped` and `failed` at the last look, when they changed last, and how long their next change has to wait, in ms. */
  #counts: Counts = {};
  #countedAt = Number.NEGATIVE_INFINITY;
  #countsWait = WORDS_MS;
  /** The truth of the last look. As long as it is the same object, no step is due before `#rightUntil`. */
  #truth: Progress | null = null;
  #rightUntil = Number.NEGATIVE_INFINITY;
  #estimatedAt = Number.NEGATIVE_INFINITY;

  /**
   * @param accuracy by how much a bar may be off, as a share of the total
   * @param told what viewers were told of the task before the attempt
   */
  constructor(accuracy: number, told: Progress | null, now: number) {
    this.#accuracy = accuracy;
    this.#startedAt = now;
    this.#told = told;
    this.#toldAt = now;
    this.#stage = told?.stage;
    this.#done = told?.done ?? 0;
    this.#movedAt = now;
    this.#estimator = new PaceEstimator(now, this.#done);
  }

  /**
   * Takes a look at how far the attempt is by now.
   * @param truth a new object if it has changed since the last look
   * @param estimateEvery the pace is not estimated more often than this, in ms
   * @returns why a step is due; null if none is
   */
  look(truth: Progress, now: number, estimateEvery = 0): DueReason | null {
    const isEstimateDue = now - this.#estimatedAt >= estimateEvery;
    if (truth === this.#truth && now < this.#rightUntil && !isEstimateDue) return null;
    this.#truth = truth;
    this.#noteMovement(truth, now);
    this.#noteCounts(truth, now);
    const tolerance = this.#toleranceFor(truth);
    if (isEstimateDue) {
      this.#estimatedAt = now;
      this.#estimator.observe(now, truth.done, truth.total, tolerance);
    }
    const reason = this.#findReason(truth, now, tolerance);
    // With `estimateEvery` 0 each look estimates, so `#rightUntil` is not needed.
    this.#rightUntil =
      reason === null && estimateEvery > 0 ? this.#findRightUntil(truth, tolerance.ahead) : Number.NEGATIVE_INFINITY;
    return reason;
  }

  /** Notes when elements were done, how long the pauses are, and whether the present one is a stall. */
  #noteMovement({ done, stage }: Progress, now: number): void {
    if (stage !== this.#stage) {
      this.#stage = stage;
      this.#done = done;
      this.#movedAt = now;
      this.#longestPause = 0;
      this.#estimator = new PaceEstimator(now, done);
    } else if (done !== this.#done) {
      const pause = now - this.#movedAt;
      const longest = this.#isStalled ? Math.min(pause, this.#longestPause * PAUSE_GROWTH + PAUSE_ADDS_MS) : pause;
      this.#longestPause = Math.max(this.#longestPause * Math.exp(-pause / PAUSE_FADES_MS), longest);
      this.#done = done;
      this.#movedAt = now;
      this.#isStalled = false;
    } else {
      const pause = now - this.#movedAt;
      this.#isStalled = pause >= NO_RATE_MS && pause >= this.#longestPause * STALL_PAUSES;
    }
  }

  /** Notes when `skipped` and `failed` change. */
  #noteCounts(truth: Progress, now: number): void {
    if (hasSameCounts(truth, this.#counts)) return;
    if (now - this.#countedAt >= PACE_HORIZON_MS) this.#countsWait = WORDS_MS;
    this.#counts = truth;
    this.#countedAt = now;
  }

  /** How far the bar may be off now. */
  #toleranceFor({ done, total }: Progress): Tolerance {
    const share = this.#accuracy * (total ?? done);
    const movesUntilNextLook = ((this.#told?.rate ?? 0) * LOOK_MS) / 1_000;
    return { ahead: Math.max(MAX_AHEAD - movesUntilNextLook, 1, share), behind: Math.max(1, share) };
  }

  /**
   * Whether viewers were told nothing of the attempt yet, and it will end within `ms` of its start at its average pace.
   * Example: 80 of 100 elements are done after 200 ms, so it will end after 250 ms. False in a stage, since the attempt goes
   * on when the stage ends.
   */
  endsBefore(ms: number, truth: Progress | null, now: number): boolean {
    const since = now - this.#startedAt;
    if (!this.#isFirst || !truth?.total || truth.stage !== undefined || since >= ms) return false;
    return since * truth.total < ms * truth.done;
  }

  /** The progress to tell: `truth`, with the rate by which viewers are to go on from it. */
  withRate(truth: Progress): Progress {
    const { rate: _, ...progress } = truth;
    if (this.#isStalled || (truth.total !== null && truth.total <= FEW_ELEMENTS)) return progress;
    const rate = Number(this.#estimator.rate.toPrecision(4));
    return rate >= SLOWEST_RATE ? { ...progress, rate } : progress;
  }

  /** Notes what viewers were told, and when. */
  noteTold(progress: Progress | null, at: number): void {
    this.#isFirst = false;
    this.#rightUntil = Number.NEGATIVE_INFINITY;
    if (!hasSameCounts(progress ?? {}, this.#told ?? {})) {
      this.#countsWait = Math.min(2 * this.#countsWait, LONGEST_COUNTS_MS);
    }
    this.#told = progress;
    this.#toldAt = at;
  }

  /** Whether looks have to go on: viewers see the bar move, or what they were told differs in more than `done`. */
  needsLooks(truth: Progress): boolean {
    return (
      this.#isFirst ||
      this.#told?.rate !== undefined ||
      this.#hasOtherWords(truth) ||
      !hasSameCounts(truth, this.#told ?? {})
    );
  }

  #findReason(truth: Progress, now: number, { ahead, behind }: Tolerance): DueReason | null {
    const told = this.#told;
    if (this.#isFirst || told === null) return 'first';
    const since = now - this.#toldAt;
    const hasOtherWords = this.#hasOtherWords(truth);
    if (hasOtherWords && since >= WORDS_MS) return 'words';
    if (since >= this.#countsWait && !hasSameCounts(truth, told)) return 'counts';
    if (since >= PACE_HORIZON_MS - EARLY_MS) return 'alive';
    // Each stage counts from 0, so the bar of another stage tells nothing. A step for the words is due within a second.
    if (hasOtherWords && truth.stage !== told.stage) return null;
    const { done, total } = truth;
    if (total !== null && total <= FEW_ELEMENTS) return done !== told.done ? 'surprise' : null;
    const shown = shownDone(told, since);
    if (done - shown > behind || shown - done > ahead) return 'surprise';
    if (told.rate === undefined || shown <= done) return null;
    const pause = now - this.#movedAt;
    return this.#isStalled && pause >= STALL_MS ? 'stall' : null;
  }

  /** Until when no step will be due if nothing is reported. Call it only when none is due now. */
  #findRightUntil(truth: Progress, ahead: number): number {
    const told = this.#told;
    // What differs already is due soon.
    if (told === null || this.#hasOtherWords(truth) || !hasSameCounts(truth, told)) return Number.NEGATIVE_INFINITY;
    const alive = this.#toldAt + PACE_HORIZON_MS - EARLY_MS;
    if (told.rate === undefined) return alive;
    const tooFar = this.#toldAt + ((truth.done + ahead - told.done) / told.rate) * 1_000;
    const stall = this.#movedAt + Math.max(STALL_MS, this.#longestPause * STALL_PAUSES);
    return Math.min(alive, tooFar, stall);
  }

  #hasOtherWords(truth: Progress): boolean {
    const told = this.#told;
    if (told === null) return true;
    if (truth.stage !== told.stage || truth.note !== told.note) return true;
    return truth.total !== told.total && this.#isOtherTotal(truth.total, told.total, truth.done);
  }

  /** Whether the total differs so much from the one that viewers were told that they would notice. */
  #isOtherTotal(total: number | null, told: number | null, done: number): boolean {
    if (total === null || told === null) return true;
    const share = Math.abs(done / total - Math.min(done / told, 1));
    return share > this.#accuracy || Math.abs(total - told) > TOTAL_ACCURACY * Math.max(total, told);
  }
}

function hasSameCounts(a: Counts, b: Counts): boolean {
  return a.skipped === b.skipped && a.failed === b.failed;
}
