import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import { createTaskFeed } from '../feed/connect-tasks.ts';
import type { PendingFeed } from '../feed/task-feed.ts';
import { FakePusher } from '../test-support/fake-pusher.ts';
import { FakeServer } from '../test-support/fake-server.ts';
import { ManualPage, ManualTiming } from '../test-support/manual-timing.ts';
import { at, failed, running, succeeded } from '../test-support/snapshots.ts';
import { watchOutcomes } from './watch-outcomes.ts';

let tests = 0;
let server: FakeServer;
let timing: ManualTiming;
let page: ManualPage;
let feed: PendingFeed;
let told: string[];
let stop: () => void;

beforeEach(() => {
  FakePusher.made = [];
  FakePusher.isReachable = true;
  server = new FakeServer();
  timing = new ManualTiming();
  page = new ManualPage();
  told = [];
});

/** Starts to watch, and waits until the first fetch is in and push is up. */
async function watch(): Promise<void> {
  feed = createTaskFeed({
    url: `http://watch-${tests++}.invalid/tasks`,
    Pusher: FakePusher,
    fetch: server.fetch,
    timing,
    page,
  });
  stop = watchOutcomes(feed, ({ title, status, result }) => {
    told.push(`${title}: ${status}${result === null ? '' : ` ${result}`}`);
  });
  await timing.advance(100);
}

/** Pushes snapshots, and lets 100 ms pass. */
async function push(...snapshots: readonly Snapshot[]): Promise<void> {
  for (const snapshot of snapshots) FakePusher.last.push(`task.${snapshot.status}`, snapshot);
  await timing.advance(100);
}

/** `Task n`, created `n` seconds after the start of all tests. */
const young = (number: number) => ({ ...succeeded(number), createdAt: at(number) });

describe('watching outcomes', () => {
  it('tells of each that is reached, once, the oldest first', async () => {
    server.put(running(2), running(3), succeeded(4));
    await watch();
    await push(failed(3, 'x', 20), succeeded(2, null, 10), failed(3, 'x', 20));
    FakePusher.last.drop();
    FakePusher.isReachable = true;
    await timing.advance(20_000);
    expect(told).toEqual(['Task 2: succeeded', 'Task 3: failed']);
  });

  it('tells of a task that had ended when the feed first heard of it, and not of one from the past', async () => {
    server.put(young(5));
    await watch();
    // Task 5 was the newest one in the first fetch, so task 4 is from the past.
    server.put(young(4));
    await feed.load('task-0004');
    await push(young(6));
    expect(told).toEqual(['Task 6: succeeded']);
  });

  it('waits for a result that was too big for a message', async () => {
    server.put(running(2));
    await watch();
    server.put(succeeded(2, 'whole'));
    await push({ ...succeeded(2), resultOmitted: true } as never);
    expect(told).toEqual(['Task 2: succeeded whole']);
  });

  it('does not tell a user who signs in of earlier outcomes', async () => {
    server.failWith = 401;
    await watch();
    server.failWith = null;
    server.put(succeeded(2), running(3));
    page.signal('wake');
    await timing.advance(100);
    await push(succeeded(3));
    expect(told).toEqual(['Task 3: succeeded']);
  });

  it('does not tell a user who replaces another of earlier outcomes', async () => {
    server.put(running(2), young(3));
    await watch();
    // Grace signs in 10 s after the start, and her task 7 was created 7 s after it. From then on the server answers as to her.
    await timing.advance(10_000);
    server.channel = 'private-user-grace';
    server.put(young(7), running(8));
    page.signal('wake');
    await timing.advance(100);
    expect(feed.get('task-0007')).toBeDefined();
    await push(succeeded(8));
    expect(told).toEqual(['Task 8: succeeded']);
  });

  it('stops when it is told to', async () => {
    server.put(running(2));
    await watch();
    stop();
    await push(succeeded(2));
    expect(told).toEqual([]);
  });
});
