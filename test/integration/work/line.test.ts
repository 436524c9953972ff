// The line with real worker processes: whose task is next, and that nothing is lost when workers are killed while many tasks wait.
import { describe, expect, it, jest } from '@jest/globals';
import { isFinished, type Snapshot } from '../../../core/tasks/snapshot.ts';
import { eventually } from '../../support/eventually.ts';
import { steps } from './processes/fault-tasks.ts';
import { useFaultWorkers } from './use-fault-workers.ts';

jest.setTimeout(60_000);

const parts = useFaultWorkers();
const { startWorker } = parts;
/** How many tasks of a definition one worker of the fault tests runs at once. */
const CONCURRENCY = 4;

let users = 0;
const newOwner = () => `line-${++users}`;
const start = (owner: string, ms: number) => parts.app.tasks.start(steps, { steps: 1, ms }, { owner });
const startMany = async (owner: string, count: number, ms: number) => {
  const tasks: Snapshot[] = [];
  for (let n = 0; n < count; n += 50)
    tasks.push(...(await Promise.all(Array.from({ length: Math.min(50, count - n) }, () => start(owner, ms)))));
  return tasks;
};
const get = (owner: string, { id }: Snapshot) => parts.app.tasks.tasks.get(owner, id);
const whenEnded = (owner: string, task: Snapshot) =>
  eventually(
    async () => {
      const now = await get(owner, task);
      return isFinished(now) && now;
    },
    { within: 40_000, that: `the outcome of ${task.id}` },
  );
/** Cancels the tasks that have not ended, a few at a time. */
async function cancelAll(owner: string, tasks: readonly Snapshot[]): Promise<void> {
  for (let n = 0; n < tasks.length; n += 50) {
    const some = tasks.slice(n, n + 50);
    await Promise.all(some.map(({ id }) => parts.app.tasks.tasks.cancel(owner, id).catch(() => undefined)));
  }
}

describe('a thousand tasks of one owner', () => {
  it('hold back the first task of another owner by no more than the tasks that run already', async () => {
    await startWorker();
    const greedy = newOwner();
    const backlog = await startMany(greedy, 1_000, 50);
    // Each task takes 200 ms (50 and the 150 that the handler waits), and four run at once: 20 a second. So the first 300 are
    // more than can have started by the end of this test.
    const startedTimes = async () =>
      (await Promise.all(backlog.slice(0, 300).map((task) => get(greedy, task)))).map(({ startedAt }) => startedAt);
    for (let round = 0; round < 3; round++) {
      const other = newOwner();
      const task = await start(other, 50);
      const ended = await whenEnded(other, task);
      const meanwhile = (await startedTimes()).filter(
        (at) => at !== null && at > task.createdAt && at <= (ended.startedAt ?? ''),
      );
      // Each place of the worker may have taken one of them before the new task was in the line.
      expect(meanwhile.length).toBeLessThanOrEqual(CONCURRENCY);
    }
    await cancelAll(greedy, backlog);
  });
});

describe('while many wait', () => {
  it('a worker and the connections of all are killed again and again: each task runs to its end once', async () => {
    const owners = Array.from({ length: 8 }, newOwner);
    let worker = await startWorker();
    const started = await Promise.all(owners.map(async (owner) => ({ owner, tasks: await startMany(owner, 12, 5) })));
    const redis = parts.bus.redis;
    for (let round = 0; round < 4; round++) {
      await eventually(async () => {
        const { tasks } = await parts.app.tasks.tasks.list(owners[0] as string, { state: 'all', limit: 12 });
        return tasks.filter(isFinished).length >= round;
      });
      await redis.say('CLIENT', 'KILL', 'TYPE', 'normal');
      await worker.kill();
      worker = await startWorker();
    }
    for (const { owner, tasks } of started) {
      for (const task of tasks) {
        const ended = await whenEnded(owner, task);
        expect([ended.status, ended.result]).toEqual(['succeeded', { steps: 1, attempt: ended.attempt }]);
      }
    }
    expect(await redis.say('EXISTS', 'inloop:line:steps')).toBe(0);
  });
});
