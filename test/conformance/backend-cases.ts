// What every backend must do, seen through a task server: over HTTP, as a page sees it. backends.test.ts runs it over each.
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { z } from 'zod';
import type { ServerBackend } from '../../backend/server-backend.ts';
import { TaskError } from '../../core/error.ts';
import { type AnyTaskDefinition, defineTask } from '../../core/tasks/definition.ts';
import type { QueuedSnapshot, Snapshot } from '../../core/tasks/snapshot.ts';
import type { Duration } from '../../core/values/duration.ts';
import type { Problem, TaskPage } from '../../core/wire.ts';
import type { Handler } from '../../worker/context.ts';
import { eventually } from '../support/eventually.ts';
import { startApp, type TestApp } from '../support/parts.ts';
import { itObeysTheLimitCases, LIMIT_HANDLINGS } from './limit-cases.ts';

/** Succeeds in attempt number `succeedsIn` (0: fails for good at once), with a result of `bytes` characters. */
export const work = defineTask({
  name: 'work',
  input: z.object({ succeedsIn: z.number(), bytes: z.number().default(1) }),
  attempts: 2,
  backoff: { initial: 20 },
  browser: true,
});
export const workHandler: Handler<typeof work> = async ({ succeedsIn, bytes }, task) => {
  task.progress({ done: 1, total: 2 });
  if (succeedsIn === 0) throw new TaskError('no_use', 'It is of no use.', { retryable: false });
  if (task.attempt < succeedsIn) throw new Error('not yet');
  return 'x'.repeat(bytes);
};

/** What a worker has to handle. */
export const HANDLINGS: readonly (readonly [AnyTaskDefinition, Handler<AnyTaskDefinition>])[] = [
  [work, workHandler as Handler<AnyTaskDefinition>],
  ...LIMIT_HANDLINGS,
];

/** A backend, and how its waiting tasks are run. */
export interface RunningBackend {
  readonly backend: ServerBackend;
  /** Runs the waiting tasks, at least until `isIdle` resolves to true. */
  run(isIdle: () => Promise<boolean>): Promise<void>;
  close(): Promise<void>;
}

export interface BackendKind {
  start(): Promise<RunningBackend>;
  /** By the name of a case: why this backend does not do it. */
  readonly skips: Readonly<Record<string, string>>;
}

