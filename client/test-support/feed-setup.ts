/** For tests of the feed: a feed with a fake server, a fake Pusher, and manual time. */

import { beforeEach, expect } from '@jest/globals';
import { createTaskFeed } from '../feed/connect-tasks.ts';
import type { PendingFeed } from '../feed/task-feed.ts';
import { FakePusher } from './fake-pusher.ts';
import { FakeServer } from './fake-server.ts';
import { ManualPage, ManualTiming } from './manual-timing.ts';

export interface FeedSetup {
  readonly server: FakeServer;
  readonly timing: ManualTiming;
  readonly page: ManualPage;
  readonly feed: PendingFeed;
}

/** Gives each test of the calling file a fake Pusher that is reachable and has made no connection. */
export function resetFakePusher(): void {
  beforeEach(() => {
    FakePusher.made = [];
    FakePusher.isReachable = true;
    FakePusher.isRefused = false;
    FakePusher.blocked = [];
  });
}

/** A feed that starts to connect. @param prepare puts tasks on the server, or makes it fail */
export function startFeed(prepare: (server: FakeServer) => void = () => {}): FeedSetup {
  const server = new FakeServer();
  prepare(server);
  const timing = new ManualTiming();
  const page = new ManualPage();
  const feed = createTaskFeed({
    // Feeds of one address talk to each other as tabs do; those of different tests must not.
    url: `http://test-${crypto.randomUUID()}.invalid/tasks/`,
    Pusher: FakePusher,
    fetch: server.fetch,
    timing,
    page,
    headers: async () => ({ authorization: 'Bearer t' }),
  });
  return { server, timing, page, feed };
}

/** A feed that is live. The calls that it has made so far are taken off the server's list. */
export async function startLiveFeed(prepare?: (server: FakeServer) => void): Promise<FeedSetup> {
  const all = startFeed(prepare);
  await all.timing.advance(100);
  expect(all.feed.getSnapshot().connection).toEqual({ status: 'live' });
  all.server.takeCalls();
  return all;
}

/** The statuses of the tasks that a feed shows, newest first. */
export const statusesOf = (feed: PendingFeed) => feed.getSnapshot().tasks.map(({ status }) => status);
