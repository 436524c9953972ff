// The made-up data of the fake operator: tasks, the overview, and the details of a task.
import type { DefinitionOverview, Overview } from '../../../core/operator/overview.ts';
import type { TaskDetails } from '../../../core/operator/task-details.ts';
import type { TaskRow } from '../../../core/operator/tasks.ts';
import { STATUSES, type Status } from '../../../core/tasks/snapshot.ts';

/** The time of all answers. It stands still. */
const NOW = Date.parse('2026-03-01T12:00:00Z');
const NAMES = ['import-contacts', 'export-report', 'send-mail'];

/** A time before that of the answers, as snapshots write it. */
export const before = (seconds: number) => new Date(NOW - seconds * 1_000).toISOString();

/** Task number `n`. The statuses, definitions and owners take turns; each task is a minute older than the one before. */
export function fakeTask(n: number, title: string): TaskRow {
  const status = STATUSES[n % STATUSES.length] as Status;
  const isActive = n % STATUSES.length < 4;
  const isStarted = status !== 'queued';
  return {
    id: `0195${String(n).padStart(4, '0')}-0000-7000-8000-000000000000`,
    name: NAMES[n % NAMES.length] as string,
    owner: `user-${n % 12}`,
    title,
    status,
    attempt: isStarted ? 1 : 0,
    attempts: 3,
    progress: isStarted ? { done: 40, total: 100 } : null,
    createdAt: before(60 * n + 30),
    startedAt: isStarted ? before(60 * n + 20) : null,
    updatedAt: before(60 * n),
    finishedAt: isActive ? null : before(60 * n),
    signOfLifeAt: isStarted ? before(60 * n) : null,
    dueAt: null,
    seenAt: null,
    error: status === 'failed' || status === 'retrying' ? { code: 'no_disk', message: 'The disk is full.' } : null,
    revision: 5,
    canCancel: isActive && status !== 'cancelling',
    canRetry: status === 'failed' || status === 'cancelled',
  };
}

/** The overview. @param paused the names of the definitions that are paused */
export function overviewOf(tasks: readonly TaskRow[], paused: ReadonlySet<string>): Overview {
  return {
    time: before(0),
    definitions: NAMES.map((name): DefinitionOverview => {
      const own = tasks.filter((task) => task.name === name);
      const counts = Object.fromEntries(
        STATUSES.map((status) => [status, own.filter((task) => task.status === status).length]),
      );
      return {
        name,
        counts: counts as Record<Status, number>,
        line: counts.queued ?? 0,
        oldestQueuedAt: before(120),
        paused: paused.has(name) ? { since: before(10), who: 'ada' } : null,
        workers: name === 'send-mail' ? 0 : 2,
        endedByMinute: Array.from({ length: 60 }, (_, n) => (n * 7) % 13),
        endedPerMinute: 6.2,
        runSeconds: { median: 2.4, p95: 31, of: 200 },
        outcomes: { succeeded: 900, failed: 12, cancelled: 3 },
        failures: [
          { code: 'no_disk', count: 9 },
          { code: 'worker_lost', count: 3 },
        ],
      };
    }),
    workers: [
      {
        id: '6f9619ff-8b86-4d01-b42d-00c04fc964ff',
        names: ['import-contacts', 'export-report'],
        isAlive: true,
        since: before(7_200),
        concurrency: 4,
        blockedSeconds: 12.5,
        runningCount: 1,
        running: [{ id: (tasks[1] as TaskRow).id, name: 'import-contacts', since: before(65) }],
      },
    ],
    workerCount: 1,
    bus: {
      kind: 'own',
      outage: null,
      backlog: 2,
      backlogSince: before(4),
      eventsSent: 9_000,
      tasksEnded: 1_000,
      messagesPerTask: 18,
      messagesPerMonth: 12_960_000,
      plan: { name: 'Startup', dollarsPerMonth: 49, messagesPerDay: 1_000_000 },
      assumption: 'Each event counts twice: once sent, and once delivered to one open page.',
    },
    index: { isComplete: true },
    stuck: 2,
  };
}

/** The details of a task that was started, crashed, and is due again. */
export function detailsOf(task: TaskRow): TaskDetails {
  const entry = { attempt: 1, code: null, worker: null, dueAt: null };
  return {
    time: before(0),
    task,
    story: [
      { ...entry, at: task.createdAt, type: 'accepted', attempt: 0 },
      { ...entry, at: task.createdAt, type: 'started', worker: '6f9619ff-8b86-4d01-b42d-00c04fc964ff' },
      { ...entry, at: task.updatedAt, type: 'crashed', code: 'worker_lost', dueAt: task.updatedAt },
    ],
    isStoryCut: false,
    stuck: null,
    facts: {
      runs: 1,
      worker: null,
      ahead: null,
      gate: null,
      parent: null,
      children: null,
      retryOf: null,
      retriedBy: null,
      isUnpushed: false,
      crashes: 1,
    },
    payload: null,
  };
}
