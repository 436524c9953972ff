// The feed as a page uses it: what it shows and what it asks for. A fake server, a fake Pusher, and manual time.
import { beforeEach, describe, expect, it } from '@jest/globals';
import { SEEN_EVENT } from '../../core/wire.ts';
import { FakePusher } from '../test-support/fake-pusher.ts';
import { FakeServer } from '../test-support/fake-server.ts';
import { ManualPage, ManualTiming, settle } from '../test-support/manual-timing.ts';
import { at, evolve, failed, queued, running, succeeded } from '../test-support/snapshots.ts';
import { connectTasks, createTaskFeed } from './connect-tasks.ts';
import { isGone } from './merge.ts';
import type { PendingFeed } from './task-feed.ts';

beforeEach(() => {
  FakePusher.made = [];
  FakePusher.isReachable = true;
  FakePusher.isRefused = false;
  FakePusher.blocked = [];
});

/** Feeds of one address talk to each other as tabs do; those of different tests are not to. */
let tests = 0;

interface Setup {
  readonly server: FakeServer;
  readonly timing: ManualTiming;
  readonly page: ManualPage;
  readonly feed: PendingFeed;
}

function setUp(prepare: (server: FakeServer) => void = () => {}): Setup {
  const server = new FakeServer();
  prepare(server);
  const timing = new ManualTiming();
  const page = new ManualPage();
  tests += 1;
  const feed = createTaskFeed({
    url: `http://test-${tests}.invalid/tasks/`,
    Pusher: FakePusher,
    fetch: server.fetch,
    timing,
    page,
    headers: async () => ({ authorization: 'Bearer t' }),
  });
  return { server, timing, page, feed };
}

async function live(prepare?: (server: FakeServer) => void): Promise<Setup> {
  const all = setUp(prepare);
  await all.timing.advance(100);
  expect(all.feed.getSnapshot().connection).toEqual({ status: 'live' });
  all.server.takeCalls();
  return all;
}

const statuses = (feed: PendingFeed) => feed.getSnapshot().tasks.map(({ status }) => status);

describe('connecting', () => {
  it('fetches, subscribes, and fetches again what was missed in between', async () => {
    const { server, timing, feed } = setUp((own) => own.put(running(1), succeeded(2)));
    await feed.ready;
    expect(statuses(feed)).toEqual(['succeeded', 'running']);
    server.put(succeeded(1));
    await timing.advance(100);
    expect(statuses(feed)).toEqual(['succeeded', 'succeeded']);
    expect(server.takeCalls()).toEqual(['?state=all&limit=20', '/connection', 'POST /auth', '?state=all&limit=20']);
  });

  it('asks for all active and the unseen tasks where the recent ones are not all there are', async () => {
    const old = running(1);
    const recent = Array.from({ length: 20 }, (_, index) => evolve(succeeded(index + 2), { type: 'see', at: at(9) }));
    const { server, timing, feed } = setUp((own) => own.put(old, ...recent));
    await timing.advance(100);
    expect(feed.get(old.id)).toEqual(old);
    expect(feed.getSnapshot().hasMore).toBe(true);
    const others = ['?state=active&limit=100', '?state=unseen&limit=100'];
    expect(server.takeCalls().sort()).toEqual(
      [...others, ...others, '?state=all&limit=20', '/connection', 'POST /auth'].sort(),
    );
  });

  it('sends the headers it was given, and the form that Pusher servers expect', async () => {
    const { server, timing } = setUp();
    await timing.advance(100);
    for (const call of server.calls) expect(call.headers.authorization).toBe('Bearer t');
    const auth = server.calls.find(({ path }) => path === '/auth');
    expect(auth?.body).toEqual({ socket_id: '1.1', channel_name: 'private-user-ada' });
  });

  it('resolves while push is away', async () => {
    FakePusher.isReachable = false;
    const { feed } = setUp((own) => own.put(running(1)));
    await feed.ready;
    expect(feed.getSnapshot()).toMatchObject({ connection: { status: 'connecting' }, tasks: [{ status: 'running' }] });
  });

  it('keeps trying while the server is away, and says so', async () => {
    const { server, timing, feed } = setUp((own) => {
      own.failWith = 0;
    });
    await timing.advance(5_000);
    expect(feed.getSnapshot().connection).toMatchObject({ status: 'offline' });
    server.failWith = null;
    await timing.advance(16_000);
    await feed.ready;
    expect(feed.getSnapshot().connection.status).toBe('live');
  });

  it.each([[401], [404]])('rejects on %d and stops', async (status) => {
    const server = new FakeServer();
    server.failWith = status;
    const timing = new ManualTiming();
    const options = { url: 'http://127.0.0.1/tasks', Pusher: FakePusher, fetch: server.fetch, timing };
    await expect(connectTasks(options)).rejects.toMatchObject({ name: 'TaskError', status });
    expect(timing.pending).toBe(0);
  });

  it('says which option is wrong', () => {
    expect(() => createTaskFeed({ url: '/tasks', Pusher: FakePusher })).toThrow(/url must be where the task router/);
    expect(() => createTaskFeed({ url: 'ftp://x', Pusher: FakePusher })).toThrow(/got "ftp:\/\/x"/);
    expect(() => createTaskFeed({ url: 'http://x', Pusher: undefined as never })).toThrow(/Pusher must be what/);
  });
});

