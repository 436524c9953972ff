/**
 * Stores what happens to one attempt, then pushes it. It serves the attempt.
 *
 * Viewers move the bar by themselves, at the rate in the last message. So a new report alone is no reason to write: a step is
 * due only when the bar that viewers see is off (`due-steps.ts`). A look checks that, ten times a second while there is something
 * new (`look-timer.ts`). A step that is due is written when the task gets its turn; the publisher gives turns within the owner's
 * message budget. A handler that reports 100,000 times a second costs no more messages than one that reports ten times a
 * second. One write is under way at a time, and nothing queues up while Redis is away.
 *
 * | state       | meaning                                    | moves on                                                     |
 * |-------------|--------------------------------------------|--------------------------------------------------------------|
 * | `quiet`     | what viewers were told is still right      | to `reporting`: a look finds that a step is due, or the      |
 * |             |                                            | owner is watching and has not been shown that the attempt runs |
 * | `reporting` | waits for a turn, or writes a step         | to `quiet`: it was written, or is not due any more           |
 * | `ended`     | reports are ignored; the outcome, if there | never                                                        |
 * |             | is one, is stored                          |                                                              |
 *
 * `close` and `end` move from either of the first two to `ended`. Signs of life are no state: the worker asks for one each
 * second, and it is written if nothing else was written for a while.
 */

import { tellOnce } from '../../backend/events/tell-once.ts';
import { jobIdOf } from '../../backend/queue/job.ts';
import type { Progress, Snapshot } from '../../core/tasks/snapshot.ts';
import type { TaskEvent } from '../../core/tasks/transition.ts';
import type { ProgressReport } from '../context.ts';
import { type DueReason, DueSteps } from './due-steps.ts';
import type { Looker } from './look-timer.ts';
import { ReportedProgress } from './reported-progress.ts';
import type { ReporterOptions, ReporterPorts } from './reporter-ports.ts';
import { StoredAttempt } from './stored-attempt.ts';

/**
 * How long after its start an attempt is pushed as running, in ms: in one message with its progress by then. If it ends
 * before, only its end is pushed.
 */
const SHOWN_AFTER_MS = 200;
/**
 * If the attempt will probably end within this time, in ms, it is pushed as running only then. Example: with 80 of 100
 * elements done after 200 ms it ends after about 250 ms, so the page gets only the outcome.
 */
const SHOWN_BY_MS = 400;
/** The shortest time between two steps while the owner is not watching, in ms. They are stored for requests and new pages. */
const UNWATCHED_STEP_MS = 1_000;
/**
 * The shortest time between two looks that are used while the owner is not watching, in ms. A look comes every 100 ms, a little
 * early or late. So the tenth one is used.
 */
const UNWATCHED_LOOK_MS = 950;

export class Reporter implements Looker {
  readonly #ports: ReporterPorts;
  readonly #options: ReporterOptions;
  readonly #attempt: number;
  readonly #closed = new AbortController();
  readonly #startedAt: number;
  #state: 'quiet' | 'reporting' | 'ended' = 'quiet';
  readonly #stored: StoredAttempt;
  #watched: boolean;
  readonly #reported = new ReportedProgress();
  /** Whether the next report must ask for a look. True if the last look found no new report, since no other look may come then. */
  #isLookNeeded = true;
  /** Whether another look will come by itself. */
  #willLook = false;
  #steps: DueSteps;
  #write: Promise<void> | null = null;
  #lookedAt = Number.NEGATIVE_INFINITY;
  /** When the last write began, and when the last write that was stored began. */
  #triedAt: number;
  #writtenAt: number;

