// The feed on real parts: Redis, Soketi, the task router and pusher-js, with the bus killed in the middle.
import { expect, it } from '@jest/globals';
import pusherModule from 'pusher-js';
import { z } from 'zod';
import { connectTasks } from '../../../../client/feed/connect-tasks.ts';
import type { TaskFeed } from '../../../../client/feed/task-feed.ts';
import { defineTask } from '../../../../core/tasks/definition.ts';
import { eventually } from '../../../support/eventually.ts';
import { backendOn, startApp, startBus, type TestApp, type TestBus } from '../../../support/parts.ts';

const task = defineTask({ name: 'sort-letters', input: z.object({ n: z.number() }), browser: true });

/** Registers the tests. */
export function testFeedOutage(): void {
  it.concurrent(
    'a bus that is away for 3 s is noticed, lived through by polling, and left behind within 3 s of its return',
    withFeeds(async ({ bus, app, connect, statuses }) => {
      const connectingAt = Date.now();
      const feed = await connect('ada');
      await eventually(isLive(feed), { that: 'the feed to be live', within: 15_000 });
      const usual = Date.now() - connectingAt;
      const started = await feed.start(task, { n: 1 });

      await bus.soketi.kill();
      await eventually(() => feed.getSnapshot().connection.status === 'polling', { that: 'the loss to be noticed' });
      const lostAt = Date.now();
      statuses.length = 0;
      await eventually(() => statuses.includes(304), { that: 'a poll that finds nothing new', within: 10_000 });
      await app.post('ada', `/tasks/${started.id}/cancel`);
      const cancelledAt = Date.now();
      await eventually(() => feed.get(started.id)?.status === 'cancelled', { that: 'the outcome, by polling' });
      expect(Date.now() - cancelledAt).toBeLessThan(5_000);
      await eventually(() => Date.now() - lostAt > 3_000, { that: 'an outage of 3 s' });

      await bus.soketi.restart();
      const backAt = Date.now();
      await eventually(isLive(feed), { that: 'the feed to be live again', within: 20_000 });
      // `usual` is how long connecting takes on this machine now. One attempt may fail first. It is given up after at most 2 s
      // and three times `usual` (`attemptLimit` in client/push/link.ts). The next one takes `usual`.
      expect(Date.now() - backAt).toBeLessThan(Math.max(3_000, 2_200 + 5 * usual));

      const next = await app.post('ada', '/tasks', { name: task.name, input: { n: 2 } });
      const { id } = (await next.json()) as { id: string };
      await app.post('ada', `/tasks/${id}/cancel`);
      // Nothing is active here, so nothing is asked: only push can bring this outcome.
      await eventually(() => feed.get(id)?.status === 'cancelled', { that: 'a pushed outcome' });
    }),
    60_000,
  );

  it.concurrent(
    'a channel of somebody else is refused by the server, and the feed says so',
    withFeeds(async ({ app, feeds }) => {
      const feed = await connectTasks({
        url: `${app.url}/tasks`,
        Pusher: pusherModule,
        headers: { 'x-user': 'eve' },
        fetch: async (url, init) => {
          const response = await fetch(url, init);
          if (!String(url).endsWith('/connection')) return response;
          const text = (await response.text()).replace('private-user-eve', 'private-user-ada');
          return new Response(text, { headers: response.headers });
        },
      });
      feeds.push(feed);
      await eventually(() => expect(feed.getSnapshot().connection).toMatchObject({ reason: 'unauthorized' }));
    }),
    30_000,
  );
}

/** What a test has. */
interface Feeds {
  readonly bus: TestBus;
  readonly app: TestApp;
  /** They are closed after the test. */
  readonly feeds: TaskFeed[];
  /** The statuses of all answers to feeds that were connected here. */
  readonly statuses: number[];
  connect(user: string): Promise<TaskFeed>;
}

/** The body of a test with parts of its own. */
const withFeeds = (test: (own: Feeds) => Promise<void>) => async () => {
  const bus = await startBus();
  const backend = backendOn(bus.env);
  const app = await startApp(backend, [task]);
  const feeds: TaskFeed[] = [];
  const statuses: number[] = [];
  const connect = async (user: string): Promise<TaskFeed> => {
    const feed = await connectTasks({
      url: `${app.url}/tasks`,
      Pusher: pusherModule,
      headers: { 'x-user': user },
      fetch: async (...of) => {
        const response = await fetch(...of);
        statuses.push(response.status);
        return response;
      },
    });
    feeds.push(feed);
    return feed;
  };
  try {
    await test({ bus, app, feeds, statuses, connect });
  } finally {
    for (const feed of feeds) feed.close();
    await app.close();
    await backend.close();
    await bus.stop();
  }
};

const isLive = (feed: TaskFeed) => () => feed.getSnapshot().connection.status === 'live';