describe('following', () => {
  it('shows what is pushed, and keeps the identity of what did not change', async () => {
    const { timing, feed } = await live((own) => own.put(running(1), running(2)));
    const before = feed.getSnapshot();
    let calls = 0;
    feed.subscribe(() => calls++);
    FakePusher.last.push('task.running', running(1, { done: 3, total: 9 }));
    FakePusher.last.push('task.running', running(2));
    await timing.advance(50);
    const now = feed.getSnapshot();
    expect(calls).toBe(1);
    expect(now.tasks[1]?.progress).toEqual({ done: 3, total: 9 });
    expect(now.tasks[0]).toBe(before.tasks[0]);
    expect(now.connection).toBe(before.connection);
  });

  it('ignores what is malformed', async () => {
    const { timing, feed } = await live((own) => own.put(running(1)));
    const before = feed.getSnapshot();
    for (const data of [null, 'x', {}, { ...running(1), revision: 99, title: [] }]) {
      FakePusher.last.push('task.running', data);
      FakePusher.last.push(SEEN_EVENT, data);
    }
    await timing.advance(50);
    expect(feed.getSnapshot()).toBe(before);
  });

  it('tells every listener, even where one of them throws, and none after it has gone', async () => {
    const { timing, feed } = await live();
    const told: string[] = [];
    feed.subscribe(() => {
      throw new Error('mine');
    });
    const stop = feed.subscribe(() => told.push('gone'));
    feed.subscribe(() => told.push('here'));
    stop();
    FakePusher.last.push('task.queued', queued(1));
    await expect(timing.advance(50)).rejects.toThrow('mine');
    expect(told).toEqual(['here']);
  });

  it('fetches a result that was too big for a message', async () => {
    const { server, timing, feed } = await live();
    server.put(succeeded(1, { rows: 'many' }));
    FakePusher.last.push('task.succeeded', { ...succeeded(1), resultOmitted: true });
    await timing.advance(50);
    expect(feed.get('task-0001')).toMatchObject({ result: { rows: 'many' }, resultOmitted: false });
    expect(server.takeCalls()).toEqual(['/task-0001']);
  });

  it('marks what was seen elsewhere', async () => {
    const { feed } = await live((own) => own.put(succeeded(1)));
    FakePusher.last.push(SEEN_EVENT, { ids: ['task-0001'], seenAt: at(9) });
    expect(feed.get('task-0001')?.seenAt).toBe(at(9));
  });

  it('asks about an active task that has gone silent, and finds a lost outcome within 20 s', async () => {
    const { server, timing, feed } = await live((own) => own.put(running(1)));
    server.put(succeeded(1));
    await timing.advance(14_000);
    expect(server.takeCalls()).toEqual([]);
    await timing.advance(5_500);
    expect(statuses(feed)).toEqual(['succeeded']);
  });

  it('replaces a connection over which news did not come', async () => {
    const { server, timing } = await live((own) => own.put(running(1)));
    server.put(succeeded(1));
    await timing.advance(21_000);
    expect(FakePusher.last.attempts).toBe(2);
  });

  it('asks nothing while nothing is active and push is up', async () => {
    const { server, timing } = await live((own) => own.put(succeeded(1)));
    await timing.advance(3_600_000);
    expect(server.takeCalls()).toEqual([]);
    expect(timing.pending).toBe(0);
  });

  it('does not ask about a task whose news keeps coming', async () => {
    const { server, timing } = await live((own) => own.put(running(1)));
    let task = running(1);
    for (let second = 1; second < 60; second++) {
      task = evolve(task, { type: 'alive', at: at(second), attempt: 1 });
      FakePusher.last.push('task.running', task);
      await timing.advance(1_000);
    }
    expect(server.takeCalls()).toEqual([]);
  });

  it('shows a task as failed when its record is gone, not as running for ever', async () => {
    const { server, timing, feed } = await live((own) => own.put(running(1)));
    server.tasks.clear();
    await timing.advance(20_000);
    const task = feed.get('task-0001');
    expect(task && isGone(task)).toBe(true);
    await timing.advance(60_000);
    // Only where the server says that it is still this user who asks.
    expect(server.takeCalls()).toEqual(['?state=all&limit=20', '/task-0001', '/connection']);
  });
});

