// A worker with stand-ins for queue, store, heartbeat and time: no Redis, no threads, no waiting. For the tests of the worker.
import { z } from 'zod';
import { Events } from '../../../backend/events/events.ts';
import { jobIdOf } from '../../../backend/queue/job.ts';
import type { JobHandler } from '../../../backend/queue/queue.ts';
import { NO_SUSPICION, type Suspicion } from '../../../backend/recovery/probation.ts';
import { decodeRecord, type StoredFields, type TaskRecord } from '../../../backend/store/record.ts';
import type { Change, ChangeOptions } from '../../../backend/task-changes.ts';
import { defineTask } from '../../../core/tasks/definition.ts';
import { isFinished, type Snapshot } from '../../../core/tasks/snapshot.ts';
import { type TaskEvent, transition } from '../../../core/tasks/transition.ts';
import type { TaskContext } from '../../../worker/context.ts';
import { LookTimer } from '../../../worker/progress/look-timer.ts';
import { Worker } from '../../../worker/task-worker.ts';
import type { WorkerPorts } from '../../../worker/worker-ports.ts';
import { recordLog } from '../log.ts';
import { time as at, newTask } from '../task-events.ts';
import { FakeTime, settled } from './fake-time.ts';
import { FakeTurns } from './fake-worker-ports.ts';

/** The definition that the worker handles. */
export const work = defineTask({ name: 'work', input: z.any(), attempts: 3 });
// The options of the worker.
const CONCURRENCY = 4;
export const GRACE_MS = 1_000;
export const DRAIN_MS = 20_000;
const STALL_MS = 5_000;

/** A handler whose calls return when a test says so. */
class HeldHandler {
  /** By task: what lets each call return. */
  readonly #finishers = new Map<string, (() => void)[]>();
  readonly #isDeaf: boolean;

  constructor(isDeaf: boolean) {
    this.#isDeaf = isDeaf;
  }

