/** Keeps what the handler of one attempt reports, and says how far the attempt is. It serves the reporter. Pure. */

import { advance } from '../../core/tasks/progress.ts';
import type { Progress } from '../../core/tasks/snapshot.ts';
import type { ProgressReport } from '../context.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export class ReportedProgress {
  /** The last report, or null before the first one. Changed in place, since a new object for each report would cost more. */
  #reported: Mutable<Progress> | null = null;
  /** What `evaluate` answered last: the last report as it would be stored. */
  #truth: Progress | null = null;
  #hasNewReport = false;
  /** The progress at the checkpoint from which this attempt goes on. Null if it starts from the beginning. */
  #resumed: Progress | null = null;

  /** Whether nothing was reported yet. */
  get isEmpty(): boolean {
    return this.#reported === null;
  }

  /** Whether there was a report since the last call of `evaluate`. */
  get hasNewReport(): boolean {
    return this.#hasNewReport;
  }

  /** The last report, evaluated or not. */
  get latest(): Progress | null {
    // The last report must not lead back behind the checkpoint. `true`, since the last `done` may be the total.
    if (this.#reported !== null && this.#resumed !== null) return advance(this.#resumed, this.#reported, true);
    return this.#reported && { ...this.#reported };
  }

  /**
   * Keeps a report. Called for every element, so it makes no object.
   * @returns false if `done` or `total` is negative or NaN; the report is kept all the same
   * @throws what a getter of the report throws; then none of it is kept
   */
  add(report: ProgressReport): boolean {
    // All properties are read before any is kept, since a getter may throw: that must not leave half a report.
    const { done, total, skipped, failed, note } = report;
    this.#reported ??= { done: 0, total: null };
    const reported = this.#reported;
    // What a report leaves out stays as it was reported last.
    if (done !== undefined) reported.done = done;
    if (total !== undefined) reported.total = total;
    if (skipped !== undefined) reported.skipped = skipped;
    if (failed !== undefined) reported.failed = failed;
    if (note !== undefined) reported.note = note;
    this.#hasNewReport = true;
    // False also for NaN, which is what a calculation with undefined gives.
    return reported.done >= 0 && (reported.total ?? 0) >= 0;
  }

  /** Begins a stage: counting starts again at 0. Returns false if the attempt goes on in the middle of this stage. */
  beginStage(stage: string): boolean {
    if (this.#resumed !== null && this.#reported?.stage === stage) return false;
    this.#reported = { done: 0, total: null, stage };
    this.#hasNewReport = true;
    return true;
  }

  /** Goes on from the progress of a checkpoint. Returns the progress at which the attempt begins; null at a second call. */
  resume(progress: Progress): Progress | null {
    if (this.#resumed !== null) return null;
    this.#resumed = { ...progress, from: progress.done };
    this.#reported = { ...this.#resumed };
    this.#hasNewReport = true;
    return this.#resumed;
  }

  /** How far the attempt is now; null before the first report. @param stored the progress that is stored, if any */
  evaluate(stored: Progress | null): Progress | null {
    if (this.#hasNewReport && this.#reported !== null) this.#truth = advance(stored ?? this.#resumed, this.#reported);
    this.#hasNewReport = false;
    return this.#truth;
  }
}
