// The calls of core/operator/ with made-up data, so that the operator's page can be built and tested without Redis. It keeps
// what is done in memory. Mount it below any path.
import express, { type Response, type Router } from 'express';
import type { Act, ActPreview, ActRequest, ActResult, ActTarget, AuditEntry } from '../../../core/operator/acts.ts';
import type { OperatorRole } from '../../../core/operator/calls.ts';
import type { StuckReport } from '../../../core/operator/stuck.ts';
import type { OperatorTaskPage, TaskRow } from '../../../core/operator/tasks.ts';
import type { Status } from '../../../core/tasks/snapshot.ts';
import { before, detailsOf, fakeTask, overviewOf } from './fake-operator-data.ts';

/** How many tasks one call changes of those that match a filter by status. An act on more takes several calls. */
const BATCH = 500;

export interface FakeOperatorOptions {
  /** Default `act`. */
  readonly role?: OperatorRole;
  /** How many tasks there are. Default 240. */
  readonly count?: number;
  /** The title of each task. */
  readonly title?: string;
}

/** A router with all calls of the operator's page. */
export function createFakeOperator(options: FakeOperatorOptions = {}): Router {
  const { role = 'act', count = 240, title = 'Import contacts.csv' } = options;
  const operator = new FakeOperator(Array.from({ length: count }, (_, n) => fakeTask(n, title)));
  const router = express.Router();
  router.get('/api/session', (_req, res) => {
    const acts: Act[] = role === 'act' ? ['retry', 'cancel', 'forget', 'pause', 'resume'] : [];
    res.json({ role, who: 'ada', payloads: false, acts });
  });
  router.get('/api/overview', (_req, res) => void res.json(operator.overview()));
  router.get('/api/tasks', (req, res) => void res.json(operator.list(req.query as Query)));
  router.get('/api/tasks/:id', (req, res) => {
    const task = operator.find(req.params.id);
    if (task) res.json(detailsOf(task));
    else answerNotFound(res);
  });
  router.get('/api/stuck', (_req, res) => void res.json(operator.stuck()));
  router.get('/api/audit', (_req, res) => void res.json({ entries: operator.audit, nextCursor: null }));
  router.post('/api/acts', express.json(), (req, res) => {
    const body = req.body as ActRequest;
    if ('preview' in body && body.preview) return void res.json(operator.preview(body.act, body.target));
    res.json(operator.act(body));
    operator.tellPages();
  });
  router.get('/api/live', (_req, res) => operator.stream(res));
  return router;
}

type Query = Readonly<Record<string, string | undefined>>;

/** What a token of the fake stands for, as JSON. `preview` counts the previews, so each has a token of its own. */
interface Token {
  readonly target: ActTarget;
  readonly preview: number;
}

function answerNotFound(res: Response): void {
  const problem = { type: 'about:blank', title: 'Not Found', status: 404, detail: 'There is no such task.' };
  const body = JSON.stringify({ ...problem, code: 'not_found' });
  res.status(404).type('application/problem+json').send(body);
}

/** The state behind the calls. */
class FakeOperator {
  /** The newest first. */
  readonly audit: AuditEntry[] = [];
  readonly #tasks: TaskRow[];
  /** The names of the definitions that are paused. */
  readonly #paused = new Set<string>();
  /** Writes an event to each open page. */
  readonly #streams = new Set<(event: string, data: unknown) => void>();
  #previews = 0;
  /** The token of the act that `audit[0]` is about. */
  #lastToken = '';

  constructor(tasks: TaskRow[]) {
    this.#tasks = tasks;
  }

  overview() {
    return overviewOf(this.#tasks, this.#paused);
  }

  find(id: string): TaskRow | undefined {
    return this.#tasks.find((task) => task.id === id);
  }

  list({ status, name, cursor, limit = '50' }: Query): OperatorTaskPage {
    const found = this.#tasks.filter(
      (task) => (!status || status.split(',').includes(task.status)) && (!name || task.name === name),
    );
    const from = cursor ? found.findIndex(({ id }) => id === cursor) + 1 : 0;
    const page = found.slice(from, from + Number(limit));
    const nextCursor = from + Number(limit) < found.length ? (page.at(-1)?.id ?? null) : null;
    return { time: before(0), tasks: page, nextCursor, lookedUntil: null };
  }

  stuck(): StuckReport {
    const ids = this.#tasks.slice(0, 3).map(({ id }) => id);
    const item = { name: 'send-mail', count: 7, ids, since: before(300), workers: [] };
    const items = [
      { ...item, reason: 'no-worker' as const },
      { ...item, reason: 'cancelling' as const, name: 'import-contacts', workers: ['w-1'] },
    ];
    return { time: before(0), items, isPartial: false };
  }

  preview(act: Act, target: ActTarget): ActPreview {
    const chosen = this.#choose(target);
    this.#previews += 1;
    const token = JSON.stringify({ target, preview: this.#previews } satisfies Token);
    return { act, count: chosen.length, isCountComplete: true, tasks: chosen.slice(0, 20), token };
  }

  act(body: ActRequest): ActResult {
    const { act } = body;
    const target = 'target' in body ? body.target : (JSON.parse(body.token) as Token).target;
    const token = 'token' in body ? body.token : '';
    const name = 'name' in target ? target.name : null;
    if (name !== null && act === 'pause') this.#paused.add(name);
    if (name !== null && act === 'resume') this.#paused.delete(name);
    const chosen = this.#choose(target);
    const isInSteps = 'filter' in target && target.filter.status !== undefined;
    const changed = isInSteps ? chosen.slice(0, BATCH) : chosen;
    for (const task of changed) this.#change(task, act === 'retry' ? 'queued' : 'cancelled');
    this.#note(act, name, changed, token);
    const next = changed.length < chosen.length ? token : null;
    return { act, done: changed.length, refused: 0, refusals: [], next };
  }

  /** Sends the overview to a page, and what changes from now on. */
  stream(res: Response): void {
    res.type('text/event-stream').flushHeaders();
    const send = (event: string, data: unknown) => void res.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    this.#streams.add(send);
    res.once('close', () => this.#streams.delete(send));
    send('overview', this.overview());
  }

  /** Tells all open pages that something has changed. */
  tellPages(): void {
    for (const send of this.#streams) send('overview', this.overview());
    for (const send of this.#streams) send('changed', { version: this.audit.length });
  }

  /** The tasks that an act on `target` is about. */
  #choose(target: ActTarget): TaskRow[] {
    return this.#tasks.filter(({ id, status, owner }) => {
      if ('ids' in target) return target.ids.includes(id);
      if ('owner' in target) return target.owner === owner;
      return 'filter' in target && (!target.filter.status || target.filter.status.includes(status));
    });
  }

  #change(task: TaskRow, status: Status): void {
    const canCancel = status === 'queued';
    const changed = { ...task, status, revision: task.revision + 1, canCancel, canRetry: !canCancel };
    this.#tasks[this.#tasks.indexOf(task)] = changed;
  }

  /** Adds an act to the audit log. All calls of one act, which have its token, make one entry. */
  #note(act: Act, name: string | null, changed: readonly TaskRow[], token: string): void {
    const earlier = token && token === this.#lastToken ? this.audit.shift() : undefined;
    this.#lastToken = token;
    const entry = { at: before(0), who: 'ada', act, name, filter: null, owner: null, refused: 0 };
    const ids = [...(earlier?.ids ?? []), ...changed.map(({ id }) => id)].slice(0, 100);
    this.audit.unshift({ ...entry, done: (earlier?.done ?? 0) + changed.length, ids });
  }
}
