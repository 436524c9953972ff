// Stand-ins for the parts that an attempt uses: a store of one task, and turns. For tests of attempts without Redis and bus.
import { NO_SUSPICION } from '../../../backend/recovery/probation.ts';
import type { StoredCheckpoint } from '../../../backend/store/record.ts';
import type { Change, ChangeOptions } from '../../../backend/task-changes.ts';
import { TaskError } from '../../../core/error.ts';
import type { AnyTaskDefinition } from '../../../core/tasks/definition.ts';
import { createSnapshot, isFinished, type Snapshot } from '../../../core/tasks/snapshot.ts';
import { type TaskEvent, transition } from '../../../core/tasks/transition.ts';
import type { AttemptChanges, Turns } from '../../../worker/progress/reporter-ports.ts';
import { move, TEST_ID, time } from '../task-events.ts';
import type { FakeTime } from './fake-time.ts';

/** Time between two turns of the stand-in, in ms: an owner's budget of ten events a second. */
export const TURN_MS = 100;

/** A task that a worker has just started, as a worker reads it. */
export function startedRecord(
  definition: Pick<AnyTaskDefinition, 'name' | 'attempts'>,
  stored: { readonly input: unknown; readonly raw: unknown } = { input: {}, raw: {} },
) {
  const queued = createSnapshot({
    id: TEST_ID,
    name: definition.name,
    title: '',
    attempts: definition.attempts,
    at: time(0),
  });
  const snapshot = move(queued, { type: 'start', at: time(0) });
  return {
    snapshot,
    owner: 'ada',
    ...stored,
    run: 1,
    worker: 'w',
    begunAt: 0,
    handedBackProgress: null,
    suspicion: NO_SUSPICION,
    checkpoint: null as StoredCheckpoint | null,
  };
}

/** What the store throws while Redis is away. */
export function unavailable(): TaskError {
  return new TaskError('store_unavailable', 'The store is away.', { status: 503 });
}

/** A store of one task, kept as JSON. `core/tasks/transition.ts` decides what an event does to the task. */
export class FakeChanges implements AttemptChanges {
  /** The task as it is stored. A test may put another one here. */
  snapshot: Snapshot;
  watched = false;
  /** Called before an event is applied. May throw, or be slow. */
  before: ((event: TaskEvent) => void | Promise<void>) | null = null;
  /** Called after an event was stored, before the answer. If it throws, the answer is lost. */
  after: ((event: TaskEvent) => void) | null = null;
  /** The events that were stored. */
  readonly events: TaskEvent[] = [];
  /** The snapshots that were pushed. */
  readonly pushed: Snapshot[] = [];
  /** The options of each call of `apply`. */
  readonly options: ChangeOptions[] = [];

  constructor(snapshot: Snapshot) {
    this.snapshot = snapshot;
  }

  async apply(task: { readonly owner: string }, event: TaskEvent, options: ChangeOptions): Promise<Change> {
    this.options.push(options);
    await this.before?.(event);
    const moved = transition(this.snapshot, event);
    if (!moved.ok) return { ok: false, refusal: moved.refusal, snapshot: this.snapshot };
    this.snapshot = JSON.parse(JSON.stringify(moved.snapshot));
    this.events.push(event);
    this.after?.(event);
    const snapshot = this.snapshot;
    const pushed = !options.isQuiet && this.push({ owner: task.owner, snapshot }, this.watched);
    return { ok: true, snapshot, watched: this.watched, pushed };
  }

  push({ snapshot }: { readonly owner: string; readonly snapshot: Snapshot }, watched: boolean): boolean {
    if (!watched && !isFinished(snapshot)) return false;
    this.pushed.push(snapshot);
    return true;
  }
}

/** Gives one turn every 100 ms. */
export class FakeTurns implements Turns {
  readonly #time: FakeTime;
  #freeAt = 0;
  /** For each turn that was asked for: its `after`, the earliest time for it, in ms from then. */
  readonly asked: number[] = [];
  /** How many turns were given and are not ended. */
  open = 0;

  constructor(time: FakeTime) {
    this.#time = time;
  }

  async takeTurn(_owner: string, _key: string, { after, signal }: { after: number; signal: AbortSignal }) {
    this.asked.push(after);
    const at = Math.max(this.#time.elapsed() + after, this.#freeAt);
    await this.#time.delay(at - this.#time.elapsed(), signal);
    if (signal.aborted) return null;
    this.#freeAt = this.#time.elapsed() + TURN_MS;
    this.open += 1;
    return {
      end: () => {
        this.open -= 1;
      },
    };
  }
}
