// The feed as a page uses it: how it connects, what it shows, and what the user does. A fake server, a fake Pusher, manual time.
import { describe, expect, it } from '@jest/globals';
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import { DISMISSED_EVENT, SEEN_EVENT } from '../../core/wire.ts';
import { FakePusher } from '../test-support/fake-pusher.ts';
import { FakeServer } from '../test-support/fake-server.ts';
import { resetFakePusher, startFeed, startLiveFeed, statusesOf } from '../test-support/feed-setup.ts';
import { ManualTiming, settle } from '../test-support/manual-timing.ts';
import { at, evolve, failed, queued, running, succeeded } from '../test-support/snapshots.ts';
import { connectTasks, createTaskFeed } from './connect-tasks.ts';
import { isGone } from './state/merge.ts';
import type { TaskFeed } from './task-feed.ts';

resetFakePusher();
const idsOf = (feed: TaskFeed) => feed.getSnapshot().tasks.map(({ id }) => id);

describe('connecting', () => {
  it('fetches, subscribes, and fetches again what was missed in between', async () => {
    const { server, timing, feed } = startFeed((own) => own.put(running(1), succeeded(2)));
    await feed.ready;
    expect(statusesOf(feed)).toEqual(['succeeded', 'running']);
    server.put(succeeded(1));
    await timing.advance(100);
    expect(statusesOf(feed)).toEqual(['succeeded', 'succeeded']);
    expect(server.takeCalls()).toEqual(['?state=all&limit=20', '/connection', 'POST /auth', '?state=all&limit=20']);
  });

  it('asks for all active and unseen tasks when there are more than the recent ones', async () => {
    const old = running(1);
    const recent = Array.from({ length: 20 }, (_, index) => evolve(succeeded(index + 2), { type: 'see', at: at(9) }));
    const { server, timing, feed } = startFeed((own) => own.put(old, ...recent));
    await timing.advance(100);
    expect(feed.get(old.id)).toEqual(old);
    expect(feed.getSnapshot().hasMore).toBe(true);
    const others = ['?state=active&limit=100', '?state=unseen&limit=100'];
    expect(server.takeCalls().sort()).toEqual(
      [...others, ...others, '?state=all&limit=20', '/connection', 'POST /auth'].sort(),
    );
  });

  it('sends the headers it was given, and the form that Pusher servers expect', async () => {
    const { server, timing } = startFeed();
    await timing.advance(100);
    for (const call of server.calls) expect(call.headers.authorization).toBe('Bearer t');
    const auth = server.calls.find(({ path }) => path === '/auth');
    expect(auth?.body).toEqual({ socket_id: '1.1', channel_name: 'private-user-ada' });
  });

  it('resolves while push is away', async () => {
    FakePusher.isReachable = false;
    const { feed } = startFeed((own) => own.put(running(1)));
    await feed.ready;
    expect(feed.getSnapshot()).toMatchObject({ connection: { status: 'connecting' }, tasks: [{ status: 'running' }] });
  });

  it('keeps trying while the server is away, and says so', async () => {
    const { server, timing, feed } = startFeed((own) => {
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
    const { timing, feed } = await startLiveFeed((own) => own.put(running(1), running(2)));
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
    const { timing, feed } = await startLiveFeed((own) => own.put(running(1)));
    const before = feed.getSnapshot();
    for (const data of [null, 'x', {}, { ...running(1), revision: 99, title: [] }]) {
      FakePusher.last.push('task.running', data);
      FakePusher.last.push(SEEN_EVENT, data);
    }
    await timing.advance(50);
    expect(feed.getSnapshot()).toBe(before);
  });

  it('tells every listener, even where one of them throws, and none after it has gone', async () => {
    const { timing, feed } = await startLiveFeed();
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
    const { server, timing, feed } = await startLiveFeed();
    server.put(succeeded(1, { rows: 'many' }));
    FakePusher.last.push('task.succeeded', { ...succeeded(1), resultOmitted: true });
    await timing.advance(50);
    expect(feed.get('task-0001')).toMatchObject({ result: { rows: 'many' }, resultOmitted: false });
    expect(server.takeCalls()).toEqual(['/task-0001']);
  });

  it('marks what was seen elsewhere', async () => {
    const { feed } = await startLiveFeed((own) => own.put(succeeded(1)));
    FakePusher.last.push(SEEN_EVENT, { ids: ['task-0001'], seenAt: at(9) });
    expect(feed.get('task-0001')?.seenAt).toBe(at(9));
  });

  it('drops what was dismissed elsewhere, and does not take it back', async () => {
    const { timing, feed } = await startLiveFeed((own) => own.put(succeeded(1), running(2)));
    FakePusher.last.push(DISMISSED_EVENT, { ids: ['task-0001'] });
    expect(idsOf(feed)).toEqual(['task-0002']);
    FakePusher.last.push('task.succeeded', succeeded(1));
    await timing.advance(50);
    expect(idsOf(feed)).toEqual(['task-0002']);
  });

  it('finds out by its next fetch what was dismissed while push was away', async () => {
    const { server, timing, feed } = await startLiveFeed((own) => own.put(succeeded(1), succeeded(2), running(3)));
    server.tasks.delete('task-0001');
    FakePusher.last.become('unavailable');
    await timing.advance(20_000);
    expect(idsOf(feed)).toEqual(['task-0003', 'task-0002']);
  });

  it('dismisses a finished task, and clears those that were seen', async () => {
    const { server, feed } = await startLiveFeed((own) =>
      own.put(succeeded(1), succeeded(2), succeeded(3), running(4)),
    );
    await feed.dismiss('task-0001');
    await feed.dismiss('task-0004');
    expect(idsOf(feed)).toEqual(['task-0004', 'task-0003', 'task-0002']);
    feed.seen(['task-0002']);
    await feed.clear();
    expect(idsOf(feed)).toEqual(['task-0004', 'task-0003']);
    server.failWith = 503;
    await expect(feed.clear()).rejects.toMatchObject({ status: 503 });
    await expect(feed.dismiss('task-0003')).rejects.toMatchObject({ status: 503 });
    expect(idsOf(feed)).toEqual(['task-0004', 'task-0003']);
  });

  it('asks about an active task that has gone silent, and finds a lost outcome within 20 s', async () => {
    const { server, timing, feed } = await startLiveFeed((own) => own.put(running(1)));
    server.put(succeeded(1));
    await timing.advance(14_000);
    expect(server.takeCalls()).toEqual([]);
    await timing.advance(5_500);
    expect(statusesOf(feed)).toEqual(['succeeded']);
  });

  it('shows the place in line of a task at most 17 s late, and asks for it no more often than that', async () => {
    const place = (ahead: number) => ({ ...queued(1), queue: { ahead } }) as Snapshot;
    const { server, timing, feed } = await startLiveFeed((own) => own.put(place(3)));
    for (const ahead of [2, 1, 0]) {
      server.put(place(ahead));
      await timing.advance(17_000);
      expect(feed.get('task-0001')).toEqual(place(ahead));
    }
    expect(server.takeCalls()).toEqual(Array(3).fill('?state=all&limit=20'));
    expect(FakePusher.last.attempts).toBe(1);
  });

  it('replaces a connection that did not deliver an event', async () => {
    const { server, timing } = await startLiveFeed((own) => own.put(running(1)));
    server.put(succeeded(1));
    await timing.advance(21_000);
    expect(FakePusher.last.attempts).toBe(2);
  });

  it('asks nothing while nothing is active and push is up', async () => {
    const { server, timing } = await startLiveFeed((own) => own.put(succeeded(1)));
    await timing.advance(3_600_000);
    expect(server.takeCalls()).toEqual([]);
    expect(timing.pending).toBe(0);
  });

  it('does not ask about a task whose news keeps coming', async () => {
    const { server, timing } = await startLiveFeed((own) => own.put(running(1)));
    let task = running(1);
    for (let second = 1; second < 60; second++) {
      task = evolve(task, { type: 'alive', at: at(second), attempt: 1 });
      FakePusher.last.push('task.running', task);
      await timing.advance(1_000);
    }
    expect(server.takeCalls()).toEqual([]);
  });

  it('shows a task as failed when its record is gone, not as running for ever', async () => {
    const { server, timing, feed } = await startLiveFeed((own) => own.put(running(1)));
    server.tasks.clear();
    await timing.advance(20_000);
    const task = feed.get('task-0001');
    expect(task && isGone(task)).toBe(true);
    await timing.advance(60_000);
    // `/connection` says that the user is still the same: so the task is gone, and not only hidden from another user.
    expect(server.takeCalls()).toEqual(['?state=all&limit=20', '/task-0001', '/connection']);
  });
});

describe('what the user does', () => {
  it('asks once however often cancel is pressed', async () => {
    const { server, feed } = await startLiveFeed((own) => own.put(running(1)));
    await Promise.all([feed.cancel('task-0001'), feed.cancel('task-0001')]);
    expect(server.takeCalls()).toEqual(['POST /task-0001/cancel']);
  });

  it('rejects with what the server said', async () => {
    const { server, feed } = await startLiveFeed((own) => own.put(failed(1)));
    server.failWith = 409;
    await expect(feed.retry('task-0001')).rejects.toMatchObject({ code: 'code_409', message: 'Refused with 409.' });
  });

  it('starts a task with the Idempotency-Key it is given', async () => {
    const { server, feed } = await startLiveFeed();
    // The fake server starts no task. What counts is what it was asked.
    await expect(feed.start('import-contacts', { n: 1 }, { idempotencyKey: 'k' })).rejects.toMatchObject({
      status: 404,
    });
    expect(server.calls[0]).toMatchObject({ method: 'POST', body: { name: 'import-contacts', input: { n: 1 } } });
    expect(server.calls[0]?.headers['idempotency-key']).toBe('k');
  });

  it('marks as seen at once, tells the server once, and tells it later where it is away', async () => {
    const { server, timing, page, feed } = await startLiveFeed((own) => own.put(succeeded(1), succeeded(2)));
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
    const { feed } = await startLiveFeed((own) =>
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
    const { server, timing, feed } = await startLiveFeed();
    // Made once and copied, with ids that grow.
    const seen = evolve(succeeded(0), { type: 'see', at: at(9) });
    for (let n = 0; n < 2_000; n++) {
      const ended = { ...seen, id: queued(n).id };
      server.put(ended);
      FakePusher.last.push('task.succeeded', ended);
      if (n % 100 === 99) await timing.advance(1_000);
    }
    const still = running(2_001);
    FakePusher.last.push('task.running', still);
    await timing.advance(1_000);
    const { tasks, hasMore } = feed.getSnapshot();
    // 500 outcomes are kept, and the task that runs.
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
    const { server, timing, page, feed } = await startLiveFeed((own) => own.put(running(1)));
    feed.close();
    expect(feed.getSnapshot().connection).toEqual({ status: 'closed' });
    expect(FakePusher.last.connection.state).toBe('disconnected');
    await timing.advance(60_000);
    expect(timing.pending).toBe(0);
    expect(page.listeners.size).toBe(0);
    expect(server.takeCalls()).toEqual([]);
  });

  it('can be closed before anything has come', async () => {
    const { timing, feed } = startFeed();
    feed.close();
    await expect(feed.ready).rejects.toMatchObject({ code: 'closed' });
    await timing.advance(60_000);
    expect(FakePusher.made).toHaveLength(0);
    expect(timing.pending).toBe(0);
  });
});
