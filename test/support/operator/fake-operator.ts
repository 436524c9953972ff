// The calls of core/operator/ with made-up data, so that the operator's page can be built and tested without Redis. It keeps
// what is done in memory. Mount it below any path.

import express, { type Router } from 'express';
import type { Act, ActPreview, ActRequest, ActResult, ActTarget, AuditEntry } from '../../../core/operator/acts.ts';
import type { OperatorRole } from '../../../core/operator/calls.ts';
import type { DefinitionOverview, Overview } from '../../../core/operator/overview.ts';
import type { StuckReport } from '../../../core/operator/stuck.ts';
import type { TaskDetails } from '../../../core/operator/task-details.ts';
import type { OperatorTaskPage, TaskRow } from '../../../core/operator/tasks.ts';
import { STATUSES, type Status } from '../../../core/tasks/snapshot.ts';

const NOW = Date.parse('2026-03-01T12:00:00Z');
/** How many tasks one call changes of those that match a filter by status. */
const BATCH = 500;
const NAMES = ['import-contacts', 'export-report', 'send-mail'];
const before = (seconds: number) => new Date(NOW - seconds * 1_000).toISOString();

/** @param count how many tasks there are @param title of each */
export function fakeOperator(
  options: { readonly role?: OperatorRole; readonly count?: number; readonly title?: string } = {},
): Router {
  const { role = 'act', count = 240, title = 'Import contacts.csv' } = options;
  const tasks = Array.from({ length: count }, (_, n) => fakeTask(n, title));
  const paused = new Set<string>();
  const audit: AuditEntry[] = [];
  let previews = 0;
  /** The token of the act that `audit[0]` is about. */
  let lastToken = '';
  const streams = new Set<(event: string, data: unknown) => void>();
  const tell = () => {
    for (const send of streams) send('overview', overviewOf(tasks, paused));
    for (const send of streams) send('changed', { version: audit.length });
  };
  const router = express.Router();
  router.get('/api/session', (_req, res) => {
    const acts: Act[] = role === 'act' ? ['retry', 'cancel', 'forget', 'pause', 'resume'] : [];
    res.json({ role, who: 'ada', payloads: false, acts });
  });
  router.get('/api/overview', (_req, res) => void res.json(overviewOf(tasks, paused)));
  router.get('/api/tasks', (req, res) => {
    const { status, name, cursor } = req.query as Record<string, string | undefined>;
    const limit = Number(req.query.limit ?? 50);
    const found = tasks.filter(
      (task) => (!status || status.split(',').includes(task.status)) && (!name || task.name === name),
    );
    const from = cursor ? found.findIndex(({ id }) => id === cursor) + 1 : 0;
    const page = found.slice(from, from + limit);
    const nextCursor = from + limit < found.length ? (page.at(-1)?.id ?? null) : null;
    res.json({ time: before(0), tasks: page, nextCursor, lookedUntil: null } satisfies OperatorTaskPage);
  });
  router.get('/api/tasks/:id', (req, res) => {
    const task = tasks.find(({ id }) => id === req.params.id);
    if (task) return void res.json(detailsOf(task));
    const problem = { type: 'about:blank', title: 'Not Found', status: 404, detail: 'There is no such task.' };
    res
      .status(404)
      .type('application/problem+json')
      .send(JSON.stringify({ ...problem, code: 'not_found' }));
  });
  router.get('/api/stuck', (_req, res) => {
    const ids = tasks.slice(0, 3).map(({ id }) => id);
    const item = { name: 'send-mail', count: 7, ids, since: before(300), workers: [] };
    const items = [
      { ...item, reason: 'no-worker' as const },
      { ...item, reason: 'cancelling' as const, name: 'import-contacts', workers: ['w-1'] },
    ];
    res.json({ time: before(0), items, isPartial: false } satisfies StuckReport);
  });
  router.get('/api/audit', (_req, res) => void res.json({ entries: audit, nextCursor: null }));
  router.post('/api/acts', express.json(), (req, res) => {
    const body = req.body as ActRequest;
    const target =
      'target' in body ? body.target : (JSON.parse(body.token) as { target: ActTarget; preview: number }).target;
    const chosen = tasks.filter(({ id, status, owner }) => {
      if ('ids' in target) return target.ids.includes(id);
      if ('owner' in target) return target.owner === owner;
      return 'filter' in target && (!target.filter.status || target.filter.status.includes(status));
    });
    if ('preview' in body && body.preview) {
      const preview = { act: body.act, count: chosen.length, isCountComplete: true, tasks: chosen.slice(0, 20) };
      previews += 1;
      return void res.json({ ...preview, token: JSON.stringify({ target, preview: previews }) } satisfies ActPreview);
    }
    const name = 'name' in target ? target.name : null;
    if (name !== null && body.act === 'pause') paused.add(name);
    if (name !== null && body.act === 'resume') paused.delete(name);
    const isInSteps = 'filter' in target && target.filter.status !== undefined;
    const changed = isInSteps ? chosen.slice(0, BATCH) : chosen;
    for (const task of changed) {
      const status: Status = body.act === 'retry' ? 'queued' : 'cancelled';
      tasks[tasks.indexOf(task)] = {
        ...task,
        status,
        revision: task.revision + 1,
        canCancel: status === 'queued',
        canRetry: status !== 'queued',
      };
    }
    const token = 'token' in body ? body.token : '';
    const earlier = token && token === lastToken ? audit.shift() : undefined;
    lastToken = token;
    const entry = { at: before(0), who: 'ada', act: body.act, name, filter: null, owner: null, refused: 0 };
    const ids = [...(earlier?.ids ?? []), ...changed.map(({ id }) => id)].slice(0, 100);
    audit.unshift({ ...entry, done: (earlier?.done ?? 0) + changed.length, ids });
    const next = changed.length < chosen.length ? token : null;
    res.json({ act: body.act, done: changed.length, refused: 0, refusals: [], next } satisfies ActResult);
    tell();
  });
  router.get('/api/live', (_req, res) => {
    res.type('text/event-stream').flushHeaders();
    const send = (event: string, data: unknown) => void res.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    streams.add(send);
    res.once('close', () => streams.delete(send));
    send('overview', overviewOf(tasks, paused));
  });
  return router;
}

function fakeTask(n: number, title: string): TaskRow {
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

function overviewOf(tasks: readonly TaskRow[], paused: ReadonlySet<string>): Overview {
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

function detailsOf(task: TaskRow): TaskDetails {
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
