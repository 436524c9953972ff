// What the operator is shown, on a real Redis, with a real server and a real worker.
import { describe, expect, it } from '@jest/globals';
import express from 'express';
import type { Overview } from '../core/operator/overview.ts';
import type { StuckReport } from '../core/operator/stuck.ts';
import type { TaskDetails } from '../core/operator/task-details.ts';
import type { OperatorTaskPage } from '../core/operator/tasks.ts';
import { eventually } from '../test/support/eventually.ts';
import { startHttpServer } from '../test/support/http-server.ts';
import { alone, orphan, parent } from '../test/support/operator/operator-tasks.ts';
import { useOperator } from '../test/support/operator/operator-world.ts';
import { backendOn, NO_BUS } from '../test/support/parts.ts';
import { createOperator } from './create-operator.ts';

const world = useOperator();
const PATHS = [
  '/',
  '/page.js',
  '/api/session',
  '/api/overview',
  '/api/tasks',
  '/api/tasks/x',
  '/api/stuck',
  '/api/audit',
  '/api/live',
];

const page = (query: string): Promise<OperatorTaskPage> => world.get(`/api/tasks?${query}`);
const ids = ({ tasks }: OperatorTaskPage) => tasks.map(({ id }) => id);

describe('the operator’s page', () => {
  it.each(PATHS)('is 404 at %s for those whom allow refuses', async (path) => {
    const response = await world.call(path, {}, 'none');
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ code: 'not_found' });
  });

  it('is 404 for their acts, too, from their own or another site', async () => {
    const body = { act: 'pause', target: { name: 'pausable' } };
    for (const headers of [{}, { origin: 'https://evil.example' }]) {
      expect((await world.post(body, 'none', headers)).status).toBe(404);
    }
  });

  it('lets a viewer look, and not act', async () => {
    const session = await (await world.call('/api/session', {}, 'view')).json();
    expect(session).toEqual({ role: 'view', who: null, payloads: false, acts: [] });
    const response = await world.post({ act: 'pause', target: { name: 'pausable' } }, 'view');
    expect([response.status, (await response.json()).code]).toEqual([403, 'view_only']);
    expect(await world.raw.exists('inloop:paused:pausable')).toBe(0);
  });

  it('takes an act from no page of another site', async () => {
    for (const headers of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'same-site' }]) {
      const response = await world.post({ act: 'pause', target: { name: 'pausable' } }, 'act', headers);
      expect([response.status, (await response.json()).code]).toEqual([403, 'cross_site']);
    }
    expect(await world.raw.exists('inloop:paused:pausable')).toBe(0);
  });

  it('answers 503 while Redis is away, and says when to try again', async () => {
    const backend = backendOn({ ...NO_BUS, REDIS_URL: 'redis://127.0.0.1:1' });
    const operator = createOperator({ backend, tasks: [], allow: () => 'act' });
    const server = await startHttpServer(express().use(operator.router));
    const answers = await Promise.all(
      ['overview', 'tasks', 'stuck', 'audit', 'live'].map((path) => fetch(`${server.url}/api/${path}`)),
    );
    for (const { status, headers } of answers) expect([status, headers.get('retry-after')]).toEqual([503, '1']);
    operator.close();
    await server.close();
    await backend.close();
  });

  it('may be kept by no cache', async () => {
    expect((await world.call('/api/tasks')).headers.get('cache-control')).toContain('no-store');
  });
});

