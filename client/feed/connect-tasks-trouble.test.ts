// What the feed does while push or the server is away, or the user leaves. A fake server, a fake Pusher, and manual time.
import { describe, expect, it } from '@jest/globals';
import { FakePusher } from '../test-support/fake-pusher.ts';
import { resetFakePusher, startFeed, startLiveFeed, statusesOf } from '../test-support/feed-setup.ts';
import { running, succeeded } from '../test-support/snapshots.ts';

resetFakePusher();

describe('trouble', () => {
  it('polls while push is away: an outcome is known within 5 s', async () => {
    const { server, timing, feed } = await startLiveFeed((own) => own.put(running(1)));
    FakePusher.last.drop();
    await timing.advance(3_300);
    expect(feed.getSnapshot().connection).toMatchObject({ status: 'polling', reason: 'lost' });
    server.put(succeeded(1));
    await timing.advance(5_000);
    expect(statusesOf(feed)).toEqual(['succeeded']);
  });

  it('is live within 3 s of the return of the bus, and fetches what it missed', async () => {
    for (const chance of [0, 0.5, 0.99]) {
      const { server, timing, feed } = await startLiveFeed((own) => own.put(running(1)));
      timing.chance = chance;
      FakePusher.last.drop();
      await timing.advance(3_000);
      server.put(succeeded(1));
      FakePusher.isReachable = true;
      await timing.advance(3_000);
      expect(feed.getSnapshot().connection.status).toBe('live');
      expect(statusesOf(feed)).toEqual(['succeeded']);
    }
  });

  it('asks politely: If-None-Match always, Retry-After where it is given', async () => {
    const { server, timing } = await startLiveFeed((own) => own.put(running(1)));
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
    const { server, timing, page, feed } = await startLiveFeed((own) => own.put(running(1)));
    page.visible = false;
    FakePusher.last.drop();
    await timing.advance(60_000);
    expect(server.takeCalls().length).toBeLessThanOrEqual(8);
    server.put(succeeded(1));
    await timing.advance(30_000);
    expect(statusesOf(feed)).toEqual(['succeeded']);
    server.takeCalls();
    await timing.advance(600_000);
    expect(server.takeCalls()).toEqual([]);
  });

  it('says once that the bus refuses it, goes on by polling, and is live within a minute after the bus takes it again', async () => {
    const { server, timing, feed } = await startLiveFeed((own) => own.put(running(1)));
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
      const { server, timing, feed } = await startLiveFeed((own) => own.put(succeeded(1)));
      timing.chance = chance;
      FakePusher.isRefused = true;
      FakePusher.last.refuse();
      await timing.advance(40_000);
      expect(server.takeCalls().length).toBeLessThan(6);
      server.put(running(2));
      await timing.advance(15_000);
      expect(statusesOf(feed)).toEqual(['running', 'succeeded']);
      FakePusher.isRefused = false;
      FakePusher.isReachable = true;
    }
  });

  it('is live as soon as it reaches the server again, however long the authorization had failed', async () => {
    const { server, timing, feed } = await startLiveFeed((own) => own.put(running(1)));
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
    const { server, timing, feed } = startFeed((own) => {
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
    const { server, timing, page, feed } = await startLiveFeed((own) => own.put(succeeded(1)));
    page.signal('hide');
    expect(FakePusher.last.connection.state).toBe('disconnected');
    server.put(running(2));
    page.signal('wake');
    await timing.advance(400);
    expect(statusesOf(feed)).toEqual(['running', 'succeeded']);
    expect(feed.getSnapshot().connection.status).toBe('live');
  });

  it('stops when the user signs out, and goes on when the page wakes', async () => {
    const { server, timing, page, feed } = await startLiveFeed((own) => own.put(running(1)));
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
    const { server, timing, page, feed } = await startLiveFeed((own) => own.put(running(1)));
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
    const { server, timing, feed } = await startLiveFeed((own) => own.put(succeeded(1)));
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
    expect(statusesOf(feed)).toEqual(['succeeded', 'succeeded']);
  });
});
