/**
 * Finds tasks that no living worker handles. That happens in a deploy that updates the servers before the workers, or if no
 * worker calls `handle` for a definition. It serves the sweeper.
 *
 * Redis has the definitions of which tasks are started, and workers announce which they handle. If a definition has had no worker
 * for 30 s, the operator gets one log line, and each waiting task is marked (`waitingFor: 'worker'`), which its owner sees. Once
 * a worker handles the definition again, the marks are taken off.
 */

import type { TaskEvent } from '../../core/tasks/transition.ts';
import type { Emitter } from '../events/events.ts';
import { tellOnce } from '../events/tell-once.ts';
import { parseJobId } from '../queue/job.ts';
import type { WaitingCursor, WaitingJobs } from '../store/commands/process/find-waiting.ts';
import type { OwnedTask } from '../store/record.ts';
import type { Time } from '../time.ts';
import type { KnownWorker } from './worker-registry.ts';

/** A deploy may leave a definition without a worker for a moment. That is not reported. */
const REPORTED_AFTER_MS = 30_000;
/** For each definition, one sweep goes through this many waiting jobs of each list. The next sweep goes on from there. */
const JOBS_PER_SWEEP = 100;
/** After a longer pause between two sweeps, another process may have swept meanwhile, and left marks. */
const LONGEST_GAP_MS = 2_500;
/** Where the jobs begin that wait for a worker: in bee-queue's lists, and in the line. */
const BEGINNINGS: readonly (WaitingCursor | null)[] = [null, { owner: 0, at: 0 }];

/** What is needed of Redis. Each method rejects with a TaskError `store_unavailable` while Redis is away. */
export interface UnservedRedis {
  /** The definitions of which servers or workers start tasks. */
  definitions(): Promise<readonly string[]>;
  /**
   * A page of the jobs of a definition that wait for a worker or that a worker has taken, which may be dead. `cursor`: the `next`
   * of the page before, or null.
   */
  waitingJobs(name: string, cursor: WaitingCursor | null, limit: number): Promise<WaitingJobs>;
}

export interface UnservedOptions {
  readonly redis: UnservedRedis;
  readonly store: { read(id: string): Promise<OwnedTask | null> };
  readonly changes: { apply(task: OwnedTask, event: TaskEvent): Promise<unknown> };
  /** The time of day, by Redis' clock. */
  readonly clock: { iso(): string };
  readonly time: Pick<Time, 'elapsed'>;
  readonly events: Emitter;
  /** After how long without a worker, in ms, a definition is told as a mistake (`tellOnce`). Undefined: never. */
  readonly hintAfterMs?: number | undefined;
}

/** A definition that no worker handles. */
interface Unserved {
  /** On a clock that never goes back, in ms. */
  readonly since: number;
  isReported: boolean;
  /** Which of its waiting jobs are marked next. */
  cursor: WaitingCursor | null;
}

/** Marks tasks. It remembers from sweep to sweep which definitions have no worker, and since when. */
export class UnservedTasks {
  readonly #options: UnservedOptions;
  readonly #unserved = new Map<string, Unserved>();
  /** Which waiting jobs are unmarked next, for each definition that is handled again. */
  readonly #unmarking = new Map<string, WaitingCursor | null>();
  /** Definitions that have a worker, and whose tasks are unmarked or being unmarked. */
  readonly #clean = new Set<string>();
  #sweptAt = Number.NEGATIVE_INFINITY;

  constructor(options: UnservedOptions) {
    this.#options = options;
  }

  /** Goes through all definitions once. @param workers all registered ones, also dead ones @throws TaskError `store_unavailable` */
  async sweep(workers: readonly KnownWorker[]): Promise<void> {
    const handled = new Set(workers.filter(({ isAlive }) => isAlive).flatMap(({ names }) => names));
    const now = this.#options.time.elapsed();
    if (now - this.#sweptAt > LONGEST_GAP_MS) this.#clean.clear();
    this.#sweptAt = now;
    for (const name of await this.#options.redis.definitions()) {
      if (handled.has(name)) this.#noteHandled(name);
      else if (!this.#unserved.has(name)) this.#unserved.set(name, { since: now, isReported: false, cursor: null });
    }
    const { hintAfterMs = Number.POSITIVE_INFINITY } = this.#options;
    for (const [name, state] of this.#unserved) {
      const unservedMs = now - state.since;
      if (unservedMs >= REPORTED_AFTER_MS) await this.#report(name, state);
      else if (unservedMs >= hintAfterMs) await this.#hint(name);
    }
    for (const [name, cursor] of this.#unmarking) {
      const next = await this.#mark(name, cursor, null);
      if (next === null) this.#unmarking.delete(name);
      else this.#unmarking.set(name, next);
    }
  }

  #noteHandled(name: string): void {
    if (this.#unserved.get(name)?.isReported) {
      this.#options.events.emit('definition.with-worker', () => ({ name }));
      this.#clean.delete(name);
    }
    this.#unserved.delete(name);
    if (this.#clean.has(name)) return;
    this.#clean.add(name);
    this.#unmarking.set(name, null);
  }

  /**
   * Whether a task of the definition waits for a worker now. The first job of each of bee-queue's lists and of the line is enough
   * to tell. The first of the delayed jobs is the one that is due first: if that one is to start later, so are the others.
   */
  async #hasWaiting(name: string): Promise<boolean> {
    const { redis, store } = this.#options;
    for (const beginning of BEGINNINGS) {
      for (const job of (await redis.waitingJobs(name, beginning, 1)).jobs) {
        const wanted = parseJobId(job);
        const record = wanted && (await store.read(wanted.id));
        if (!record || !this.#isLater(record)) return true;
      }
    }
    return false;
  }

  /** Whether a task is to start later, so that it does not wait for a worker yet. */
  #isLater({ snapshot }: OwnedTask): boolean {
    return snapshot.status === 'queued' && (snapshot.startsAt ?? '') > this.#options.clock.iso();
  }

  async #hint(name: string): Promise<void> {
    if (await this.#hasWaiting(name)) tellOnce(this.#options.events, 'no-worker', name);
  }

  async #report(name: string, state: Unserved): Promise<void> {
    if (!(await this.#hasWaiting(name))) return;
    if (!state.isReported) {
      state.isReported = true;
      this.#unmarking.delete(name);
      this.#options.events.emit('definition.without-worker', () => ({ name }));
    }
    state.cursor = await this.#mark(name, state.cursor, 'worker');
  }

  /**
   * Marks the tasks of waiting jobs from `cursor` on, or takes their marks off: of at most 100 jobs of each list.
   * @param waitingFor null to take the marks off
   * @returns the cursor to go on from; null after the last job
   */
  async #mark(name: string, cursor: WaitingCursor | null, waitingFor: 'worker' | null): Promise<WaitingCursor | null> {
    const { redis, store, clock, changes } = this.#options;
    const { jobs, next } = await redis.waitingJobs(name, cursor, JOBS_PER_SWEEP);
    for (const job of jobs) {
      const wanted = parseJobId(job);
      const record = wanted && (await store.read(wanted.id));
      if (!record || (waitingFor && this.#isLater(record))) continue;
      const event: TaskEvent = { type: 'wait', at: clock.iso(), for: waitingFor };
      await changes.apply(record, event);
    }
    return next;
  }
}
