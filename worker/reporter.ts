/**
 * Writes what happens to one attempt: to the store first, then to the bus. It serves the attempt that runs.
 *
 * Progress is coalesced: the latest report wins, the first goes at once, then at most one per window, each
 * stored as often as it is pushed. One write is under way at a time; while Redis is away nothing queues up.
 */

import { delay } from '../backend/async.ts';
import type { Backend } from '../backend/backend.ts';
import type { Applied, TaskRecord } from '../backend/store.ts';
import { isoTime } from '../backend/time.ts';
import { isFinished, type Progress, type Snapshot } from '../core/snapshot.ts';
import type { TaskEvent } from '../core/transition.ts';
import type { ProgressReport } from './context.ts';

const WINDOW_MS = 100;
/** A sign of life is pushed only when nothing else was for this long. */
const QUIET_MS = 10_000;
const RETRY_MS = 250;

export interface ReporterOptions {
  readonly backend: Backend;
  readonly record: TaskRecord;
  /** The store says that this attempt is over: another one has taken over, or the task is gone. */
  readonly onStale: () => void;
  /** The store says that the owner has called the task off. */
  readonly onCancelling: () => void;
}

export class Reporter {
  readonly #options: ReporterOptions;
  readonly #attempt: number;
  #snapshot: Snapshot;
  #latest: Progress | null = null;
  #isDirty = false;
  /** Until then nothing is written; also true while something is. */
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> | null = null;
  #isClosed = false;
  #writtenAt = 0;
  #pushedAt = Date.now();

  constructor(options: ReporterOptions) {
    this.#options = options;
    this.#snapshot = options.record.snapshot;
    this.#attempt = options.record.snapshot.attempt;
  }

  /** The last report, whether it was written or not. */
  get latest(): Progress | null {
    return this.#latest;
  }

  report(report: ProgressReport): void {
    const before = this.#latest;
    try {
      // A report that leaves something out means what was last said of it.
      this.#latest = { ...before, total: before?.total ?? null, ...report } as Progress;
    } catch {
      // A getter that throws must not hurt the work.
      return;
    }
    this.#isDirty = true;
    this.#writeSoon();
  }

  stage(stage: string): void {
    this.#latest = { done: 0, total: null, stage };
    this.#isDirty = true;
    this.#writeSoon();
  }

  /** Stores a sign of life, unless something was written within `ms`. */
  alive(ms: number): void {
    if (this.#isClosed || this.#writing !== null || Date.now() - this.#writtenAt < ms) return;
    const wasQuiet = Date.now() - this.#pushedAt >= QUIET_MS;
    this.#write({ type: 'alive', at: isoTime(), attempt: this.#attempt }, wasQuiet);
  }

  /** Writes nothing more. */
  close(): void {
    this.#isClosed = true;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /**
   * Writes how the attempt ended, and pushes it; tries until the store has answered or `signal` aborts.
   * Nothing of this attempt is written afterwards.
   */
  async end(event: TaskEvent, signal: AbortSignal): Promise<Applied | null> {
    this.close();
    await this.#writing;
    let isRepeated = false;
    while (!signal.aborted) {
      try {
        const applied = await this.#apply(event);
        // A try whose answer got lost may have done it: then the store holds what we were about to say.
        if (!applied.ok && isRepeated && applied.snapshot && isOutcomeOf(event, applied.snapshot)) {
          this.#push(applied.snapshot, true);
          return { ok: true, snapshot: applied.snapshot, hasPage: true };
        }
        if (applied.ok) this.#push(applied.snapshot, applied.hasPage);
        return applied;
      } catch {
        isRepeated = true;
        await delay(RETRY_MS, signal);
      }
    }
    return null;
  }

  /** Writes when the window allows it; what a timer or a write is under way for is written after that. */
  #writeSoon(): void {
    if (this.#isClosed || this.#timer !== null || this.#writing !== null) return;
    const wait = this.#writtenAt + WINDOW_MS - Date.now();
    if (wait <= 0) {
      this.#flush();
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.#writing === null) this.#flush();
    }, wait);
  }

  #flush(): void {
    if (!this.#isDirty || this.#latest === null || this.#isClosed) return;
    this.#isDirty = false;
    this.#write({ type: 'progress', at: isoTime(), attempt: this.#attempt, progress: this.#latest }, true);
  }

  #write(event: TaskEvent, isPushed: boolean): void {
    this.#writtenAt = Date.now();
    this.#writing = this.#apply(event)
      .then(
        (applied) => {
          if (applied.ok) {
            if (isPushed) this.#push(applied.snapshot, applied.hasPage);
          } else if (applied.refusal !== 'unchanged') this.#options.onStale();
        },
        () => {
          // Redis is away. The next window tries again, with whatever is the latest then.
          if (event.type === 'progress') this.#isDirty = true;
        },
      )
      .finally(() => {
        this.#writing = null;
        if (this.#isDirty) this.#writeSoon();
      });
  }

  async #apply(event: TaskEvent): Promise<Applied> {
    const { backend, record } = this.#options;
    const applied = await backend.store.apply({ snapshot: this.#snapshot, owner: record.owner }, event);
    if (applied.snapshot?.attempt === this.#attempt) {
      this.#snapshot = applied.snapshot;
      if (applied.snapshot.status === 'cancelling') this.#options.onCancelling();
    }
    return applied;
  }

  #push(snapshot: Snapshot, hasPage: boolean): void {
    if (!hasPage && !isFinished(snapshot)) return;
    this.#pushedAt = Date.now();
    this.#options.backend.publisher.publish(this.#options.record.owner, snapshot);
  }
}

function isOutcomeOf(event: TaskEvent, stored: Snapshot): boolean {
  if (!('attempt' in event)) return false;
  switch (event.type) {
    case 'succeed':
      return stored.status === 'succeeded' && stored.attempt === event.attempt;
    case 'fail':
      return (
        (stored.status === 'failed' && stored.attempt === event.attempt) ||
        (stored.status === 'retrying' && stored.attempt === event.attempt + 1)
      );
    case 'release':
      return stored.status === 'retrying' && stored.attempt === event.attempt + 1;
    case 'stop':
      return stored.status === 'cancelled' && stored.attempt === event.attempt;
    default:
      return false;
  }
}
