// The line on a real Redis: whose task is next, and which place each task is told. One test compares it with the line in memory.
import { describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import type { Priority } from '../../core/tasks/definition-options.ts';
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import { makeTask, now, useStore } from '../../test/support/redis/store-world.ts';
import { MemoryLine } from '../../testing/backend/memory-line.ts';
import { jobIdOf, parseJobId } from '../queue/job.ts';
import { BAND } from '../queue/line-scripts.ts';

jest.setTimeout(120_000);

const world = useStore();

let count = 0;
/** A new task of `owner`. Its id is one higher than that of the task before. */
async function accept(owner: string, priority: Priority = 'normal') {
  const snapshot = makeTask({ id: `019ab000-0000-7000-8000-${String(++count).padStart(12, '0')}` });
  const created = await world.store.create({ snapshot, owner, input: 1, priority }, null);
  if (created.result !== 'created') throw new Error(created.result);
  return { ...snapshot, owner, ahead: created.ahead };
}
const jobOf = ({ id }: { readonly id: string }) => jobIdOf({ id, run: 1 });
/** How many tasks are ahead of each of `tasks`; undefined where the store does not say it. */
const aheadOf = async (owner: string, tasks: readonly Snapshot[]) =>
  (await world.store.withPlaces(owner, tasks)).map((task) =>
    task.status === 'queued' ? task.queue?.ahead : undefined,
  );
const cancel = ({ owner, ...snapshot }: Snapshot & { readonly owner: string }) =>
  world.store.apply({ snapshot: snapshot as Snapshot, owner }, { type: 'cancel', at: now() });
const keysOf = async (pattern: string) =>
  (await world.raw.keys(`${world.prefix}${pattern}`)).map((key) => key.slice(world.prefix.length)).sort();

describe('the line', () => {
  it('says how many wait, and estimates it where many owners do', async () => {
    for (const owner of ['a', 'a', 'a', 'b', 'c']) await accept(owner);
    expect(await world.redis.countWaiting('import')).toBe(5);
    await world.takeJob();
    expect(await world.redis.countWaiting('import')).toBe(4);
    for (let n = 0; n < 1_100; n += 100)
      await Promise.all(Array.from({ length: 100 }, (_, m) => accept(`owner-${n + m}`)));
    const estimate = await world.redis.countWaiting('import');
    expect(estimate).toBeGreaterThan(1_090);
    expect(estimate).toBeLessThan(1_115);
    expect(await world.redis.countWaiting('nothing')).toBe(0);
  });

  it('gives turns to owners, the oldest task of each first', async () => {
    const owners = ['a', 'a', 'a', 'b', 'b', 'c'];
    const tasks = [];
    for (const owner of owners) tasks.push(await accept(owner));
    const order = [];
    for (let job = await world.takeJob(); job !== null; job = await world.takeJob()) order.push(job);
    const [a1, a2, a3, b1, b2, c1] = tasks.map(jobOf);
    expect(order).toEqual([a1, b1, c1, a2, b2, a3]);
    expect(await keysOf('line:*')).toEqual([]);
    expect(await world.raw.ttl(`${world.prefix}turns:import`)).toBeGreaterThan(0);
  });

  it('gives an owner’s first task the next turn although another owner has thousands waiting', async () => {
    for (let n = 0; n < 5_000; n += 100) await Promise.all(Array.from({ length: 100 }, () => accept('greedy')));
    for (let n = 0; n < 10; n++) await world.takeJob();
    for (const owner of ['b', 'c']) {
      const task = await accept(owner);
      expect(task.ahead).toBe(0);
      expect(await world.takeJob()).toBe(jobOf(task));
      for (let n = 0; n < 5; n++) await world.takeJob();
    }
  });

  it('gives no more turns to an owner who comes again and again with one task', async () => {
    for (let n = 0; n < 30; n++) await accept('patient');
    let [own, others] = [0, 0];
    for (let turn = 0; turn < 20; turn++) {
      await accept('busy');
      const job = await world.takeJob();
      const owner = (await world.store.read(parseJobId(job ?? '')?.id ?? ''))?.owner;
      if (owner === 'busy') own += 1;
      else others += 1;
    }
    expect(own - others).toBeLessThanOrEqual(1);
  });

  it('takes tasks of high priority before the owner’s others, and of low priority after', async () => {
    const tasks = [];
    for (const priority of ['normal', 'low', 'normal', 'high', 'low', 'high'] as const)
      tasks.push(await accept('a', priority));
    const other = await accept('b', 'low');
    const order = [];
    for (let job = await world.takeJob(); job !== null; job = await world.takeJob()) order.push(job);
    const [first, low1, normal, high1, low2, high2] = tasks.map(jobOf);
    expect(order).toEqual([first, jobOf(other), high1, high2, normal, low1, low2]);
  });

  it('is left by a task that is cancelled', async () => {
    await accept('a');
    const [one, two] = [await accept('a'), await accept('b')];
    await cancel(one);
    expect(await aheadOf('b', [two])).toEqual([1]);
    await cancel(two);
    expect(await keysOf('line:*')).toEqual([]);
    await world.takeJob();
    expect(await world.takeJob()).toBeNull();
    expect(await world.raw.hLen(`${world.prefix}queue:import:jobs`)).toBe(1);
  });

  it('is left by a task that is discarded', async () => {
    await accept('a');
    const [one, two] = [await accept('a'), await accept('b')];
    await world.store.discard(one.id, 'a');
    expect(await aheadOf('b', [two])).toEqual([1]);
    await world.store.discard(two.id, 'b');
    expect(await keysOf('line:*')).toEqual([]);
  });

  it('gives its jobs out after those in the list of bee-queue, where the trial version has put tasks', async () => {
    const list = `${world.prefix}queue:import:waiting`;
    await world.raw.lPush(list, ['old1:1', 'old2:1', 'old3:1']);
    const task = await accept('a');
    await world.raw.lPush(list, 'old4:1');
    const order = [];
    for (let job = await world.takeJob(); job !== null; job = await world.takeJob()) order.push(job);
    expect(order).toEqual(['old1:1', 'old2:1', 'old3:1', 'old4:1', jobOf(task)]);
  });

  it('is carried on by the next worker, if the one that has emptied the list has died', async () => {
    const [one, two] = [await accept('a'), await accept('a')];
    expect(await world.raw.rPop(`${world.prefix}queue:import:waiting`)).toBe(jobOf(one));
    await accept('b');
    expect(await world.takeJob()).not.toBeNull();
    expect([await world.takeJob(), await world.takeJob()]).toEqual([jobOf(two), null]);
  });

  it('says of a task how many are ahead of it: 0 for the next one, and for one that waits alone', async () => {
    const alone = await accept('a');
    expect([alone.ahead, await aheadOf('a', [alone])]).toEqual([null, [0]]);
    const [a2, a3, b1] = [await accept('a'), await accept('a'), await accept('b')];
    expect([a2.ahead, a3.ahead, b1.ahead]).toEqual([1, 2, 1]);
    expect(await aheadOf('a', [alone, a2, a3])).toEqual([0, 2, 3]);
    for (let taken = 0; taken < 3; taken++) await world.takeJob();
    expect(await aheadOf('a', [a2, a3])).toEqual([undefined, 0]);
  });

  it('says nothing where counting would take long: many owners wait, and the task is not its owner’s first', async () => {
    await accept('a');
    const [first, second] = [await accept('a'), await accept('a')];
    for (let n = 0; n < 40; n++) await accept(`o${n}`);
    expect(await aheadOf('a', [first, second])).toEqual([expect.any(Number), undefined]);
  });
});

/** What can happen: somebody starts a task, a worker takes one, a task that waits is cancelled. */
const anyStep = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('start' as const), owner: fc.nat(4), band: fc.nat(2) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('take' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('take several' as const), most: fc.integer({ min: 1, max: 9 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const), which: fc.nat() }) },
);
const PRIORITY = ['high', 'normal', 'low'] as const;