/** Declares the cases for one backend. */
export function itObeysTheBackendCases({ start, skips }: BackendKind): void {
  let running: RunningBackend;
  let app: TestApp;
  let users = 0;

  beforeAll(async () => {
    running = await start();
    app = await startApp(
      running.backend,
      HANDLINGS.map(([definition]) => definition),
    );
  }, 30_000);
  afterAll(async () => {
    await app?.close();
    await running?.close();
  }, 30_000);

  /** Declares a case, which gets a user of its own. */
  const obeys = (name: string, check: (user: string) => Promise<void>) => {
    const reason = skips[name];
    if (reason) it.skip(`${name} (left out: ${reason})`, () => undefined);
    else it(name, () => check(`user-${++users}`));
  };

  const json = async <T>(answer: Promise<Response>, status = 200): Promise<T> => {
    const got = await answer;
    const body = await got.text();
    expect(`${got.status} ${body}`).toMatch(new RegExp(`^${status} `));
    return JSON.parse(body) as T;
  };
  const post = (user: string, input: object, headers: Record<string, string> = {}) =>
    app.post(user, '/tasks', { name: 'work', input }, headers);
  const begin = (user: string, input: object = { succeedsIn: 1 }) => json<Snapshot>(post(user, input), 202);
  const get = (user: string, id: string) => json<Snapshot>(app.call(user, `/tasks/${id}`));
  const list = (user: string, query = '') => json<TaskPage>(app.call(user, `/tasks?${query}`));
  const ids = async (user: string, query = '') => (await list(user, query)).tasks.map(({ id }) => id);
  const run = (user: string) => running.run(async () => (await ids(user, 'state=active')).length === 0);

  obeys('a task goes from active to the inbox, and out of it once it was seen', async (user) => {
    const { id } = await begin(user);
    expect([await ids(user, 'state=active'), await ids(user, 'state=unseen')]).toEqual([[id], []]);
    await run(user);
    expect([await ids(user, 'state=active'), await ids(user, 'state=unseen')]).toEqual([[], [id]]);
    const done = await get(user, id);
    expect(done).toMatchObject({ status: 'succeeded', result: 'x', attempt: 1, seenAt: null });
    for (let n = 0; n < 2; n++) expect((await app.post(user, '/tasks/seen', { ids: [id] })).status).toBe(204);
    expect(await ids(user, 'state=unseen')).toEqual([]);
    expect(await get(user, id)).toEqual({
      ...done,
      revision: done.revision + 1,
      seenAt: expect.any(String),
      updatedAt: expect.any(String),
    });
  });

  obeys('an attempt that failed is repeated, until one succeeds or none is left', async (user) => {
    const flaky = await begin(user, { succeedsIn: 2 });
    const late = await begin(user, { succeedsIn: 3 });
    const useless = await begin(user, { succeedsIn: 0 });
    await run(user);
    expect(await get(user, flaky.id)).toMatchObject({ status: 'succeeded', attempt: 2, error: null });
    expect(await get(user, late.id)).toMatchObject({ status: 'failed', attempt: 2, error: { code: 'internal' } });
    expect(await get(user, useless.id)).toMatchObject({ status: 'failed', attempt: 1, error: { code: 'no_use' } });
  });

  obeys('a big result is left out of lists, and is there when the task is asked for', async (user) => {
    const { id } = await begin(user, { succeedsIn: 1, bytes: 20_000 });
    await run(user);
    expect((await list(user)).tasks[0]).toMatchObject({ status: 'succeeded', resultOmitted: true, result: null });
    expect(await get(user, id)).toMatchObject({ resultOmitted: false, result: 'x'.repeat(20_000) });
  });

  obeys('one Idempotency-Key gives one task; another body is a mismatch', async (user) => {
    const headers = { 'idempotency-key': 'one' };
    const first = await json<Snapshot>(post(user, { succeedsIn: 1 }, headers), 202);
    expect((await json<Snapshot>(post(user, { succeedsIn: 1 }, headers), 202)).id).toBe(first.id);
    await json(post(user, { succeedsIn: 2 }, headers), 422);
    const other = await json<Snapshot>(post(`${user}-b`, { succeedsIn: 2 }, headers), 202);
    expect(other.id).not.toBe(first.id);
    expect(await ids(user)).toEqual([first.id]);
  });

  obeys('lists are pages, newest first', async (user) => {
    const made: string[] = [];
    for (let n = 0; n < 5; n++) made.unshift((await begin(user)).id);
    const pages: string[][] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: TaskPage = await list(user, `limit=2${cursor && `&cursor=${cursor}`}`);
      pages.push(page.tasks.map(({ id }) => id));
      cursor = page.nextCursor;
    }
    expect(pages).toEqual([made.slice(0, 2), made.slice(2, 4), made.slice(4)]);
  });

  obeys('nobody gets at the task of another user', async (user) => {
    const { id } = await begin(user);
    const other = `${user}-b`;
    await json(app.call(other, `/tasks/${id}`), 404);
    await json(app.post(other, `/tasks/${id}/cancel`), 404);
    await json(app.post(other, `/tasks/${id}/retry`), 404);
    await run(user);
    expect((await app.post(other, '/tasks/seen', { ids: [id] })).status).toBe(204);
    expect(await ids(user, 'state=unseen')).toEqual([id]);
  });

  obeys('a finished task is gone once its owner dismisses it, and an active one cannot be dismissed', async (user) => {
    const { id } = await begin(user);
    const dismiss = (who: string, which = id) => app.call(who, `/tasks/${which}`, { method: 'DELETE' });
    expect((await json<Problem>(dismiss(user), 409)).code).toBe('not_dismissable');
    await run(user);
    await json(dismiss(`${user}-b`), 404);
    expect((await dismiss(user)).status).toBe(204);
    expect([await ids(user), await ids(user, 'state=unseen')]).toEqual([[], []]);
    await json(dismiss(user), 404);
    await json(app.call(user, `/tasks/${id}`), 404);
    await json(dismiss(user, 'no-id'), 404);
  });

  obeys('an owner clears what has finished, or only what they have seen of it', async (user) => {
    const made: string[] = [];
    for (let n = 0; n < 3; n++) made.push((await begin(user)).id);
    const other = await begin(`${user}-b`);
    await run(user);
    await run(`${user}-b`);
    const [seen, ...unseen] = made;
    await app.post(user, '/tasks/seen', { ids: [seen] });
    await json(app.post(user, '/tasks/clear', { keepUnseen: 'yes' }), 422);
    await json(app.post(user, '/tasks/clear', { ids: ['x'] }), 422);
    // Another user's task is no different from one that is gone already.
    expect(await json(app.post(user, '/tasks/clear', { ids: [other.id] }))).toEqual({ cleared: 1, ids: [other.id] });
    expect(await json(app.post(user, '/tasks/clear', { keepUnseen: true }))).toEqual({ cleared: 1, ids: [seen] });
    unseen.reverse();
    expect(await ids(user)).toEqual(unseen);
    const active = await begin(user);
    expect(await json(app.post(user, '/tasks/clear', { ids: [active.id, unseen[0]] }))).toMatchObject({
      ids: [unseen.shift()],
    });
    expect(await json(app.call(user, '/tasks/clear', { method: 'POST' }))).toEqual({ cleared: 1, ids: unseen });
    expect(await ids(user)).toEqual([active.id]);
    expect(await ids(`${user}-b`)).toEqual([other.id]);
    await run(user);
    expect(await get(user, active.id)).toMatchObject({ status: 'succeeded' });
  });

  obeys('a user who is forgotten leaves nothing, and may come back', async (user) => {
    const headers = { 'idempotency-key': 'one' };
    const first = await json<Snapshot>(post(user, { succeedsIn: 1 }, headers), 202);
    await run(user);
    const other = await begin(`${user}-b`);
    await begin(user, { succeedsIn: 1 });
    expect(await app.tasks.forget(user)).toBe(2);
    expect(await app.tasks.forget(user)).toBe(0);
    expect([await ids(user), await ids(user, 'state=active'), await ids(user, 'state=unseen')]).toEqual([[], [], []]);
    expect(await ids(`${user}-b`)).toEqual([other.id]);
    const again = await json<Snapshot>(post(user, { succeedsIn: 2 }, headers), 202);
    expect(again.id).not.toBe(first.id);
    await run(user);
    expect(await get(user, again.id)).toMatchObject({ status: 'succeeded', attempt: 2 });
  });

  obeys('owners take turns, and a task that waits says how many start before it', async (user) => {
    const other = `${user}-b`;
    const [first, second, third] = [await begin(user), await begin(user), await begin(user)];
    const late = await begin(other);
    expect([first, second, third, late].map((task) => (task as QueuedSnapshot).queue)).toEqual([
      undefined,
      ...[{ ahead: 1 }, { ahead: 2 }, { ahead: 1 }],
    ]);
    expect((await list(user)).tasks.map((task) => (task as QueuedSnapshot).queue)).toEqual([
      ...[{ ahead: 3 }, { ahead: 2 }, { ahead: 0 }],
    ]);
    await json(app.post(other, `/tasks/${late.id}/cancel`), 202);
    expect(await get(user, third.id)).toEqual({ ...third, queue: { ahead: 2 } });
    await run(user);
    const started = (await list(user)).tasks.map((task) => task.startedAt ?? '').reverse();
    expect(started).toEqual([...started].sort());
    expect(await get(user, first.id)).not.toHaveProperty('queue');
  });

  obeys('a task that is to start later waits until then, unless it is cancelled', async (user) => {
    const later = (options: { delay: Duration } | { at: Date }) =>
      app.tasks.start(work, { succeedsIn: 1 }, { owner: user, ...options }) as Promise<QueuedSnapshot>;
    const inAYear = await later({ delay: '365d' });
    const answer = await app.call(user, `/tasks/${inAYear.id}`);
    expect(answer.headers.get('retry-after')).toBe('60');
    expect(await answer.json()).toEqual(inAYear);
    const soon = await later({ delay: 400 });
    const past = await later({ at: new Date(0) });
    expect([soon.startsAt, past.startsAt]).toEqual([expect.any(String), undefined]);
    expect(Date.parse(soon.startsAt ?? '') - Date.parse(soon.createdAt)).toBe(400);
    await json(app.post(user, `/tasks/${inAYear.id}/cancel`), 202);
    expect(await get(user, inAYear.id)).not.toHaveProperty('startsAt');
    await run(user);
    const done = await get(user, soon.id);
    expect(done).toMatchObject({ status: 'succeeded', attempt: 1 });
    expect(done).not.toHaveProperty('startsAt');
    expect((done.startedAt ?? '') >= (soon.startsAt ?? '')).toBe(true);
    for (const options of [{ delay: '400d' }, { at: new Date('x') }, { at: 'tomorrow' }, { delay: 1, at: new Date() }])
      await expect(later(options as { at: Date })).rejects.toThrow(/start\(work\): /);
  });

  obeys('a task is retried once, by a new task', async (user) => {
    const { id } = await begin(user, { succeedsIn: 0 });
    await json(app.post(user, `/tasks/${id}/retry`), 409);
    await run(user);
    const first = await json<Snapshot>(app.post(user, `/tasks/${id}/retry`), 202);
    expect(first).toMatchObject({ retryOf: id, revision: 1 });
    expect((await json<Snapshot>(app.post(user, `/tasks/${id}/retry`), 202)).id).toBe(first.id);
    await json(app.post(user, `/tasks/${id}/cancel`), 409);
    await run(user);
    expect(await get(user, first.id)).toMatchObject({ status: 'failed' });
  });

  itObeysTheLimitCases({ obeys, json, post: (...call) => app.post(...call), get, ids, run });

  obeys('a request that waits is answered when the task changes', async (user) => {
    const { id } = await begin(user, { succeedsIn: 0 });
    const waiting = app.call(user, `/tasks/${id}`, { headers: { 'if-none-match': '"1"', prefer: 'wait=20' } });
    await run(user);
    const answer = await waiting;
    expect([answer.status, answer.headers.get('preference-applied')]).toEqual([200, 'wait=20']);
    const { revision } = (await answer.json()) as Snapshot;
    expect(revision).toBeGreaterThan(1);
    const same = { headers: { 'if-none-match': `"${(await get(user, id)).revision}"` } };
    expect((await app.call(user, `/tasks/${id}`, same)).status).toBe(304);
  });

  obeys('a page gets what it needs to follow its own channel, and no other', async (user) => {
    const info = await json<{ key: string; channel: string }>(app.call(user, '/tasks/connection'));
    expect(info.channel).toBe(`private-user-${user}`);
    const auth = (channel: string) =>
      app.call(user, '/tasks/auth', {
        method: 'POST',
        body: new URLSearchParams({ socket_id: '1.2', channel_name: channel }),
      });
    expect(await json(auth(info.channel))).toEqual({ auth: expect.stringMatching(`^${info.key}:[0-9a-f]{64}$`) });
    await json(auth('private-user-other'), 403);
  });

  obeys('an owner counts as watched unless a signed webhook says that nobody is there', async (user) => {
    const { backend } = running;
    const channel = backend.channelOf(user);
    const { id } = await begin(user);
    const isWatched = async () => {
      const task = await backend.store.read(id, { owner: user });
      if (!task) throw new Error('the task is gone');
      // The task waits for a worker, then does not, and so on, since the same event twice would be refused. The answer to each says
      // whether the owner is watched.
      const event = {
        type: 'wait',
        at: backend.clock.iso(),
        for: task.snapshot.revision % 2 ? 'worker' : null,
      } as const;
      const applied = await backend.changes.apply(task, event);
      return applied.ok && applied.watched;
    };
    const webhook = (name: string, secret = backend.pusher.secret) => {
      const body = JSON.stringify({ time_ms: Date.parse(backend.clock.iso()), events: [{ name, channel }] });
      const signature = createHmac('sha256', secret).update(body).digest('hex');
      return app.call(null, '/tasks/webhook', {
        method: 'POST',
        body,
        headers: {
          'content-type': 'application/json',
          'x-pusher-key': backend.pusher.key,
          'x-pusher-signature': signature,
        },
      });
    };
    expect(await isWatched()).toBe(true);
    // This user was never here. A webhook may name any channel, so it changes nothing.
    expect((await webhook('channel_vacated')).status).toBe(200);
    expect(await isWatched()).toBe(true);
    await backend.redis.noteWatched(channel, user);
    expect((await webhook('channel_vacated', 'another secret')).status).toBe(401);
    expect(await isWatched()).toBe(true);
  });

  obeys('a finished task is forgotten when its time is over', async (user) => {
    const { id } = await begin(user);
    await run(user);
    await eventually(async () => expect((await app.call(user, `/tasks/${id}`)).status).toBe(404));
    expect(await ids(user)).toEqual([]);
  });
}
