// Tasks that start others, with real worker processes that are killed at any moment.
import { describe, expect, it, jest } from '@jest/globals';
import { isFinished, type Snapshot } from '../../../core/tasks/snapshot.ts';
import { eventually } from '../../support/eventually.ts';
import { family, late } from './processes/fault-tasks.ts';
import { useFaultWorkers } from './use-fault-workers.ts';

jest.setTimeout(60_000);

const parts = useFaultWorkers();
const { startWorker } = parts;
/** What one worker runs at once of a definition. */
const CONCURRENCY = 4;

let users = 0;
const newOwner = () => `family-${++users}`;
const start = (owner: string, input: { children: number; failing?: number; ms: number }) =>
  parts.app.tasks.start(family, { failing: 0, ...input }, { owner });
const get = (owner: string, { id }: Snapshot) => parts.app.tasks.tasks.get(owner, id);
const childrenOf = async (owner: string, { id }: Snapshot) =>
  (await parts.app.tasks.tasks.list(owner, { limit: 100 })).tasks.filter(({ parent }) => parent === id);
const until = (owner: string, task: Snapshot, isReached: (task: Snapshot) => boolean) =>
  eventually(
    async () => {
      const now = await get(owner, task);
      return isReached(now) && now;
    },
    { within: 30_000, that: `the task ${task.id} to get there` },
  );
const waits = (task: Snapshot) => task.status === 'running' && task.waitingFor === 'children';

describe('a worker that is killed', () => {
  it.each([
    ['while the handler starts children', 50, (task: Snapshot) => (task.children?.total ?? 0) >= 3],
    ['while the task waits for them', 5, waits],
  ])('%s loses none, and starts none twice', async (_when, ms, isTime) => {
    const owner = newOwner();
    const first = await startWorker();
    const task = await start(owner, { children: 10, ms });
    await until(owner, task, isTime);
    await first.kill();
    const second = await startWorker();
    await parts.bus.redis.say('CLIENT', 'KILL', 'TYPE', 'normal');
    await eventually(async () => expect((await childrenOf(owner, task)).some(isFinished)).toBe(true), {
      within: 20_000,
    });
    await second.kill();
    await startWorker();
    const ended = await until(owner, task, isFinished);
    expect(ended).toMatchObject({
      status: 'succeeded',
      result: { started: 10 },
      children: { total: 10, ended: 10, failed: 0 },
    });
    expect((await childrenOf(owner, task)).map(({ status }) => status)).toEqual(Array(10).fill('succeeded'));
    await eventually(async () => expect(await parts.bus.redis.say('ZCARD', 'inloop:parents')).toBe(0));
  });
});

it('a task that waits for its children takes no slot', async () => {
  const owner = newOwner();
  await startWorker();
  const count = 2 * CONCURRENCY;
  const tasks = await Promise.all(Array.from({ length: count }, () => start(owner, { children: 2, ms: 300 })));
  await eventually(
    async () =>
      expect((await Promise.all(tasks.map((task) => get(owner, task)))).filter(waits).length).toBeGreaterThan(
        CONCURRENCY,
      ),
    { within: 20_000 },
  );
  for (const task of tasks) expect((await until(owner, task, isFinished)).status).toBe('succeeded');
});

it('cancel stops the children that run, in every worker, and then the task is cancelled', async () => {
  const owner = newOwner();
  await Promise.all([startWorker(), startWorker()]);
  const task = await start(owner, { children: 12, ms: 5_000 });
  const quick = await start(owner, { children: 12, ms: 200 });
  await until(owner, quick, (now) => (now.children?.total ?? 0) > 2);
  for (const one of [task, quick]) await parts.app.tasks.tasks.cancel(owner, one.id);
  for (const one of [task, quick]) expect((await until(owner, one, isFinished)).status).toBe('cancelled');
  const children = await childrenOf(owner, quick);
  expect(children.length).toBeGreaterThan(2);
  expect(children.every(isFinished)).toBe(true);
});

it('a child that fails ends the task, and the children that wait are cancelled', async () => {
  const owner = newOwner();
  await startWorker();
  const task = await start(owner, { children: 20, failing: 1, ms: 20 });
  const ended = await until(owner, task, isFinished);
  expect(ended).toMatchObject({ status: 'failed', error: { code: 'child_failed' } });
  await eventually(async () => expect((await childrenOf(owner, task)).every(isFinished)).toBe(true), {
    within: 20_000,
  });
  const unseen = await parts.app.tasks.tasks.list(owner, { state: 'unseen' });
  expect(unseen.tasks.map(({ id }) => id)).toEqual([task.id]);
  // A task of another kind does not mind.
  expect(await parts.app.tasks.start(late, { deaf: false }, { owner })).not.toHaveProperty('children');
});