describe('trouble', () => {
  it('polls while push is away: an outcome is known within 5 s', async () => {
    const { server, timing, feed } = await live((own) => own.put(running(1)));
    FakePusher.last.drop();
    await timing.advance(3_300);
    expect(feed.getSnapshot().connection).toMatchObject({ status: 'polling', reason: 'lost' });
    server.put(succeeded(1));
    await timing.advance(5_000);
    expect(statuses(feed)).toEqual(['succeeded']);
  });

  it('is live within 3 s of the return of the bus, and fetches what it missed', async () => {
    for (const chance of [0, 0.5, 0.99]) {
      const { server, timing, feed } = await live((own) => own.put(running(1)));
      timing.chance = chance;
      FakePusher.last.drop();
      await timing.advance(3_000);
      server.put(succeeded(1));
      FakePusher.isReachable = true;
      await timing.advance(3_000);
      expect(feed.getSnapshot().connection.status).toBe('live');
      expect(statuses(feed)).toEqual(['succeeded']);
    }
  });

  it('asks politely: If-None-Match always, Retry-After where it is given', async () => {
    const { server, timing } = await live((own) => own.put(running(1)));
    server.retryAfter = 20;
    FakePusher.last.drop();
    await timing.advance(4_000);
    const calls = server.calls.splice(0);
    expect(calls).toHaveLength(1);
    for (const call of calls) expect(call.headers['if-none-match']).toBeDefined();
    await timing.advance(19_000);
    expect(server.takeCalls()).toEqual([]);
    await timing.advance(3_000);
    expect(server.takeCalls()).toHaveLength(1);
  });

  it('asks more rarely on a hidden page, and not at all with nothing to follow', async () => {
    const { server, timing, page, feed } = await live((own) => own.put(running(1)));
    page.visible = false;
    FakePusher.last.drop();
    await timing.advance(60_000);
    expect(server.takeCalls().length).toBeLessThanOrEqual(8);
    server.put(succeeded(1));
    await timing.advance(30_000);
    expect(statuses(feed)).toEqual(['succeeded']);
    server.takeCalls();
    await timing.advance(600_000);
    expect(server.takeCalls()).toEqual([]);
  });

  it('says once that the bus turns it away, lives on by polling, and is live within a minute of being taken again', async () => {
    const { server, timing, feed } = await live((own) => own.put(running(1)));
    const told: string[] = [];
    feed.subscribe(() => told.push(JSON.stringify(feed.getSnapshot().connection)));
    FakePusher.isRefused = true;
    FakePusher.last.refuse();
    await timing.advance(300_000);
    expect(new Set(told).size).toBe(1);
    expect(feed.getSnapshot().connection).toMatchObject({ status: 'polling', reason: 'refused' });
    expect(server.takeCalls().length).toBeGreaterThan(75);
    expect(FakePusher.made.reduce((sum, { attempts }) => sum + attempts, 0)).toBeLessThan(12);
    FakePusher.isRefused = false;
    FakePusher.isReachable = true;
    await timing.advance(60_000);
    expect(feed.getSnapshot().connection).toEqual({ status: 'live' });
  });

  it('without push, shows within 15 s what was started elsewhere', async () => {
    for (const chance of [0, 0.99]) {
      const { server, timing, feed } = await live((own) => own.put(succeeded(1)));
      timing.chance = chance;
      FakePusher.isRefused = true;
      FakePusher.last.refuse();
      await timing.advance(40_000);
      expect(server.takeCalls().length).toBeLessThan(6);
      server.put(running(2));
      await timing.advance(15_000);
      expect(statuses(feed)).toEqual(['running', 'succeeded']);
      FakePusher.isRefused = false;
      FakePusher.isReachable = true;
    }
  });

  it('is live as soon as it reaches the server again, however long the authorization had failed', async () => {
    const { server, timing, feed } = await live((own) => own.put(running(1)));
    server.failWith = 0;
    server.denyWith = 500;
    FakePusher.last.drop();
    FakePusher.isReachable = true;
    await timing.advance(100_000);
    expect(feed.getSnapshot().connection).toMatchObject({ status: 'offline' });
    server.failWith = server.denyWith = null;
    // The next poll is at most 17 s away; the next authorization would be up to two minutes away.
    await timing.advance(17_000);
    expect(feed.getSnapshot().connection.status).toBe('live');
  });

  it('tries a failed authorization again, ever more rarely', async () => {
    const { server, timing, feed } = setUp((own) => {
      own.denyWith = 500;
    });
    await timing.advance(60_000);
    const tries = server.takeCalls().filter((path) => path === 'POST /auth').length;
    expect(tries).toBeGreaterThan(3);
    expect(tries).toBeLessThan(8);
    expect(feed.getSnapshot().connection).toMatchObject({ status: 'polling', reason: 'unauthorized' });
    server.denyWith = null;
    await timing.advance(60_000);
    expect(feed.getSnapshot().connection.status).toBe('live');
  });

  it('fetches again when the page wakes, and reconnects at once', async () => {
    const { server, timing, page, feed } = await live((own) => own.put(succeeded(1)));
    page.signal('hide');
    expect(FakePusher.last.connection.state).toBe('disconnected');
    server.put(running(2));
    page.signal('wake');
    await timing.advance(400);
    expect(statuses(feed)).toEqual(['running', 'succeeded']);
    expect(feed.getSnapshot().connection.status).toBe('live');
  });

  it('stops when the user signs out, and comes back with the page', async () => {
    const { server, timing, page, feed } = await live((own) => own.put(running(1)));
    server.failWith = 401;
    await timing.advance(20_000);
    expect(feed.getSnapshot().connection).toEqual({ status: 'signed-out' });
    server.takeCalls();
    await timing.advance(600_000);
    expect(server.takeCalls()).toEqual([]);
    server.failWith = null;
    page.signal('wake');
    await timing.advance(1_000);
    expect(feed.getSnapshot().connection.status).toBe('live');
  });

  it('drops everything of the user before when another one has signed in', async () => {
    const { server, timing, page, feed } = await live((own) => own.put(running(1)));
    server.channel = 'private-user-grace';
    server.tasks.clear();
    server.put(running(2));
    page.signal('wake');
    await timing.advance(1_000);
    expect(feed.getSnapshot().tasks.map(({ id }) => id)).toEqual(['task-0002']);
    expect([...FakePusher.last.channels.keys()]).toEqual(['private-user-grace']);
    expect(FakePusher.made).toHaveLength(2);
    expect(FakePusher.made[0]?.connection.state).toBe('disconnected');
  });

  it('retries a fetch that failed right after a reconnection', async () => {
    const { server, timing, feed } = await live((own) => own.put(succeeded(1)));
    FakePusher.last.drop();
    server.failWith = 503;
    server.isFailing = (path) => path !== '/auth';
    await timing.advance(10);
    FakePusher.isReachable = true;
    await timing.advance(3_000);
    expect(feed.getSnapshot().connection.status).toBe('live');
    server.failWith = null;
    server.put(succeeded(2));
    await timing.advance(16_000);
    expect(statuses(feed)).toEqual(['succeeded', 'succeeded']);
  });
});

