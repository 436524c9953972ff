// Several users sign in and out in one browser, on real parts: the router's headers, `endSessions` over Soketi, and two feeds.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pusherModule from 'pusher-js';
import { z } from 'zod';
import type { Backend } from '../../../backend/backend.ts';
import { createTaskFeed } from '../../../client/feed/connect-tasks.ts';
import type { PendingFeed } from '../../../client/feed/task-feed.ts';
import { defineTask } from '../../../core/tasks/definition.ts';
import { eventually } from '../../support/eventually.ts';
import { backendOn, startApp, startBus, type TestApp, type TestBus } from '../../support/parts.ts';

const task = defineTask({ name: 'sort-letters', input: z.object({ n: z.number() }), browser: true });

let bus: TestBus;
let backend: Backend;
let app: TestApp;
/** The user who is signed in in this browser, in place of a cookie. */
let user: string | null;
/** By the id of a task: the channel of its owner. */
const channelByTask = new Map<string, string>();
const feeds: PendingFeed[] = [];

beforeAll(async () => {
  bus = await startBus();
  backend = backendOn(bus.env);
  app = await startApp(backend, [task]);
}, 60_000);

afterAll(async () => {
  for (const feed of feeds) feed.close();
  await app?.close();
  await backend?.close();
  await bus?.stop();
});

/** Opens a tab. `mixed` gets each task that the tab shows, though the tab names the channel of another user. */
async function open(): Promise<{ feed: PendingFeed; mixed: string[] }> {
  const feed = createTaskFeed({
    url: `${app.url}/tasks`,
    Pusher: pusherModule,
    headers: () => (user === null ? ({} as Record<string, string>) : { 'x-user': user }),
  });
  feeds.push(feed);
  const mixed: string[] = [];
  feed.subscribe(() => {
    const { tasks, channel } = feed.getSnapshot();
    for (const { id } of tasks) if (channel !== channelByTask.get(id)) mixed.push(`${id} in a list of ${channel}`);
  });
  await eventually(() => feed.getSnapshot().connection.status === 'live', { within: 15_000, that: 'a live feed' });
  return { feed, mixed };
}

async function startFor(name: string): Promise<string> {
  const { id } = await app.tasks.start(task, { n: 1 }, { owner: name });
  channelByTask.set(id, `private-user-${name}`);
  return id;
}

const ids = ({ feed }: { feed: PendingFeed }) => feed.getSnapshot().tasks.map(({ id }) => id);

describe('two tabs', () => {
  it('show nothing within 2 s of the end of the session on the server, and the tasks of the next user within 2 s of their sign-in', async () => {
    const ofAda = await startFor('ada');
    const ofBea = await startFor('bea');
    user = 'ada';
    const tabs = [await open(), await open()];
    for (const tab of tabs) await eventually(() => expect(ids(tab)).toEqual([ofAda]));

    user = null;
    const endedAt = Date.now();
    await app.tasks.endSessions('ada');
    for (const tab of tabs) await eventually(() => expect(ids(tab)).toEqual([]));
    expect(Date.now() - endedAt).toBeLessThan(2_000);
    for (const { feed } of tabs) expect(feed.getSnapshot().connection.status).toBe('signed-out');

    user = 'bea';
    const cameAt = Date.now();
    await tabs[0]?.feed.refresh();
    for (const tab of tabs) await eventually(() => expect(ids(tab)).toEqual([ofBea]));
    expect(Date.now() - cameAt).toBeLessThan(2_000);

    // Another user signs in at once. A request of one tab notices it.
    user = 'ada';
    await expect(tabs[1]?.feed.cancel(ofBea)).rejects.toMatchObject({ code: 'other_user' });
    for (const tab of tabs) await eventually(() => expect(ids(tab)).toEqual([ofAda]), { within: 2_000 });
    expect(tabs.flatMap(({ mixed }) => mixed)).toEqual([]);
    expect(Math.abs((tabs[0]?.feed.now() ?? 0) - Date.now())).toBeLessThan(2_000);
  }, 60_000);
});