describe('one task', () => {
  it('is shown with its story: accepted, started, an attempt that failed, and how it ended', async () => {
    const { id } = await world.start({ fails: 1 });
    await world.reaches(id, 'succeeded');
    // The push gets into the story a moment after the outcome.
    const details = await eventually(async (): Promise<TaskDetails | false> => {
      const now: TaskDetails = await world.get(`/api/tasks/${id}`);
      return now.story.at(-1)?.type === 'pushed' && now;
    });
    const story = details.story.filter(({ type }) => type !== 'pushed');
    expect(story.map(({ type, attempt, code }) => [type, attempt, code])).toEqual([
      ['accepted', 0, null],
      ['started', 1, null],
      ['failed-attempt', 1, 'no_disk'],
      ['started', 2, null],
      ['succeeded', 2, null],
    ]);
    expect(details.facts).toMatchObject({ runs: 2, worker: null, isUnpushed: false, retriedBy: null, crashes: 0 });
    expect(details.task).toMatchObject({ owner: 'ada', title: 'Work', status: 'succeeded', attempt: 2, error: null });
    expect(details).toMatchObject({ isStoryCut: false, stuck: null, payload: null });
    await world.tasks.tasks.seen('ada', [id]);
    const seen: TaskDetails = await world.get(`/api/tasks/${id}`);
    expect(seen.story.at(-1)?.type).toBe('seen');
  });

  it('is shown without inputs, results and notes, unless the application wants them shown', async () => {
    const { id } = await world.start({ message: 'top secret input' });
    await world.reaches(id, 'succeeded');
    const plain = JSON.stringify(await world.get(`/api/tasks/${id}`));
    for (const text of ['top secret input', '"result"', 'a note']) expect(plain).not.toContain(text);
    const other = await world.mount({ payloads: true });
    const response = await fetch(`${other.url}/api/tasks/${id}`, { headers: { 'x-role': 'view' } });
    const { payload } = (await response.json()) as TaskDetails;
    expect(payload).toMatchObject({ input: expect.stringContaining('top secret input'), note: 'a note' });
    expect(payload?.result).toContain('result');
    await other.close();
  });

  it('is 404 if there is none', async () => {
    for (const id of ['x', '01a2b3c4-0000-7000-8000-000000000000']) {
      expect((await world.call(`/api/tasks/${id}`)).status).toBe(404);
    }
  });
});

describe('the list of tasks', () => {
  it('has the tasks that meet all conditions, and no others', async () => {
    // Both fail with the message "The disk is full.", and with different codes.
    const [noDisk, noNet] = [
      await world.start({ fails: 2 }, 'bob'),
      await world.start({ fails: 2, code: 'no_net' }, 'bob'),
    ];
    const waiting = await world.tasks.start(orphan, {}, { owner: 'eve' });
    for (const { id } of [noDisk, noNet]) await world.reaches(id, 'failed', 'bob');
    expect(ids(await page('owner=bob&status=failed'))).toEqual([noNet.id, noDisk.id]);
    expect(ids(await page('owner=bob&error=full%20NO_DISK'))).toEqual([noDisk.id]);
    expect(ids(await page('status=failed&error=no_net'))).toEqual([noNet.id]);
    expect(ids(await page('name=orphan&status=queued,running'))).toEqual([waiting.id]);
    expect(ids(await page('name=orphan&status=succeeded'))).toEqual([]);
    const [created] = (await page('name=orphan')).tasks.map(({ createdAt }) => createdAt);
    const later = new Date(Date.parse(created ?? '') + 1).toISOString();
    expect(ids(await page(`owner=bob&until=${created}`))).toEqual([noNet.id, noDisk.id]);
    expect(ids(await page(`name=orphan&since=${created}`))).toEqual([waiting.id]);
    expect(ids(await page(`since=${later}`))).toEqual([]);
  });

  it.each([
    'status=done',
    'name=No',
    'since=soon',
    'limit=0',
    'limit=101',
    'cursor=x',
    // White space alone has no word to search for.
    'error=%20',
    `error=${'long-'.repeat(41)}`,
  ])('refuses %s with a reason', async (query) => {
    const response = await world.call(`/api/tasks?${query}`);
    expect([response.status, (await response.json()).code]).toEqual([400, 'invalid_query']);
  });

  it('goes on page by page while tasks come and change: none twice, none of the old ones missing', async () => {
    const started = await Promise.all(Array.from({ length: 30 }, () => world.start({}, 'pages')));
    const found: string[] = [];
    let cursor = '';
    do {
      const next = await page(`owner=pages&limit=7${cursor && `&cursor=${cursor}`}`);
      found.push(...ids(next));
      cursor = next.nextCursor ?? '';
      await world.start({}, 'pages');
    } while (cursor !== '');
    expect(new Set(found).size).toBe(found.length);
    expect(found).toEqual(expect.arrayContaining(started.map(({ id }) => id)));
  });

  it('leaves out what is gone, and takes it out of the index', async () => {
    const { id } = await world.start({}, 'gone');
    await world.reaches(id, 'succeeded', 'gone');
    await world.raw.del(`inloop:task:${id}`);
    expect(ids(await page('name=work&status=succeeded&limit=100'))).not.toContain(id);
    expect(await world.raw.zScore('inloop:operator:of:work:succeeded', id)).toBeNull();
  });

  it('corrects its index for a task that an earlier version, which knows no index, has changed', async () => {
    const { id } = await world.start({}, 'moved');
    await world.reaches(id, 'succeeded', 'moved');
    await world.raw.zRem('inloop:operator:of:work:succeeded', id);
    await world.raw.zAdd('inloop:operator:of:work:queued', { score: 0, value: id });
    expect(ids(await page('name=work&status=queued'))).not.toContain(id);
    expect(ids(await page('name=work&status=succeeded&limit=100'))).toContain(id);
  });

  it('has tasks that were stored before the page was first mounted', async () => {
    const { id } = await world.start({}, 'before');
    await world.reaches(id, 'succeeded', 'before');
    // Without these keys, Redis is as it was before the page was first mounted.
    const keys = await world.raw.keys('inloop:operator*');
    await world.raw.del(keys);
    const other = await world.mount();
    await eventually(async () => {
      const overview: Overview = await (
        await fetch(`${other.url}/api/overview`, { headers: { 'x-role': 'view' } })
      ).json();
      return overview.index.isComplete;
    });
    expect(ids(await page('name=work&status=succeeded&limit=100'))).toContain(id);
    await other.close();
  });
});

