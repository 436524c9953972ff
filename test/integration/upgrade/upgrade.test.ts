// A store that each released version left behind, as if all its processes had been replaced at once: this version lists and
// reads every task, ends those that are active, and leaves nothing behind. `npm run release` adds a store for each version.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { Backend } from '../../../backend/backend.ts';
import { FIELD } from '../../../backend/store/record.ts';
import { isFinished, type Snapshot, STATUSES, type Status } from '../../../core/tasks/snapshot.ts';
import { createTaskWorker } from '../../../worker/task-worker.ts';
import { findLeftKeys } from '../../chaos/checks/left-keys.ts';
import { eventually } from '../../support/eventually.ts';
import { backendOn, NO_BUS, startApp, type TestApp } from '../../support/parts.ts';
import { withRedis } from '../../support/redis/use-redis.ts';
import { type KeptStore, type StoredKey, writeKeys } from './stored-keys.ts';
import { family, UPGRADE_TASKS } from './upgrade-tasks.ts';

const FOLDER = join(__dirname, 'stores');
const stores = readdirSync(FOLDER).map((name) => JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) as KeptStore);

/** A task as the store has it. */
interface StoredTask {
  readonly owner: string;
  readonly snapshot: Snapshot;
  /** The fields of its record, by their short names in Redis: `FIELD` has their meanings. */
  readonly fields: Readonly<Record<string, string>>;
}

function tasksOf(keys: readonly StoredKey[]): StoredTask[] {
  return keys.flatMap((stored) => {
    if (stored.type !== 'hash' || !/^inloop:task:[\w-]+$/.test(stored.key)) return [];
    const { [FIELD.owner]: owner, [FIELD.snapshot]: snapshot = '' } = stored.value;
    // Without an owner it was dismissed, and is kept for a hook only.
    return owner === undefined ? [] : [{ owner, snapshot: JSON.parse(snapshot) as Snapshot, fields: stored.value }];
  });
}

/** By the status in the store: the outcome with handlers that return. A task that was told to stop is cancelled by the new worker. */
const ENDS: Readonly<Record<Status, Status>> = {
  queued: 'succeeded',
  running: 'succeeded',
  retrying: 'succeeded',
  cancelling: 'cancelled',
  succeeded: 'succeeded',
  failed: 'failed',
  cancelled: 'cancelled',
};

describe.each(stores.map((store) => [store.version, store] as const))('the store of version %s', (_version, store) => {
  const stored = tasksOf(store.keys);

  it('has a task in every status', () => {
    expect(new Set(stored.map(({ snapshot }) => snapshot.status))).toEqual(new Set(STATUSES));
  });

  it.concurrent(
    'is listed, read, and done to its end',
    withRedis(async ({ startRedis, closeAfterTest }) => {
      const redis = await startRedis();
      await writeKeys(redis.url, store.keys);
      const backend = backendOn({ ...NO_BUS, REDIS_URL: redis.url });
      closeAfterTest(() => backend.close());
      const app = await startApp(backend, UPGRADE_TASKS);
      closeAfterTest(() => app.close());
      await expectListed(app, stored);
      for (const task of stored) await expectReadable(app, task);

      const worker = startWorker(backend);
      closeAfterTest(worker.stop);
      for (const task of stored) await expectEnd(app, task);
      // Outcomes that waited for the hook of the old version, and those that were reached here.
      const awaited = stored.filter(({ snapshot, fields }) => FIELD.hookPending in fields || !isFinished(snapshot));
      const ids = awaited.map(({ snapshot }) => snapshot.id);
      await eventually(() => expect(worker.told).toEqual(expect.arrayContaining(ids)), { within: 20_000 });
      await eventually(async () => expect((await findLeftKeys(redis)).filter(mustBeGone)).toEqual([]), {
        within: 20_000,
      });
    }),
    120_000,
  );
});

async function read(app: TestApp, { owner, snapshot }: StoredTask): Promise<Snapshot> {
  return (await (await app.call(owner, `/tasks/${snapshot.id}`)).json()) as Snapshot;
}

/** Expects that each owner's list has the stored tasks, and no others. */
async function expectListed(app: TestApp, stored: readonly StoredTask[]): Promise<void> {
  for (const owner of new Set(stored.map((task) => task.owner))) {
    const ids = stored.filter((task) => task.owner === owner).map(({ snapshot }) => snapshot.id);
    const { tasks } = (await (await app.call(owner, '/tasks?state=all&limit=100')).json()) as { tasks: Snapshot[] };
    expect(tasks.map(({ id }) => id).sort()).toEqual(ids.sort());
  }
}

async function expectReadable(app: TestApp, task: StoredTask): Promise<void> {
  const { snapshot, fields } = task;
  const now = await read(app, task);
  expect(now).toMatchObject({ id: snapshot.id, title: snapshot.title });
  // The server may have noticed already that the worker of an active task is gone.
  if (isFinished(snapshot)) expect(now.revision).toBe(Number(fields[FIELD.revision]));
  else expect(now.revision).toBeGreaterThanOrEqual(Number(fields[FIELD.revision]));
  // Each task was started with `n: '7'`.
  if (snapshot.status === 'succeeded') expect(now).toMatchObject({ resultOmitted: false, result: { n: 7 } });
}

/** Starts a worker of this version. `told` gets the id of each outcome that its hook was called for. */
function startWorker(backend: Backend) {
  const told: string[] = [];
  const stop = new AbortController();
  const worker = createTaskWorker({ backend, stallInterval: '500ms', drain: '1s' });
  for (const definition of UPGRADE_TASKS) {
    worker.handle(definition, async ({ n }) => {
      if (definition === family) throw new Error('The handler of this task has returned before.');
      return { n, text: '' };
    });
  }
  worker.onOutcome(({ id }) => void told.push(id));
  const running = worker.run({ signal: stop.signal });
  return {
    told,
    stop() {
      stop.abort();
      return running;
    },
  };
}

/** Waits until a task has ended, and expects the outcome that {@link ENDS} names. */
async function expectEnd(app: TestApp, task: StoredTask): Promise<void> {
  const { snapshot } = task;
  const ended = await eventually(
    async () => {
      const now = await read(app, task);
      return isFinished(now) && now;
    },
    { within: 60_000, every: 100, that: `the end of ${snapshot.name} ${snapshot.id}, which was ${snapshot.status}` },
  );
  const error = snapshot.status === 'failed' ? snapshot.error : null;
  expect([snapshot.status, ended.status, ended.error]).toEqual([snapshot.status, ENDS[snapshot.status], error]);
}

/** Whether a key must be gone by now. Those of `onUnseen` hooks stay: they are due an hour after the outcome. */
function mustBeGone(key: string): boolean {
  return !key.startsWith('inloop:hook:unseen:');
}
