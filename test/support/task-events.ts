// Tasks, events and random sequences of events. For tests of everything that takes snapshots.
import fc from 'fast-check';
import type { OwnedTask } from '../../backend/store/record.ts';
import type { TaskStore } from '../../backend/store/store.ts';
import type { TaskFailure } from '../../core/error.ts';
import { type FamilyState, waitsForChildren } from '../../core/tasks/children.ts';
import { createSnapshot, type NewTask, type Progress, type Snapshot } from '../../core/tasks/snapshot.ts';
import { type TaskEvent, transition } from '../../core/tasks/transition.ts';

/** Every key of a snapshot, as the contract lists them; sorted. */
export const SNAPSHOT_KEYS = [
  'attempt',
  'attempts',
  'createdAt',
  'error',
  'expectedAt',
  'finishedAt',
  'id',
  'name',
  'progress',
  'result',
  'resultOmitted',
  'retryOf',
  'revision',
  'seenAt',
  'signOfLifeAt',
  'startedAt',
  'status',
  'title',
  'updatedAt',
] as const;

/** The id of {@link newTask}, unless told. */
export const TEST_ID = '019ab000-0000-7000-8000-000000000001';

/** A queued task; three attempts unless told. */
export function newTask(over: Partial<NewTask> = {}) {
  return createSnapshot({ id: TEST_ID, name: 'import', title: 'Import', attempts: 3, at: time(0), ...over });
}

/** A fixed moment plus `seconds`, as snapshots write it. */
export function time(seconds: number): string {
  return new Date(Date.UTC(2026, 0, 1) + seconds * 1_000).toISOString();
}

/** The error of a failed attempt. */
export const FAILURE: TaskFailure = { code: 'smtp_down', message: 'The mail server did not answer.', retryable: true };

/** Returns `task` after `events`. Throws when an event is refused. */
export function move(task: Snapshot, ...events: TaskEvent[]): Snapshot {
  let snapshot = task;
  for (const event of events) {
    const moved = transition(snapshot, event);
    if (!moved.ok) throw new Error(`${event.type} was refused in ${snapshot.status}: ${moved.refusal}`);
    snapshot = moved.snapshot;
  }
  return snapshot;
}

/** Stores what `events` do to a task, one after the other; returns its last snapshot. Throws when one is refused. */
export async function storeChanges(
  store: Pick<TaskStore, 'apply'>,
  { snapshot, owner }: OwnedTask,
  events: readonly TaskEvent[],
): Promise<Snapshot> {
  let latest = snapshot;
  for (const event of events) {
    const applied = await store.apply({ snapshot: latest, owner }, event);
    if (!applied.ok) throw new Error(`${event.type} was refused: ${applied.refusal}`);
    latest = applied.snapshot;
  }
  return latest;
}

/** Freezes a value and everything in it, so that a change throws. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
}

const count = fc.oneof(fc.nat(20), fc.constantFrom(-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 1e300));

/** A report as a handler might make it, valid or not. */
export const anyProgress: fc.Arbitrary<Progress> = fc.record(
  {
    done: count,
    total: fc.option(count),
    skipped: count,
    failed: count,
    stage: fc.constantFrom('read', 'save'),
    note: fc.string({ maxLength: 300 }),
    rate: count,
  },
  { requiredKeys: ['done', 'total'] },
);

/** What `eventFor` makes an event from. `attemptFrom` is added to the current attempt. */
export interface EventSeed {
  readonly type: TaskEvent['type'];
  readonly at: string;
  readonly attemptFrom: number;
  readonly progress: Progress;
  readonly withProgress: boolean;
  readonly retryable: boolean;
}

/** A random seed of an event. Its time may be before that of the last event, because clocks differ. */
export const anyEventSeed: fc.Arbitrary<EventSeed> = fc.record({
  type: fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom<TaskEvent['type']>('start', 'progress', 'alive', 'wait') },
    {
      weight: 2,
      arbitrary: fc.constantFrom<TaskEvent['type']>('succeed', 'fail', 'release', 'cancel', 'stop', 'see', 'children'),
    },
  ),
  at: fc.nat(1_000).map(time),
  attemptFrom: fc.constantFrom(0, 0, 0, 0, 0, 0, -1, 1),
  progress: anyProgress,
  withProgress: fc.boolean(),
  retryable: fc.boolean(),
});

/** The event that `seed` means for `task`. */
export function eventFor(task: Snapshot, seed: EventSeed): TaskEvent {
  const { at } = seed;
  const attempt = task.attempt + seed.attemptFrom;
  const progress = seed.withProgress ? seed.progress : null;
  const error = { ...FAILURE, retryable: seed.retryable };
  switch (seed.type) {
    case 'start':
    case 'cancel':
    case 'see':
      return { type: seed.type, at };
    case 'wait':
      return { type: 'wait', at, for: seed.retryable ? 'worker' : null };
    case 'progress':
      return { type: 'progress', at, attempt, progress: seed.progress };
    case 'alive':
      return { type: 'alive', at, attempt };
    case 'succeed':
      return { type: 'succeed', at, attempt, result: { imported: 1 }, progress };
    case 'fail':
      return { type: 'fail', at, attempt, error, retryAt: at, progress };
    case 'release':
      return { type: 'release', at, attempt, error };
    case 'stop':
      return { type: 'stop', at, attempt, progress };
    case 'children':
      return { type: 'children', at, ...newsFor(task, seed) };
  }
}

/** One child more, or an outcome of one. A task that waits for its children gets no more. */
function newsFor(task: Snapshot, { withProgress, retryable, attemptFrom }: EventSeed): FamilyState {
  const { total, ended, failed } = task.children ?? { total: 0, ended: 0, failed: 0 };
  const isNew = total === 0 || (!withProgress && !waitsForChildren(task));
  const hasFailed = !isNew && !retryable && ended < total;
  return {
    children: {
      total: total + Number(isNew),
      ended: Math.min(ended + Number(!isNew), total),
      failed: failed + Number(hasFailed),
    },
    returned: waitsForChildren(task) && task.status === 'running' ? { result: { imported: 2 } } : null,
    onChildFailure: attemptFrom === 0 ? 'ignore' : 'fail',
  };
}