  constructor(options: ReporterOptions) {
    const now = options.ports.time.elapsed();
    this.#ports = options.ports;
    this.#options = options;
    this.#attempt = options.record.snapshot.attempt;
    this.#watched = options.watched;
    this.#steps = new DueSteps(options.ports.accuracy, options.record.snapshot.progress, now);
    this.#startedAt = now;
    this.#triedAt = now;
    this.#writtenAt = now;
    this.#stored = new StoredAttempt({
      ...options,
      ended: this.#closed.signal,
      storeCheckpoint: () => this.#storeCheckpoint(),
    });
    this.#showStart();
  }

  /** The last report, whether it was stored or not. */
  get latest(): Progress | null {
    return this.#reported.latest;
  }

  /** Keeps what a handler reports. Called for every element, so it makes no promise and no object. Never throws. */
  report(report: ProgressReport): void {
    try {
      if (!this.#reported.add(report)) tellOnce(this.#ports.events, 'progress', this.#stored.snapshot.name);
    } catch {
      return;
    }
    this.#noteReport();
  }

  /** A stage begins. Counting starts again at 0. Never throws. */
  stage(stage: string): void {
    if (this.#reported.beginStage(stage)) this.#noteReport();
  }

  /** Keeps a checkpoint, as JSON, until it is stored. Never throws. */
  checkpoint(text: string): void {
    if (this.#state === 'ended') return;
    this.#stored.keepCheckpoint(text);
  }

  /** The attempt goes on from the stored checkpoint, and so does the bar. Never throws. */
  resume(): void {
    const { checkpoint } = this.#options.record;
    const resumed = checkpoint?.progress ? this.#reported.resume(checkpoint.progress) : null;
    if (resumed === null) return;
    // What earlier attempts did says nothing about the pace of this one.
    this.#steps = new DueSteps(this.#ports.accuracy, resumed, this.#ports.time.elapsed());
    this.#noteReport();
  }

  /** Begins to report if a step is due. Returns whether another look is wanted. Takes 1 to 2 µs. */
  look(now: number, estimateEvery: number): boolean {
    this.#willLook = this.#state !== 'ended' && this.#checkStep(now, estimateEvery);
    return this.#willLook;
  }

  /** Stores and pushes a sign of life, unless something was stored within the last `ms`, or a look will do it. */
  giveSignOfLife(ms: number): void {
    const now = this.#ports.time.elapsed();
    // One of the next looks finds that a sign of life is due (`alive`), and it is pushed within the owner's message budget.
    if (this.#willLook && this.#watched) return;
    if (this.#state === 'ended' || this.#write !== null || now - this.#writtenAt < ms) return;
    void this.#store('alive', this.#readTruth());
  }

  /** Ends the reporter: it writes nothing more. */
  close(): void {
    this.#state = 'ended';
    this.#ports.lookTimer.delete(this);
    // With a reason: without one, `abort` makes an error with a stack, which costs more than everything else here.
    this.#closed.abort('closed');
  }

  /**
   * Stores how the attempt ended, and pushes it. Tries again until the store has answered or `signal` aborts. If the event
   * cannot be stored although Redis answers (a bug of ours), a failure is stored instead.
   * Nothing of this attempt is written after that. Never rejects.
   * @returns the task as it was stored; null if the store refused the event, or `signal` aborted
   */
  async end(event: TaskEvent, signal: AbortSignal): Promise<Snapshot | null> {
    this.close();
    await this.#write;
    return this.#stored.end(event, signal);
  }

  #noteReport(): void {
    if (!this.#isLookNeeded || this.#state === 'ended') return;
    this.#isLookNeeded = false;
    this.#ports.lookTimer.addSoon(this);
  }

  /** Begins to report if a step is due. Returns whether another look is wanted. */
  #checkStep(now: number, estimateEvery: number): boolean {
    if (!this.#watched && now - this.#lookedAt < UNWATCHED_LOOK_MS) return true;
    this.#lookedAt = now;
    const isNew = this.#reported.hasNewReport;
    this.#isLookNeeded = !isNew;
    const truth = this.#readTruth();
    if (truth === null) return false;
    const isDue = this.#steps.look(truth, now, estimateEvery) !== null;
    if (isDue && this.#state === 'quiet') void this.#takeStep();
    return isNew || isDue || this.#steps.needsLooks(truth);
  }

  /** How far the attempt is now, whatever viewers are shown; null before the first report. */
  #readTruth(): Progress | null {
    return this.#reported.evaluate(this.#stored.snapshot.progress);
  }

  /** Shows that the attempt runs, if the owner is watching and was not shown. */
  #showStart(): void {
    if (this.#state === 'quiet' && this.#watched && !this.#stored.isShown) void this.#takeStep();
  }

  /** The state `reporting`: one turn, one step. */
  async #takeStep(): Promise<void> {
    const { owner, run, snapshot } = this.#options.record;
    // Two runs of one task may overlap in one worker for a moment. Each takes its own turns.
    const key = jobIdOf({ id: snapshot.id, run });
    this.#state = 'reporting';
    const takeTurn = () =>
      this.#ports.turns.takeTurn(owner, key, { after: this.#stepDelay(), signal: this.#closed.signal });
    let turn = await takeTurn();
    // By now the attempt may be known to end soon. Then the step waits for a later turn, see `SHOWN_BY_MS`.
    if (turn !== null && this.#shownAfter > SHOWN_AFTER_MS) {
      turn.end();
      turn = await takeTurn();
    }
    if (turn !== null) {
      // A sign of life may be under way.
      while (this.#write !== null) await this.#write;
      await this.#step();
      turn.end();
    }
    if (turn === null || this.#closed.signal.aborted) return;
    this.#state = 'quiet';
    if (!this.#reported.isEmpty) this.#ports.lookTimer.add(this);
  }

  /** How long the next step must still wait, in ms. */
  #stepDelay(): number {
    const at = this.#watched ? this.#startedAt + this.#shownAfter : this.#triedAt + UNWATCHED_STEP_MS;
    return Math.max(at - this.#ports.time.elapsed(), 0);
  }

  /** When the first step is wanted, in ms after the start. */
  get #shownAfter(): number {
    return this.#steps.endsBefore(SHOWN_BY_MS, this.#readTruth(), this.#ports.time.elapsed())
      ? SHOWN_BY_MS
      : SHOWN_AFTER_MS;
  }

  /** Stores and pushes how far the attempt is, if that is still due; or pushes that it runs. Never rejects. */
  async #step(): Promise<void> {
    if (this.#closed.signal.aborted) return;
    const truth = this.#readTruth();
    const reason = truth && this.#steps.look(truth, this.#ports.time.elapsed());
    if (reason !== null) await this.#store(reason, truth);
    if (!this.#stored.isShown && !this.#closed.signal.aborted) this.#stored.push(this.#watched);
  }

  /** Tries once to store how far the attempt is. Never rejects. */
  #store(reason: DueReason | 'checkpoint', truth: Progress | null): Promise<void> {
    this.#triedAt = this.#ports.time.elapsed();
    this.#write = this.#tryStore(reason, truth && this.#steps.withRate(truth)).finally(() => {
      this.#write = null;
      this.#showStart();
    });
    return this.#write;
  }

  /** Stores a checkpoint for which no step was due, without a push. Never rejects. */
  async #storeCheckpoint(): Promise<void> {
    while (this.#write !== null) await this.#write;
    if (this.#state !== 'ended' && this.#stored.hasCheckpoint) await this.#store('checkpoint', this.#readTruth());
  }

  async #tryStore(reason: DueReason | 'checkpoint', progress: Progress | null): Promise<void> {
    const base = { at: this.#ports.clock.iso(), attempt: this.#attempt };
    const at = this.#triedAt;
    const isQuiet = reason === 'checkpoint';
    try {
      const change = await this.#stored.apply(
        reason === 'alive' || isQuiet || progress === null
          ? { type: 'alive', ...base, progress }
          : { type: 'progress', ...base, progress },
        { isQuiet },
      );
      if (change.ok) {
        this.#writtenAt = at;
        this.#watched = change.watched;
        // Viewers know the new progress now, with two exceptions: before the first report there is none, and what was stored
        // quietly was not pushed to pages that are open.
        if (progress !== null && !(isQuiet && change.watched)) this.#steps.noteTold(change.snapshot.progress, at);
      } else if (change.refusal === 'unchanged') {
        // The stored progress is the same (a bar that is held back, for example). Nothing was stored: a sign of life is still due.
        this.#steps.noteTold(this.#stored.snapshot.progress, this.#writtenAt);
      } else {
        this.#options.onStale();
      }
    } catch {
      // Redis is away. The step stays due, so one of the next looks tries again.
    }
  }
}