describe('what the user does', () => {
  it('asks once however often cancel is pressed', async () => {
    const { server, feed } = await live((own) => own.put(running(1)));
    await Promise.all([feed.cancel('task-0001'), feed.cancel('task-0001')]);
    expect(server.takeCalls()).toEqual(['POST /task-0001/cancel']);
  });

  it('rejects with what the server said', async () => {
    const { server, feed } = await live((own) => own.put(failed(1)));
    server.failWith = 409;
    await expect(feed.retry('task-0001')).rejects.toMatchObject({ code: 'code_409', message: 'Refused with 409.' });
  });

  it('starts a task with the Idempotency-Key it is given', async () => {
    const { server, feed } = await live();
    await expect(feed.start('import-contacts', { n: 1 }, { idempotencyKey: 'k' })).rejects.toMatchObject({
      status: 404,
    });
    expect(server.calls[0]).toMatchObject({ method: 'POST', body: { name: 'import-contacts', input: { n: 1 } } });
    expect(server.calls[0]?.headers['idempotency-key']).toBe('k');
  });

  it('marks as seen at once, tells the server once, and tells it later where it is away', async () => {
    const { server, timing, page, feed } = await live((own) => own.put(succeeded(1), succeeded(2)));
    server.failWith = 0;
    feed.seen(['task-0001', 'task-0002']);
    expect(feed.getSnapshot().tasks.every(({ seenAt }) => seenAt)).toBe(true);
    await settle();
    server.failWith = null;
    server.takeCalls();
    page.signal('wake');
    await timing.advance(100);
    feed.seen(['task-0001']);
    await settle();
    expect(server.takeCalls().filter((path) => path === 'POST /seen')).toHaveLength(1);
  });

  it('brings older tasks page by page', async () => {
    const { feed } = await live((own) =>
      own.put(...Array.from({ length: 150 }, (_, n) => evolve(succeeded(n), { type: 'see', at: at(9) }))),
    );
    const lengths = [feed.getSnapshot().tasks.length];
    while (feed.getSnapshot().hasMore) {
      await feed.loadMore();
      lengths.push(feed.getSnapshot().tasks.length);
    }
    expect(lengths).toEqual([20, 120, 150]);
  });

  it('lets go of what ended long ago, and brings it back when it is wanted', async () => {
    const { server, timing, feed } = await live();
    const ended = (n: number) => evolve(succeeded(n), { type: 'see', at: at(9) });
    for (let n = 0; n < 2_000; n++) {
      server.put(ended(n));
      FakePusher.last.push('task.succeeded', ended(n));
      if (n % 100 === 99) await timing.advance(1_000);
    }
    const still = running(2_001);
    FakePusher.last.push('task.running', still);
    await timing.advance(1_000);
    const { tasks, hasMore } = feed.getSnapshot();
    expect([tasks.length, hasMore]).toEqual([501, true]);
    expect(tasks.slice(0, 2).map(({ id }) => id)).toEqual([still.id, 'task-1999']);
    const lengths: number[] = [];
    while (feed.getSnapshot().hasMore) {
      await feed.loadMore();
      lengths.push(feed.getSnapshot().tasks.length);
    }
    expect(lengths.slice(0, 2)).toEqual([601, 701]);
    expect(feed.getSnapshot().tasks.length).toBe(2_001);
    expect(feed.get('task-0000')).toBeDefined();
  });

  it('leaves nothing behind when closed', async () => {
    const { server, timing, page, feed } = await live((own) => own.put(running(1)));
    feed.close();
    expect(feed.getSnapshot().connection).toEqual({ status: 'closed' });
    expect(FakePusher.last.connection.state).toBe('disconnected');
    await timing.advance(60_000);
    expect(timing.pending).toBe(0);
    expect(page.listeners.size).toBe(0);
    expect(server.takeCalls()).toEqual([]);
  });

  it('can be closed before anything has come', async () => {
    const { timing, feed } = setUp();
    feed.close();
    await expect(feed.ready).rejects.toMatchObject({ code: 'closed' });
    await timing.advance(60_000);
    expect(FakePusher.made).toHaveLength(0);
    expect(timing.pending).toBe(0);
  });
});