describe('what is stuck', () => {
  const stuck = async (): Promise<StuckReport> => {
    const other = await world.mount();
    const report = await (await fetch(`${other.url}/api/stuck`, { headers: { 'x-role': 'view' } })).json();
    await other.close();
    return report;
  };

  it('names tasks without a worker, and says in the view of a task at once that it waits for its concurrency key', async () => {
    const [first, second] = [
      await world.tasks.start(alone, { holds: true }, { owner: 'ada' }),
      await world.tasks.start(alone, {}, { owner: 'ada' }),
    ];
    const lonely = await world.tasks.start(orphan, {}, { owner: 'ada' });
    await world.reaches(first.id, 'running');
    const { items } = await stuck();
    expect(items.find(({ reason }) => reason === 'no-worker')).toMatchObject({ name: 'orphan' });
    expect(items.find(({ reason }) => reason === 'no-worker')?.ids).toContain(lonely.id);
    // The report names a task that waits for its key only after a minute. The view of that task says it at once.
    expect(items.find(({ reason }) => reason === 'concurrency-key')).toBeUndefined();
    expect((await world.get(`/api/tasks/${second.id}`)).stuck).toBe('concurrency-key');
    expect((await world.get(`/api/tasks/${lonely.id}`)).stuck).toBe('no-worker');
    world.letGo(first.id);
    await world.reaches(second.id, 'succeeded');
  });

  it('follows a parent and its child', async () => {
    const family = await world.tasks.start(parent, { holds: true }, { owner: 'kin' });
    const child = await eventually(async () => {
      const { tasks } = await page('owner=kin&status=running&name=work');
      return tasks[0]?.id ?? null;
    });
    const details: TaskDetails = await eventually(async () => {
      const now: TaskDetails = await world.get(`/api/tasks/${family.id}`);
      return now.story.some(({ type }) => type === 'waits-for-children') && now;
    });
    expect(details.facts.children).toEqual({ total: 1, ended: 0, failed: 0 });
    expect((await world.get(`/api/tasks/${child}`)).facts.parent).toBe(family.id);
    world.letGo(child);
    await world.reaches(family.id, 'succeeded', 'kin');
  });
});

describe('the overview', () => {
  it('counts what waits, runs and has ended, and shows the workers with what they run', async () => {
    const { id } = await world.start({ holds: true }, 'busy');
    await world.reaches(id, 'running', 'busy');
    const overview: Overview = await eventually(async () => {
      const now: Overview = await world.get('/api/overview');
      return now.workers[0]?.running.some((task) => task.id === id) ? now : null;
    });
    const definition = overview.definitions.find(({ name }) => name === 'work');
    expect(definition?.counts.running).toBe(1);
    expect(definition?.workers).toBe(1);
    expect(overview.workers[0]).toMatchObject({ isAlive: true, concurrency: 4, blockedSeconds: 0, runningCount: 1 });
    expect(overview.bus).toMatchObject({ kind: 'own', outage: null });
    world.letGo(id);
    await world.reaches(id, 'succeeded', 'busy');
    await eventually(async () => {
      const now: Overview = await world.get('/api/overview');
      const ended = now.definitions.find(({ name }) => name === 'work');
      expect(ended?.counts.running).toBe(0);
      expect(ended?.outcomes.succeeded).toBeGreaterThan(0);
      expect(ended?.endedByMinute).toHaveLength(60);
      expect(now.bus.messagesPerTask).toBeGreaterThan(0);
    });
  });
});