it('is the same in Redis and in memory, whatever happens; and what it says of each task comes true', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { maxLength: 60 }), async (steps) => {
      // `none` is there because DEL takes no empty list.
      await world.raw.del([`${world.prefix}none`, ...(await world.raw.keys(`${world.prefix}*`))]);
      const line = new MemoryLine();
      let waiting: Awaited<ReturnType<typeof accept>>[] = [];
      const take = async () => {
        const job = await world.takeJob();
        expect(line.take()).toBe(job);
        waiting = waiting.filter((task) => jobOf(task) !== job);
        return job;
      };
      for (const step of steps) {
        if (step.do === 'take') await take();
        else if (step.do === 'take several') {
          const size = Math.min(line.size, step.most);
          const jobs = await world.takeJobs(step.most);
          expect(jobs).toEqual(Array.from({ length: size }, () => line.take()));
          waiting = waiting.filter((task) => !jobs.includes(jobOf(task)));
        } else if (step.do === 'cancel') {
          const task = waiting[step.which % waiting.length];
          if (!task) continue;
          await cancel(task);
          line.remove(task.owner, jobOf(task));
          waiting = waiting.filter((one) => one !== task);
        } else {
          const priority = PRIORITY[step.band] ?? 'normal';
          const task = await accept(`owner ${step.owner}`, priority);
          waiting.push(task);
          const isAlone = line.size === 0;
          line.add(task.owner, jobOf(task), BAND[priority]);
          expect(task.ahead).toBe(isAlone ? null : line.ahead(jobOf(task)));
        }
      }
      const told = new Map<string, number | null>();
      for (const task of waiting) {
        const [ahead = null] = await aheadOf(task.owner, [task]);
        expect(ahead).toBe(line.ahead(jobOf(task)));
        told.set(jobOf(task), ahead);
      }
      for (let taken = 0, job = await take(); job !== null; taken++, job = await take())
        expect(told.get(job) ?? taken).toBe(taken);
      expect(await keysOf('line:*')).toEqual([]);
    }),
    { numRuns: 40 },
  );
});
