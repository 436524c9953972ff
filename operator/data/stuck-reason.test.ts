import { describe, expect, it } from '@jest/globals';
import type { TaskEntry } from '../../backend/operator/task-entries.ts';
import { NO_SUSPICION } from '../../backend/recovery/probation.ts';
import type { KnownWorker } from '../../backend/recovery/worker-registry.ts';
import { createSnapshot, type Snapshot } from '../../core/tasks/snapshot.ts';
import { transition } from '../../core/tasks/transition.ts';
import { judgeTask, type Surroundings } from './stuck-reason.ts';

const NOW = Date.parse('2026-03-01T12:00:00.000Z');
const ago = (seconds: number) => new Date(NOW - seconds * 1_000).toISOString();
const worker: KnownWorker = {
  id: 'w',
  names: ['work'],
  stallInterval: 5_000,
  knowsLine: true,
  isAlive: true,
  blockedFor: 0,
};
/** A task that waits at no gate, and of which no cancellation is known. */
const NOTHING_ELSE = { isAtGate: false, cancelledAt: null };

/** A task that was created `age` seconds ago. All else has happened `sign` seconds ago, the last sign of life too. */
function task(
  status: 'queued' | 'running' | 'cancelling' | 'retrying' | 'children',
  age: number,
  sign = age,
): TaskEntry {
  let snapshot: Snapshot = createSnapshot({ id: 't', name: 'work', title: 'Work', attempts: 3, at: ago(age) });
  const apply = (event: Parameters<typeof transition>[1]) => {
    const moved = transition(snapshot, event);
    if (!moved.ok) throw new Error(moved.refusal);
    snapshot = moved.snapshot;
  };
  const error = { code: 'no_disk', message: 'Full.', retryable: true };
  if (status !== 'queued') apply({ type: 'start', at: ago(sign) });
  if (status === 'retrying') apply({ type: 'fail', at: ago(sign), attempt: 1, error, retryAt: ago(sign) });
  if (status === 'cancelling') apply({ type: 'cancel', at: ago(sign) });
  if (status === 'children') {
    const children = { total: 1, ended: 0, failed: 0 };
    apply({ type: 'children', at: ago(sign), children, returned: null, onChildFailure: 'fail' });
    apply({ type: 'succeed', at: ago(sign), attempt: 1, result: null });
  }
  const facts = { retriedBy: null, begunAt: null, runs: 0, gate: null, suspicion: NO_SUSPICION, children: null };
  return { id: 't', owner: 'ada', snapshot, worker: status === 'running' ? 'w' : null, ...facts };
}

/** The surroundings of a task: these workers, and these paused definitions. */
function around({
  workers = [worker],
  paused = [],
}: {
  readonly workers?: readonly KnownWorker[];
  readonly paused?: readonly string[];
} = {}): Surroundings {
  return {
    now: NOW,
    workers: new Map(workers.map((one) => [one.id, one])),
    handled: new Set(workers.flatMap((one) => (one.isAlive ? one.names : []))),
    paused: new Set(paused),
  };
}

describe('a task', () => {
  it.each([
    ['that has just come', task('queued', 5), around(), NOTHING_ELSE, null],
    ['that waits for a minute', task('queued', 61), around(), NOTHING_ELSE, 'line'],
    ['whose definition no worker handles', task('queued', 1), around({ workers: [] }), NOTHING_ELSE, 'no-worker'],
    [
      'that waits for its attempt, without a worker',
      task('retrying', 9),
      around({ workers: [] }),
      NOTHING_ELSE,
      'no-worker',
    ],
    ['whose definition is paused', task('queued', 1), around({ paused: ['work'] }), NOTHING_ELSE, 'paused'],
    [
      'whose concurrency key is taken',
      task('queued', 1),
      around(),
      { ...NOTHING_ELSE, isAtGate: true },
      'concurrency-key',
    ],
    ['that runs', task('running', 900, 11), around(), NOTHING_ELSE, null],
    ['without a sign of life', task('running', 900, 31), around(), NOTHING_ELSE, 'no-sign-of-life'],
    [
      'whose worker is dead',
      task('running', 9),
      around({ workers: [{ ...worker, isAlive: false }] }),
      NOTHING_ELSE,
      'no-sign-of-life',
    ],
    [
      'whose worker is blocked',
      task('running', 9),
      around({ workers: [{ ...worker, blockedFor: 4_000 }] }),
      NOTHING_ELSE,
      'blocked',
    ],
    ['that waits for its children', task('children', 900, 61), around(), NOTHING_ELSE, 'children'],
    ['whose children have just changed', task('children', 900, 5), around(), NOTHING_ELSE, null],
    ['that has just been cancelled', task('cancelling', 900, 5), around(), NOTHING_ELSE, null],
    ['whose handler does not stop', task('cancelling', 900, 31), around(), NOTHING_ELSE, 'cancelling'],
    [
      'that is cancelled and gives signs of life',
      task('cancelling', 900, 5),
      around(),
      { ...NOTHING_ELSE, cancelledAt: NOW - 31_000 },
      'cancelling',
    ],
  ] as const)('%s', (_what, entry, surroundings, more, reason) => {
    expect(judgeTask(entry, surroundings, more)?.reason ?? null).toBe(reason);
  });

  it('that is to start later is not stuck', () => {
    const snapshot = createSnapshot({
      id: 't',
      name: 'work',
      title: 'Work',
      attempts: 3,
      at: ago(900),
      startsAt: ago(-60),
    });
    expect(judgeTask({ ...task('queued', 900), snapshot }, around({ workers: [] }), NOTHING_ELSE)).toBeNull();
  });
});
