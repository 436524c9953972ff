// More than one of everything: three servers, three workers, two Soketi joined by Redis, and Redis with Sentinel, behind
// deploy/nginx-tls.conf with TLS and HTTP/2. Fifty pages of twenty users are connected over WebSockets, streams and polls. One of
// each part is killed and replaced while tasks run, and nothing is lost.
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { isFinished, type Snapshot } from '../../../core/tasks/snapshot.ts';
import { eventually } from '../../support/eventually.ts';
import { type ScaleWorld, startScaleWorld } from './world.ts';

jest.setTimeout(240_000);

/** Time between two tasks that are started, in ms. */
const LOAD_MS = 120;

let world: ScaleWorld;
/** Ids of the accepted tasks, by user. */
const accepted = new Map<string, string[]>();

beforeAll(async () => {
  world = await startScaleWorld();
});
afterAll(() => world?.close());

/** Starts a task, and asks again with the same key until it is accepted. */
async function startTask(user: string): Promise<string> {
  const headers = { 'x-user': user, 'content-type': 'application/json', 'idempotency-key': randomUUID() };
  const body = JSON.stringify({ name: 'steps', input: { steps: 4, ms: 100 } });
  for (;;) {
    const response = await world
      .fetch(`${world.origin}/tasks`, { method: 'POST', headers, body, signal: AbortSignal.timeout(5_000) })
      .catch(() => null);
    if (response?.status === 202) {
      const { id } = (await response.json()) as Snapshot;
      accepted.set(user, [...(accepted.get(user) ?? []), id]);
      return id;
    }
    if (response && response.status < 500) throw new Error(`${response.status}: ${await response.text()}`);
    await delay(100);
  }
}

/** Starts tasks of all users in turn, until it is told to stop. Resolves when all are accepted. */
async function load(signal: AbortSignal): Promise<void> {
  const starting: Promise<string>[] = [];
  for (let n = 0; !signal.aborted; n++) {
    starting.push(startTask(world.users[n % world.users.length] as string));
    await delay(LOAD_MS);
  }
  await Promise.all(starting);
}

/** All tasks of a user, as they are stored. */
async function stored(user: string): Promise<Snapshot[]> {
  const response = await world.fetch(`${world.origin}/tasks?state=all&limit=100`, { headers: { 'x-user': user } });
  return ((await response.json()) as { tasks: Snapshot[] }).tasks;
}

const essence = (tasks: readonly Pick<Snapshot, 'id' | 'status' | 'revision'>[]) =>
  tasks.map(({ id, status, revision }) => `${id} ${status} r${revision}`).sort();

describe('one of each part is killed and replaced under load', () => {
  it('all pages are live', async () => {
    await eventually(
      async () => expect((await world.pages()).filter(({ connection }) => connection !== 'live')).toEqual([]),
      { within: 60_000, every: 250 },
    );
  });

  it('a server, a worker, a Soketi, nginx and the primary of Redis', async () => {
    const stop = new AbortController();
    const loading = load(stop.signal);
    try {
      const acts = {
        server: world.replaceServer,
        worker: world.replaceWorker,
        soketi: world.replaceSoketi,
        nginx: world.replaceNginx,
        primary: world.replacePrimary,
      };
      for (const [name, replace] of Object.entries(acts)) {
        await replace();
        // It works again when a task that is started now ends.
        const [user = ''] = world.users;
        const id = await startTask(user);
        await eventually(async () => (await stored(user)).some((task) => task.id === id && isFinished(task)), {
          within: 30_000,
          every: 200,
          that: `a task to end after the ${name} was replaced`,
        });
      }
    } finally {
      stop.abort();
      await loading;
    }
  });

  it('each accepted task has ended', async () => {
    for (const user of world.users) {
      await eventually(
        async () => {
          const tasks = await stored(user);
          expect(tasks.map(({ id }) => id).sort()).toEqual([...(accepted.get(user) ?? [])].sort());
          expect(tasks.filter(({ status }) => status !== 'succeeded')).toEqual([]);
        },
        { within: 40_000, every: 500 },
      );
    }
  });

  it('each page is live again and shows what is stored', async () => {
    const truth = new Map<string, string[]>();
    for (const user of world.users) truth.set(user, essence(await stored(user)));
    await eventually(
      async () => {
        const wrong = (await world.pages())
          .filter(
            ({ user, connection, tasks }) =>
              connection !== 'live' || String(essence(tasks)) !== String(truth.get(user)),
          )
          .map(({ user, kind, connection, tasks }) => ({
            user,
            kind,
            connection,
            missing: truth.get(user)?.filter((line) => !essence(tasks).includes(line)),
          }));
        expect(wrong).toEqual([]);
      },
      { within: 60_000, every: 500 },
    );
  });

  it('each page has shown each outcome once, and nothing ever went back', async () => {
    const pages = await world.pages();
    expect(pages).toHaveLength(50);
    for (const { user, shownAsEnded, wrong } of pages) {
      expect(wrong).toEqual([]);
      expect(shownAsEnded).toEqual(Object.fromEntries((accepted.get(user) ?? []).map((id) => [id, 1])));
    }
  });
});
