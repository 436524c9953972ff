// Tasks that start others, with real worker processes that are killed at any moment.
import { describe, expect, it, jest } from '@jest/globals';
import { isFinished, type Snapshot } from '../../../core/tasks/snapshot.ts';
import { eventually } from '../../support/eventually.ts';
import { family, late } from './processes/fault-tasks.ts';
import { type FaultParts, useFaultWorkers } from './use-fault-workers.ts';

jest.setTimeout(60_000);

const { withOwn } = useFaultWorkers();
/** How many tasks of a definition one worker of the fault tests runs at once. */
const CONCURRENCY = 4;
const OWNER = 'ada';

/** The body of a test that has parts of its own, with functions that start families and look at them. */
const withFamilies = (test: (parts: FaultParts & ReturnType<typeof familiesOf>) => Promise<void>) =>
  withOwn((parts) => test({ ...parts, ...familiesOf(parts) }));

function familiesOf({ app }: FaultParts) {
  const { tasks } = app.tasks;
  const get = ({ id }: Snapshot) => tasks.get(OWNER, id);
  return {
    startFamily: (input: { children: number; failing?: number; ms: number }) =>
      app.tasks.start(family, { failing: 0, ...input }, { owner: OWNER }),
    get,
    childrenOf: async ({ id }: Snapshot) =>
      (await tasks.list(OWNER, { limit: 100 })).tasks.filter(({ parent }) => parent === id),
    until: (task: Snapshot, isReached: (task: Snapshot) => boolean) =>
      eventually(
        async () => {
          const now = await get(task);
          return isReached(now) && now;
        },
        { within: 30_000, that: `the task ${task.id} to get there` },
      ),
  };
}
const waits = (task: Snapshot) => task.status === 'running' && task.waitingFor === 'children';

describe('a worker that is killed', () => {
  it.concurrent.each([
    ['while the handler starts children', 50, (task: Snapshot) => (task.children?.total ?? 0) >= 3],
    // The last child takes at least 600 ms (2 steps of 300). In this time the task can be seen to wait.
    ['while the task waits for them', 300, waits],
  ])('%s loses no child, and starts none twice', (_when, ms, isTime) =>
    withFamilies(async ({ startWorker, startFamily, until, childrenOf, bus }) => {
      const first = await startWorker();
      const task = await startFamily({ children: 10, ms });
      await until(task, isTime);
      await first.kill();
      const second = await startWorker();
      await bus.redis.say('CLIENT', 'KILL', 'TYPE', 'normal');
      await eventually(async () => expect((await childrenOf(task)).some(isFinished)).toBe(true), {
        within: 20_000,
      });
      await second.kill();
      await startWorker();
      const ended = await until(task, isFinished);
      expect(ended).toMatchObject({
        status: 'succeeded',
        result: { started: 10 },
        children: { total: 10, ended: 10, failed: 0 },
      });
      expect((await childrenOf(task)).map(({ status }) => status)).toEqual(Array(10).fill('succeeded'));
      await eventually(async () => expect(await bus.redis.say('ZCARD', 'inloop:parents')).toBe(0));
    })(),
  );
});

it.concurrent(
  'a task that waits for its children leaves its place in the worker to another one',
  withFamilies(async ({ startWorker, startFamily, get, until }) => {
    await startWorker();
    const count = 2 * CONCURRENCY;
    const tasks = await Promise.all(Array.from({ length: count }, () => startFamily({ children: 2, ms: 300 })));
    await eventually(
      async () =>
        expect((await Promise.all(tasks.map((task) => get(task)))).filter(waits).length).toBeGreaterThan(CONCURRENCY),
      { within: 20_000 },
    );
    for (const task of tasks) expect((await until(task, isFinished)).status).toBe('succeeded');
  }),
);

it.concurrent(
  'cancel stops the children that run, in every worker, and then the task is cancelled',
  withFamilies(async ({ startWorker, startFamily, until, childrenOf, app }) => {
    await Promise.all([startWorker(), startWorker()]);
    const task = await startFamily({ children: 12, ms: 5_000 });
    const quick = await startFamily({ children: 12, ms: 200 });
    await until(quick, (now) => (now.children?.total ?? 0) > 2);
    for (const one of [task, quick]) await app.tasks.tasks.cancel(OWNER, one.id);
    for (const one of [task, quick]) expect((await until(one, isFinished)).status).toBe('cancelled');
    const children = await childrenOf(quick);
    expect(children.length).toBeGreaterThan(2);
    expect(children.every(isFinished)).toBe(true);
  }),
);

it.concurrent(
  'a child that fails ends the task, and the children that wait are cancelled',
  withFamilies(async ({ startWorker, startFamily, until, childrenOf, app }) => {
    await startWorker();
    const task = await startFamily({ children: 20, failing: 1, ms: 20 });
    const ended = await until(task, isFinished);
    expect(ended).toMatchObject({ status: 'failed', error: { code: 'child_failed' } });
    await eventually(async () => expect((await childrenOf(task)).every(isFinished)).toBe(true), {
      within: 20_000,
    });
    const unseen = await app.tasks.tasks.list(OWNER, { state: 'unseen' });
    expect(unseen.tasks.map(({ id }) => id)).toEqual([task.id]);
    // A task that starts no others has no field `children`.
    expect(await app.tasks.start(late, { deaf: false }, { owner: OWNER })).not.toHaveProperty('children');
  }),
);
