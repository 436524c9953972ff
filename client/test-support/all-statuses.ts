/** For tests and pictures: tasks in every status, with times that fit the moment of the call. */

import type { Progress, Snapshot } from '../../core/tasks/snapshot.ts';
import { createSnapshot } from '../../core/tasks/snapshot.ts';
import { evolve } from './snapshots.ts';

/** ISO time `seconds` ago. */
export function ago(seconds: number, now = Date.now()): string {
  return new Date(now - seconds * 1_000).toISOString();
}

/** A queued task, created `seconds` ago. Ids sort like `key`. */
export function create(key: number, title: string, seconds: number): Snapshot {
  const id = `0000-${String(key).padStart(4, '0')}`;
  return createSnapshot({ id, name: 'import-contacts', title, attempts: 3, at: ago(seconds) });
}

/** The task after it was started `seconds` ago, with a report of 1 s ago. It is expected to end in `expectedIn` seconds. */
export function run(task: Snapshot, seconds: number, progress?: Progress, expectedIn?: number): Snapshot {
  const expectedAt = expectedIn === undefined ? null : ago(-expectedIn);
  const started = evolve(task, { type: 'start', at: ago(seconds), expectedAt });
  return progress ? evolve(started, { type: 'progress', at: ago(1), attempt: started.attempt, progress }) : started;
}

/** The task after it succeeded `seconds` ago. */
export function succeed(task: Snapshot, seconds: number, result: unknown, progress?: Progress): Snapshot {
  return evolve(task, {
    type: 'succeed',
    at: ago(seconds),
    attempt: task.attempt,
    result,
    ...(progress && { progress }),
  });
}

/** The task after its attempt failed `seconds` ago. Without `retryIn` (seconds) the task has failed. */
export function fail(task: Snapshot, seconds: number, message: string, retryIn?: number): Snapshot {
  const error = { code: 'broken', message, retryable: retryIn !== undefined };
  const retryAt = retryIn === undefined ? null : ago(-retryIn);
  return evolve(task, { type: 'fail', at: ago(seconds), attempt: task.attempt, error, retryAt });
}

/** The task after its outcome was seen, just now. */
export function see(task: Snapshot): Snapshot {
  return evolve(task, { type: 'see', at: ago(0) });
}

/** At least one task in every status, in the order of their ids. */
export function allStatuses(): Snapshot[] {
  const tasks = [
    see(
      succeed(run(create(1, 'Export of all contacts', 7_400), 7_300), 7_200, {
        contacts: 10_000,
        downloadUrl: '/reports/1.csv',
      }),
    ),
    evolve(create(2, 'Import old-list.csv', 4_000), { type: 'cancel', at: ago(3_900) }),
    succeed(
      run(create(3, 'Import contacts-march.csv', 300), 290),
      120,
      { imported: 839, skipped: 3, rejectsUrl: '/rejects/3.csv' },
      { done: 842, total: 842, skipped: 3 },
    ),
    fail(
      run(create(4, 'Import customers.xlsx', 200), 190),
      180,
      'The file is not a CSV. Save it as CSV and try again.',
    ),
    succeed(run(create(5, 'Export contacts of Berlin', 100), 95), 30, {
      contacts: 1_204,
      downloadUrl: '/reports/5.csv',
    }),
    evolve(run(create(6, 'Import duplicates.csv', 60), 50, { done: 120, total: 400 }), { type: 'cancel', at: ago(1) }),
    fail(run(create(7, 'Import newsletter.csv', 50), 45), 2, 'The database did not answer in time.', 12),
    run(create(8, 'Report for the board', 400), 300, undefined, -30),
    run(create(9, 'Import a-rather-long-file-name-that-somebody-exported-from-another-system.csv', 40), 30, {
      done: 42,
      total: 256,
      stage: 'save',
      note: 'Checking e-mail addresses',
    }),
    { ...create(10, 'Import contacts-april.csv', 3), queue: { ahead: 3 } } as Snapshot,
    { ...create(11, 'Export contacts once a month', 2), startsAt: ago(-30 * 86_400) } as Snapshot,
  ];
  // The worker of "Report for the board" has given no sign of life for 47 s.
  const silent = tasks[7] as Snapshot;
  tasks[7] = { ...silent, signOfLifeAt: ago(47), updatedAt: ago(47) } as Snapshot;
  return tasks;
}
