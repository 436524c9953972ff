// Whose tasks a feed shows when people sign in and out, in this tab or in another. In Chromium: test/e2e/users.test.ts.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SESSION_EVENT } from '../../core/wire.ts';
import { FakePusher } from '../test-support/fake-pusher.ts';
import { FakeServer } from '../test-support/fake-server.ts';
import { ManualPage, ManualTiming } from '../test-support/manual-timing.ts';
import { running, succeeded } from '../test-support/snapshots.ts';
import { createTaskFeed } from './connect-tasks.ts';
import type { PendingFeed } from './task-feed.ts';

const ADA = 'private-user-ada';
const BEA = 'private-user-bea';

/** Makes another URL for each test, since feeds with the same URL talk to each other. */
let urlNumber = 0;
let server: FakeServer;
let timing: ManualTiming;
let feeds: PendingFeed[];

beforeEach(() => {
  urlNumber += 1;
  FakePusher.made = [];
  FakePusher.isReachable = true;
  FakePusher.isRefused = false;
  server = new FakeServer();
  timing = new ManualTiming();
  feeds = [];
  signInAs(BEA, () => server.put(running(2)));
  signInAs(ADA, () => server.put(running(1)));
});

afterEach(() => {
  for (const feed of feeds) feed.close();
});

/** Signs in the user with `channel` (null: nobody), as the cookies of a browser would say, from now on or while `act` runs. */
function signInAs(channel: string | null, act?: () => void): void {
  const before = server.channel;
  server.channel = channel;
  act?.();
  if (act) server.channel = before;
}

/** Opens a tab with a feed. `channels`: whose tasks the feed has shown, in order. */
async function openTab(): Promise<{ feed: PendingFeed; page: ManualPage; channels: () => (string | null)[] }> {
  const page = new ManualPage();
  const fetch: typeof globalThis.fetch = (...of) => server.fetch(...of);
  const url = `http://user-${urlNumber}.invalid/tasks`;
  const feed = createTaskFeed({ url, Pusher: FakePusher, fetch, timing, page });
  feeds.push(feed);
  const seen: (string | null)[] = [];
  feed.subscribe(() => {
    const { tasks, channel } = feed.getSnapshot();
    // There must never be a list with tasks of two users, or of another user than the list says.
    const owners = tasks.map(({ id }) => (id === 'task-0001' ? ADA : BEA));
    // A server that does not name the channel with each answer leaves a moment in which nobody knows.
    const claimed = channel ?? (server.namesChannel ? 'nobody' : owners[0]);
    expect(owners).toEqual(owners.map(() => claimed));
    if (seen.at(-1) !== channel) seen.push(channel);
  });
  await timing.advance(100);
  return { feed, page, channels: () => seen };
}

const ids = (feed: PendingFeed) => feed.getSnapshot().tasks.map(({ id }) => id);
const status = (feed: PendingFeed) => feed.getSnapshot().connection.status;

/** Push goes away, for so long (20 s) that the feed polls. */
async function losePush(): Promise<void> {
  FakePusher.isReachable = false;
  for (const pusher of FakePusher.made) pusher.emit('connecting_in', 1);
  await timing.advance(20_000);
}

describe.each(['push', 'polling'])('over %s', (way) => {
  beforeEach(() => {
    if (way === 'polling') FakePusher.isReachable = false;
  });

  it('every tab shows nothing within 2 s of a sign-out that one of them notices', async () => {
    const [first, second] = [await openTab(), await openTab()];
    expect([ids(first.feed), ids(second.feed)]).toEqual([['task-0001'], ['task-0001']]);
    signInAs(null);
    await expect(first.feed.cancel('task-0001')).rejects.toMatchObject({ status: 401 });
    expect(ids(first.feed)).toEqual([]);
    await timing.advance(2_000);
    for (const { feed } of [first, second]) expect([ids(feed), status(feed)]).toEqual([[], 'signed-out']);
    expect(FakePusher.made.every(({ connection }) => connection.state !== 'connected')).toBe(true);
  });

  it('every tab shows the next user within 2 s of their sign-in in one of them, and never both users', async () => {
    const [first, second] = [await openTab(), await openTab()];
    signInAs(BEA);
    const third = await openTab();
    await timing.advance(2_000);
    for (const { feed } of [first, second, third]) expect(ids(feed)).toEqual(['task-0002']);
    expect(second.channels()).toEqual([ADA, null, BEA]);
  });

  it('a tab that is left for a page without inloop makes the others ask the server, twice', async () => {
    const [first, second] = [await openTab(), await openTab()];
    server.takeCalls();
    first.page.signal('hide');
    // The second tab asks after 0.05 to 0.4 s, while the first user is still signed in, and again after 1.3 to 1.65 s.
    await timing.advance(400);
    // The sign-out takes the server a second.
    await timing.advance(600);
    signInAs(null);
    await timing.advance(1_000);
    expect([ids(second.feed), status(second.feed)]).toEqual([[], 'signed-out']);
  });

  it('a task of the user before is not told to have failed because this one cannot see it', async () => {
    const { feed, page } = await openTab();
    signInAs(BEA);
    const seen: string[] = [];
    feed.subscribe(() => seen.push(...feed.getSnapshot().tasks.map((task) => `${task.id} ${task.status}`)));
    await expect(feed.load('task-0001')).rejects.toMatchObject({ code: 'other_user' });
    page.signal('wake');
    await timing.advance(30_000);
    expect(ids(feed)).toEqual(['task-0002']);
    expect(seen).not.toContain('task-0001 failed');
  });

  it('a feed that was signed out is live again within 2 s of a sign-in in another tab', async () => {
    signInAs(null);
    const first = await openTab();
    expect(status(first.feed)).toBe('signed-out');
    FakePusher.isReachable = true;
    signInAs(ADA);
    const second = await openTab();
    await timing.advance(2_000);
    for (const { feed } of [first, second]) expect([ids(feed), status(feed)]).toEqual([['task-0001'], 'live']);
  });
});

