/** Stores the events of one attempt, and keeps the last snapshot that the store answered with. It serves the reporter. */

import type { RunOptions } from '../../backend/store/to-commit.ts';
import type { Change, ChangeOptions } from '../../backend/task-changes.ts';
import { asTaskError, isUnavailable, validFailure } from '../../core/error.ts';
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import type { TaskEvent } from '../../core/tasks/transition.ts';
import { PendingCheckpoint } from './pending-checkpoint.ts';
import type { ReporterOptions } from './reporter-ports.ts';

/** The pause between two tries to store how the attempt ended. */
const RETRY_MS = 250;

export interface StoredAttemptOptions extends Pick<ReporterOptions, 'ports' | 'record' | 'onCancelling'> {
  /** Aborts when the attempt is over, so that no checkpoint is stored alone any more. */
  readonly ended: AbortSignal;
  /** Stores the waiting checkpoint without another change. Never rejects. */
  readonly storeCheckpoint: () => Promise<void>;
}

export class StoredAttempt {
  readonly #options: StoredAttemptOptions;
  readonly #attempt: number;
  #snapshot: Snapshot;
  #isShown = false;
  /** Null until the handler gives a checkpoint. */
  #checkpoint: PendingCheckpoint | null = null;

  constructor(options: StoredAttemptOptions) {
    this.#options = options;
    this.#snapshot = options.record.snapshot;
    this.#attempt = options.record.snapshot.attempt;
  }

  /** The last snapshot that the store answered with. */
  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  /** Whether pages were told that this attempt runs. */
  get isShown(): boolean {
    return this.#isShown;
  }

  /** Whether a checkpoint waits to be stored. */
  get hasCheckpoint(): boolean {
    return this.#checkpoint?.text != null;
  }

  /** Keeps a checkpoint, as JSON. It is stored with the next event, or else alone. Never throws. */
  keepCheckpoint(text: string): void {
    const { ports, ended, storeCheckpoint } = this.#options;
    this.#checkpoint ??= new PendingCheckpoint({ time: ports.time, ended, store: storeCheckpoint });
    this.#checkpoint.keep(text);
  }

  /** Pushes what is stored, if the owner is watching. */
  push(watched: boolean): void {
    const { ports, record } = this.#options;
    const { owner, trace } = record;
    this.#isShown = ports.changes.push({ owner, snapshot: this.#snapshot, trace }, watched);
  }

  /** Stores an event, with the checkpoint that waits, and pushes it. Rejects while Redis is away. */
  async apply(event: TaskEvent, options: Pick<ChangeOptions, 'isRepeated' | 'isQuiet'>): Promise<Change> {
    const { owner, run, trace } = this.#options.record;
    const checkpoint = this.#checkpointFor(event);
    const change = await this.#options.ports.changes.apply({ owner, snapshot: this.#snapshot, trace }, event, {
      run,
      ...options,
      ...checkpoint,
    });
    if (change.ok && checkpoint?.checkpoint) this.#checkpoint?.noteStored(checkpoint.checkpoint);
    if (change.ok && change.pushed) this.#isShown = true;
    if (change.snapshot?.attempt === this.#attempt) {
      this.#snapshot = change.snapshot;
      if (change.snapshot.status === 'cancelling') this.#options.onCancelling();
    }
    return change;
  }

  /**
   * Stores how the attempt ended. Tries again until the store has answered or `signal` aborts. If the event cannot be stored
   * although Redis answers (a bug of ours), a failure is stored instead. Never rejects.
   * @returns the task as it was stored; null if the store refused the event, or `signal` aborted
   */
  async end(event: TaskEvent, signal: AbortSignal): Promise<Snapshot | null> {
    let wanted = event;
    let isRepeated = false;
    while (!signal.aborted) {
      try {
        const change = await this.apply(wanted, { isRepeated });
        return change.ok ? change.snapshot : null;
      } catch (error) {
        isRepeated = true;
        if (wanted === event && !isUnavailable(error)) wanted = this.#toPlainFailure(error);
        await this.#options.ports.time.delay(RETRY_MS, signal);
      }
    }
    return null;
  }

  /** Tells the operator that the end cannot be stored. Returns a failure to store in its place. */
  #toPlainFailure(error: unknown): TaskEvent {
    const { clock, events } = this.#options.ports;
    const [task, attempt] = [this.#snapshot.id, this.#attempt];
    events.emit('attempt.unwritable', () => ({ task, attempt }), { error });
    return { type: 'fail', at: clock.iso(), attempt, error: validFailure(asTaskError(error)) };
  }

  /** What to store of checkpoints together with `event`; null for a handler that has none. */
  #checkpointFor({ type }: TaskEvent): Pick<RunOptions, 'checkpoint' | 'isResumable'> | null {
    if (this.#checkpoint === null && this.#options.record.checkpoint === null) return null;
    // A task that has succeeded never goes on.
    if (type === 'succeed') return { checkpoint: '' };
    const text = this.#checkpoint?.text ?? null;
    return text === null ? { isResumable: true } : { checkpoint: text, isResumable: true };
  }
}