  async run(context: TaskContext): Promise<void> {
    await new Promise<void>((finish) => {
      this.#finishers.set(context.id, [...this.#finishersOf(context.id), finish]);
      if (!this.#isDeaf) context.signal.addEventListener('abort', () => finish());
    });
    if (!this.#isDeaf) context.signal.throwIfAborted();
  }

  /** Lets all calls for a task return. */
  finish(id: string): void {
    for (const finish of this.#finishersOf(id)) finish();
  }

  /** How often it was called for a task. */
  count(id: string): number {
    return this.#finishersOf(id).length;
  }

  #finishersOf(id: string): readonly (() => void)[] {
    return this.#finishers.get(id) ?? [];
  }
}

/** What the stand-ins hold, and what the worker has given them. */
class FakeParts {
  readonly time = new FakeTime();
  readonly clock = { iso: (ms = 0) => at((this.time.elapsed() + ms) / 1_000) };
  readonly log = recordLog();
  readonly records = new Map<string, TaskRecord>();
  /** What the worker has asked for, in order. */
  readonly calls: string[] = [];
  /** Ids of what the heartbeat knows to run. */
  readonly running = new Set<string>();
  /**
   * Faults that a test causes. `before` is called before a `read` and before an event is applied, `after` once an event is stored,
   * both with the name. `onCancel` is called when the worker begins to listen for cancels. Each may throw.
   */
  readonly trouble: {
    before?: ((what: string) => void) | undefined;
    after?: ((what: string) => void) | undefined;
    onCancel?: (() => void) | undefined;
  } = {};
  /** Hands a job to the worker; null before it takes any. */
  deliver: JobHandler | null = null;
  /** Whether the worker takes no jobs any more. */
  isClosed = false;
  announceCancel: (id: string) => void = () => undefined;

  /** Applies an event as the store does. */
  async apply(task: { owner: string; snapshot: Snapshot }, event: TaskEvent, options: ChangeOptions): Promise<Change> {
    this.trouble.before?.(event.type);
    const record = this.records.get(task.snapshot.id);
    if (!record) return { ok: false, refusal: 'missing', snapshot: null };
    if (options.run !== undefined && options.run !== record.run) {
      return { ok: false, refusal: 'stale_attempt', snapshot: null };
    }
    const moved = transition(record.snapshot, event);
    if (!moved.ok) return { ok: false, refusal: moved.refusal, snapshot: record.snapshot };
    const { snapshot } = moved;
    const begun = options.start ? { run: record.run + 1, worker: options.start.worker } : {};
    this.records.set(snapshot.id, { ...record, snapshot, ...begun });
    this.calls.push(`${event.type} ${snapshot.id}`);
    this.trouble.after?.(event.type);
    return { ok: true, snapshot, watched: false, pushed: isFinished(snapshot) };
  }

  /** Stores a task that waits for its first run. */
  accept(id: string, suspicion: Partial<Suspicion> = {}): void {
    this.records.set(id, {
      snapshot: newTask({ id, name: work.name }),
      owner: 'ada',
      input: {},
      raw: {},
      run: 0,
      worker: null,
      begunAt: 0,
      handedBackProgress: null,
      suspicion: { ...NO_SUSPICION, ...suspicion },
      checkpoint: null,
    });
  }
}

/** The ports of a worker that runs on these parts. */
function portsOn(parts: FakeParts): WorkerPorts {
  const { time, clock, log, records, calls, running, trouble } = parts;
  return {
    time,
    hooks: null,
    clock,
    events: new Events(log),
    random: () => 0,
    changes: { apply: (...of) => parts.apply(...of), push: () => false },
    children: { create: async () => ({ result: 'refused', why: 'stale' }), announce: () => undefined },
    turns: new FakeTurns(time),
    lookTimer: new LookTimer(time),
    accuracy: 0.01,
    store: {
      read: async (id, want, known) => {
        if (known) return decodeRecord(known, want);
        trouble.before?.('read');
        return records.get(id) ?? null;
      },
      medianDuration: async () => null,
    },
    queues: {
      consume: async (_name, _options, handler) => {
        parts.deliver = handler;
        return {
          close: async () => {
            parts.isClosed = true;
          },
        };
      },
    },
    onCancel: async (listener) => {
      trouble.onCancel?.();
      parts.announceCancel = listener;
    },
    passProbation: async (_worker, task) => void calls.push(`pass ${task}`),
    startHeartbeat: () => ({
      begin: ({ id }) => void running.add(id),
      end: (id) => void running.delete(id),
      sharedBlockMs: 0,
      stop: async () => void calls.push('heartbeat stopped'),
    }),
    startSweeping: () => undefined,
    clockReady: async () => undefined,
    drainPushes: async () => void calls.push('pushes drained'),
  };
}

/**
 * Makes a worker whose handler runs until `finish`.
 *
 * @param isDeaf whether the handler ignores its signal
 */
export function setUpWorker({ isDeaf = false }: { isDeaf?: boolean } = {}) {
  const parts = new FakeParts();
  const { time, calls, records, running, trouble, log } = parts;
  const handler = new HeldHandler(isDeaf);
  const worker = new Worker(
    { concurrency: CONCURRENCY, grace: GRACE_MS, drain: DRAIN_MS, stallInterval: STALL_MS },
    portsOn(parts),
  );
  worker.handle(work, (_input, context) => handler.run(context));
  const shutdown = new AbortController();
  /** How `run` ended: null while it has not. */
  let ended: 'resolved' | unknown = null;

  return {
    ...{ time, calls, records, running, trouble, log, shutdown },
    async start() {
      void worker.run({ signal: shutdown.signal }).then(
        () => {
          ended = 'resolved';
        },
        (error) => {
          ended = error;
        },
      );
      await settled();
    },
    /** A task that waits for its first run. */
    accept: (id: string, suspicion?: Partial<Suspicion>) => parts.accept(id, suspicion),
    /**
     * Delivers a job. Returns a function that says whether the worker has handled the job by now. Its `withOutcome` says whether
     * the job left the queue together with the outcome of its task; otherwise it leaves the queue now.
     * @param fields those of its task, if they come with the job
     */
    async deliver(id: string, run = 1, fields?: StoredFields) {
      let answer: boolean | null = null;
      if (!parts.deliver) throw new Error('the worker takes no jobs');
      void parts.deliver(jobIdOf({ id, run }), fields).then((isOff) => {
        answer = isOff;
      });
      await settled();
      return Object.assign(() => answer !== null, { withOutcome: () => answer === true });
    },
    /** Lets the handler of a task return. */
    async finish(id: string) {
      handler.finish(id);
      await settled();
    },
    /** The owner cancels a task. */
    async cancel(id: string) {
      const record = records.get(id);
      if (record) await parts.apply(record, { type: 'cancel', at: parts.clock.iso() }, {});
      parts.announceCancel(id);
      await settled();
    },
    status: (id: string) => records.get(id)?.snapshot.status,
    /** How often the handler was called for a task. */
    handled: (id: string) => handler.count(id),
    get isClosed() {
      return parts.isClosed;
    },
    get ended() {
      return ended;
    },
  };
}