describe('whose tasks they are', () => {
  it.each([
    ['refresh()', (feed: PendingFeed) => feed.refresh()],
    ['any call that is answered', (feed: PendingFeed) => feed.load('task-0001')],
  ])('is asked again after signing in again in place: by %s', async (_by, act) => {
    for (const namesChannel of [true, false]) {
      server.namesChannel = namesChannel;
      signInAs(null);
      const { feed } = await openTab();
      signInAs(ADA);
      await act(feed);
      await timing.advance(2_000);
      expect([ids(feed), status(feed)]).toEqual([['task-0001'], 'live']);
      feed.close();
    }
  });

  it('is asked when the server says that a session has ended, and when the user turns to the window', async () => {
    for (const happen of [() => FakePusher.last.push(SESSION_EVENT, {}), (page: ManualPage) => page.signal('focus')]) {
      signInAs(ADA);
      const { feed, page } = await openTab();
      server.takeCalls();
      signInAs(null);
      happen(page);
      await timing.advance(100);
      expect([ids(feed), status(feed)]).toEqual([[], 'signed-out']);
      expect(server.takeCalls()).toEqual(['/connection']);
      feed.close();
    }
  });

  it('is known right where an answer to the user before comes late', async () => {
    const { feed, channels } = await openTab();
    let letGo = () => {};
    server.hold = (path) => (path === '/task-0001' ? new Promise((resolve) => (letGo = resolve)) : undefined);
    const late = feed.load('task-0001');
    late.catch(() => {});
    signInAs(BEA);
    await feed.refresh();
    await timing.advance(100);
    letGo();
    await expect(late).rejects.toMatchObject({ code: 'other_user' });
    await timing.advance(2_000);
    expect(ids(feed)).toEqual(['task-0002']);
    expect(channels()).toEqual([ADA, null, BEA]);
  });

  it('is known right where the last events of a connection of the user before come late', async () => {
    const { feed } = await openTab();
    const before = FakePusher.last;
    before.push('task.running', { ...running(1), revision: 9 });
    signInAs(BEA);
    await feed.refresh();
    before.push('task.succeeded', succeeded(1));
    await timing.advance(2_000);
    expect(ids(feed)).toEqual(['task-0002']);
  });

  it('is known by `GET /connection` where answers do not say it', async () => {
    server.namesChannel = false;
    const { feed, page } = await openTab();
    signInAs(BEA);
    page.signal('wake');
    await timing.advance(2_000);
    expect([ids(feed), feed.getSnapshot().channel]).toEqual([['task-0002'], BEA]);
  });

  it('stays the same where only the encryption of their channel is switched on', async () => {
    const { feed, channels } = await openTab();
    signInAs('private-encrypted-user-ada');
    server.put(running(1));
    await feed.refresh();
    await timing.advance(2_000);
    expect([ids(feed), channels()]).toEqual([['task-0001'], [ADA]]);
  });

  it('is asked ever more rarely where the answers contradict each other', async () => {
    const { feed } = await openTab();
    server.takeCalls();
    const { fetch } = server;
    server.fetch = (url, init) => {
      server.channel = `${url}`.endsWith('/connection') ? BEA : ADA;
      return fetch(url, init);
    };
    await feed.refresh();
    await timing.advance(60_000);
    expect(server.takeCalls().length).toBeLessThan(80);
  });

  it('is asked at most twice by each tab after one is left, and by few of many tabs', async () => {
    const tabs = [];
    for (let n = 0; n < 6; n++) tabs.push(await openTab());
    timing.chance = 0.3;
    server.takeCalls();
    tabs[0]?.page.signal('hide');
    await timing.advance(5_000);
    const asked = server.takeCalls().filter((path) => path === '/connection');
    // Five tabs are left. At least one of them asks each time, and each of them asks twice at most.
    expect(asked.length).toBeGreaterThanOrEqual(2);
    expect(asked.length).toBeLessThanOrEqual(10);
  });

  it('is shared by feeds of one url only: feeds of other urls are not disturbed', async () => {
    const { feed } = await openTab();
    urlNumber += 1;
    server.takeCalls();
    signInAs(BEA);
    await openTab();
    server.takeCalls();
    await timing.advance(2_000);
    expect(server.takeCalls()).toEqual([]);
    expect(ids(feed)).toEqual(['task-0001']);
    signInAs(ADA);
  });

  it('has no timer and no channel left when the feed is closed', async () => {
    const { feed, page } = await openTab();
    const other = await openTab();
    other.page.signal('hide');
    await timing.advance(10);
    feed.close();
    other.feed.close();
    page.signal('focus');
    await timing.advance(60_000);
    expect(timing.pending).toBe(0);
  });
});

it('over polling, a user who has gone is noticed by the next question', async () => {
  const { feed } = await openTab();
  await losePush();
  expect(ids(feed)).toEqual(['task-0001']);
  signInAs(BEA);
  await timing.advance(5_000);
  expect(ids(feed)).toEqual(['task-0002']);
});
