// Gates of concurrency keys, on a real Redis: who goes in, who waits, and that nobody waits for somebody who is gone.
import { describe, expect, it, jest } from '@jest/globals';
import type { WhenBusy } from '../../../core/tasks/concurrency.ts';
import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import type { TaskEvent } from '../../../core/tasks/transition.ts';
import { makeTask, now, useStore } from '../../../test/support/redis/store-world.ts';
import { RAISE_DELAYED_JOBS } from '../../queue/delayed/raise-script.ts';
import { repairGates } from '../commands/process/repair-gates.ts';
import { gateName } from './gates.ts';

jest.setTimeout(60_000);
const world = useStore();

const error = { code: 'broken', message: 'Broken.', retryable: true };
const SHAPES = {
  start: {},
  cancel: {},
  succeed: { attempt: 1, result: 1 },
  fail: { attempt: 1, error },
  stop: { attempt: 1 },
};
/** Events of a first attempt, at this moment. */
const events = (...types: (keyof typeof SHAPES)[]) =>
  types.map((type) => ({ type, at: now(), ...SHAPES[type] }) as TaskEvent);

interface StartOptions {
  readonly owner?: string;
  readonly key?: string;
  readonly limit?: number;
  readonly whenBusy?: WhenBusy;
  readonly idempotencyKey?: string | null;
  readonly startsAt?: string;
}
/** Starts a task `import` behind the gate of `key`. By default one at a time may go in, and the others wait. */
async function start(options: StartOptions = {}) {
  const { owner = 'ada', key = 'k', limit = 1, whenBusy = 'wait', idempotencyKey = null, startsAt } = options;
  const snapshot = { ...makeTask(), ...(startsAt ? { startsAt } : {}) };
  const created = await world.store.create(
    { snapshot, owner, input: 1, gate: { key, limit, whenBusy } },
    idempotencyKey,
  );
  return { ...created, snapshot, task: snapshot.id };
}
const keysOf = async (...patterns: string[]) => {
  const found = await Promise.all(patterns.map((pattern) => world.raw.keys(`${world.prefix}${pattern}`)));
  return found
    .flat()
    .map((key) => key.slice(world.prefix.length))
    .sort();
};
/** All keys of gates that are left. */
const leftAtGates = () => keysOf('gate*', 'replaced');
/** The ids of all jobs that a worker could take now, which it then has. */
async function takeAll(): Promise<string[]> {
  const ids: string[] = [];
  for (let job = await world.takeJob(); job !== null; job = await world.takeJob()) ids.push(job.split(':')[0] ?? '');
  return ids;
}
const end = (task: Snapshot, owner = 'ada') => world.happen(task, owner, ...events('start', 'succeed'));
/** The key in Redis of the gate. */
const gate = (key = 'k') => `${world.prefix}gate:${gateName('import', key)}`;

describe('a task whose key is taken', () => {
  it('waits, and its turn comes in the order of start', async () => {
    const [a, b, c] = [await start(), await start({ owner: 'bob' }), await start()];
    expect([a.result, b.result, c.result]).toEqual(['created', 'created', 'created']);
    expect(await takeAll()).toEqual([a.task]);
    await world.happen(a.snapshot, 'ada', ...events('start'));
    expect(await takeAll()).toEqual([]);
    const running = (await world.store.read(a.task))?.snapshot as Snapshot;
    await world.happen(running, 'ada', ...events('succeed'));
    expect(await takeAll()).toEqual([b.task]);
    await end(b.snapshot, 'bob');
    expect(await takeAll()).toEqual([c.task]);
    await end(c.snapshot);
    expect(await leftAtGates()).toEqual([]);
  });

  it('waits until one of `limit` tasks has ended; tasks with other keys do not count, nor those of other definitions', async () => {
    const first = [await start({ limit: 2 }), await start({ limit: 2 })];
    const third = await start({ limit: 2 });
    const other = await start({ key: 'other' });
    expect((await takeAll()).sort()).toEqual([...first, other].map(({ task }) => task).sort());
    await end(first[1]?.snapshot as Snapshot);
    expect(await takeAll()).toEqual([third.task]);
    expect(gateName('a', 'k')).not.toBe(gateName('b', 'k'));
    expect(gateName('a', 'k'.repeat(10_000)).length).toBeLessThan(60);
  });

  it('does not get in while the task before it is retried', async () => {
    const [a, b] = [await start(), await start()];
    const failed = await world.happen(a.snapshot, 'ada', ...events('start', 'fail'));
    expect(failed.status).toBe('retrying');
    expect(await takeAll()).not.toContain(b.task);
    await world.happen(failed, 'ada', ...events('cancel'));
    expect(await takeAll()).toEqual([b.task]);
  });

  it('is cancelled while it waits, and nobody waits for it', async () => {
    const [a, b, c] = [await start(), await start(), await start()];
    expect((await world.happen(b.snapshot, 'ada', ...events('cancel'))).status).toBe('cancelled');
    await takeAll();
    await end(a.snapshot);
    expect(await takeAll()).toEqual([c.task]);
    await end(c.snapshot);
    expect(await leftAtGates()).toEqual([]);
  });

  it.each<[string, (task: Snapshot) => Promise<unknown>]>([
    ['discarded', (task) => world.store.discard(task.id, 'eve')],
    ['of an owner who is forgotten', () => world.store.forget('eve')],
  ])('gets its turn when the task before it is %s', async (_, leave) => {
    const [a, b, c] = [await start({ owner: 'eve' }), await start({ owner: 'eve' }), await start()];
    await leave(b.snapshot);
    await leave(a.snapshot);
    expect(await takeAll()).toContain(c.task);
    await end(c.snapshot);
    expect(await leftAtGates()).toEqual([]);
  });
});

describe('`refuse` and `join`', () => {
  it('refuses, until the other has ended', async () => {
    const a = await start({ whenBusy: 'refuse' });
    expect((await start({ whenBusy: 'refuse', owner: 'bob' })).result).toBe('busy');
    await world.happen(a.snapshot, 'ada', ...events('start', 'cancel'));
    expect((await start({ whenBusy: 'refuse' })).result).toBe('busy');
    const stopping = (await world.store.read(a.task))?.snapshot as Snapshot;
    await world.happen(stopping, 'ada', ...events('stop'));
    expect((await start({ whenBusy: 'refuse' })).result).toBe('created');
    expect(await keysOf('task:*')).toHaveLength(2);
  });

  it('joins the task at work; the same Idempotency-Key gives that task even after it has ended', async () => {
    const a = await start({ whenBusy: 'join' });
    const again = { whenBusy: 'join', idempotencyKey: 'i' } as const;
    expect(await start(again)).toMatchObject({ result: 'joined', id: a.task });
    await end(a.snapshot);
    expect(await start(again)).toMatchObject({ result: 'exists', id: a.task });
    expect((await start({ whenBusy: 'join' })).result).toBe('created');
  });

  it('does not join a task that is being cancelled: a new one waits for it, and the next start joins the new one', async () => {
    const a = await start({ whenBusy: 'join' });
    await world.happen(a.snapshot, 'ada', ...events('start', 'cancel'));
    const b = await start({ whenBusy: 'join' });
    expect(b.result).toBe('created');
    expect(await start({ whenBusy: 'join' })).toMatchObject({ result: 'joined', id: b.task });
  });
});

describe('`replace`', () => {
  it('names what is to be cancelled, and starts when that has ended', async () => {
    const a = await start({ whenBusy: 'replace' });
    await takeAll();
    const running = await world.happen(a.snapshot, 'ada', ...events('start'));
    const b = await start({ whenBusy: 'replace' });
    expect(b).toMatchObject({ result: 'created', replaces: [a.task] });
    const cancelling = await world.happen(running, 'ada', ...events('cancel'));
    const c = await start({ whenBusy: 'replace' });
    expect(c).toMatchObject({ replaces: [b.task] });
    await world.happen(b.snapshot, 'ada', ...events('cancel'));
    expect(await takeAll()).toEqual([]);
    await world.happen(cancelling, 'ada', ...events('stop'));
    expect(await takeAll()).toEqual([c.task]);
  });

  it('names the oldest of several: as many as have to go before the new one may start', async () => {
    const all = [];
    for (let n = 0; n < 3; n++) all.push(await start({ whenBusy: 'replace', limit: 3 }));
    expect(all.map((one) => one.result === 'created' && one.replaces)).toEqual([[], [], []]);
    const fourth = await start({ whenBusy: 'replace', limit: 3 });
    expect(fourth).toMatchObject({ replaces: [all[0]?.task] });
    const last = await start({ whenBusy: 'replace', limit: 1 });
    expect(last).toMatchObject({ replaces: [...all, fourth].map(({ task }) => task) });
  });

  it('names them again 3 s later, for the sweeper, if the process that had to cancel them has died', async () => {
    const a = await start({ whenBusy: 'replace' });
    await start({ whenBusy: 'replace' });
    expect(await repairGates(world.redis)).toEqual([]);
    // As if `a` had been replaced more than 3 s ago. Until then the process that replaced it may still cancel it.
    await world.raw.zAdd(`${world.prefix}replaced`, { score: Date.now() - 3_001, value: a.task });
    expect(await repairGates(world.redis)).toEqual([a.task]);
    await world.store.settleReplaced([a.task]);
    expect(await repairGates(world.redis)).toEqual([]);
  });
});

it('a task that starts later takes no key before its time has come, and waits then', async () => {
  const later = await start({ startsAt: new Date(Date.now() + 60_000).toISOString(), whenBusy: 'refuse' });
  const a = await start({ whenBusy: 'refuse' });
  expect([later.result, a.result, (await start({ whenBusy: 'refuse' })).result]).toEqual([
    'created',
    'created',
    'busy',
  ]);
  const raise = () => {
    const { prefix } = world;
    const queue = `${prefix}queue:import:`;
    const keys = [`${queue}delayed`, `${prefix}line:import`, `${prefix}turns:import`];
    return world.raw.eval(RAISE_DELAYED_JOBS, {
      keys,
      arguments: [String(Date.now() + 61_000), '100', queue, `${prefix}task:`],
    });
  };
  // One job was due, and no other one is delayed.
  expect(await raise()).toEqual([1, -1]);
  expect(await takeAll()).toEqual([a.task]);
  await end(a.snapshot);
  expect(await takeAll()).toEqual([later.task]);
  const gone = await start({ key: 'x', startsAt: new Date(Date.now() + 60_000).toISOString() });
  await world.happen(gone.snapshot, 'ada', ...events('cancel'));
  await raise();
  await end(later.snapshot);
  expect([await takeAll(), await leftAtGates()]).toEqual([[], []]);
});

it('a child waits as other tasks do, but cannot wait for its own parent, nor for the parent of its parent', async () => {
  const startChild = async (parent: string, key: string) => {
    const snapshot = { ...makeTask(), parent };
    const gate = { key, limit: 1, whenBusy: 'wait' } as const;
    const child = { parent, run: 1, key: snapshot.id };
    return { ...(await world.store.create({ snapshot, owner: 'ada', input: 1, gate, child }, null)), snapshot };
  };
  const [parent, other] = [await start(), await start({ key: 'other' })];
  await takeAll();
  await world.happen(parent.snapshot, 'ada', ...events('start'));
  expect(await startChild(parent.task, 'k')).toMatchObject({ result: 'refused', why: 'own_key' });
  const waiting = await startChild(parent.task, 'other');
  const child = await startChild(parent.task, 'free');
  expect([waiting.result, child.result]).toEqual(['created', 'created']);
  expect(await takeAll()).toEqual([child.snapshot.id]);
  await world.happen(child.snapshot, 'ada', ...events('start'));
  for (const key of ['k', 'free'])
    expect(await startChild(child.snapshot.id, key)).toMatchObject({ result: 'refused', why: 'own_key' });
  await end(other.snapshot);
  expect(await takeAll()).toEqual([waiting.snapshot.id]);
});

describe('a task that is gone without having left its gate', () => {
  it.each<[string, (id: string) => Promise<unknown>]>([
    ['its record is lost', (id) => world.raw.del(`${world.prefix}task:${id}`)],
    ['a worker of an earlier version has ended it', (id) => world.raw.zRem(`${world.prefix}active:ada`, id)],
  ])('holds nobody back: %s', async (_, lose) => {
    const a = await start({ whenBusy: 'refuse' });
    await lose(a.task);
    const b = await start({ whenBusy: 'refuse' });
    expect(b.result).toBe('created');
    const c = await start();
    await takeAll();
    await lose(b.task);
    // The gate is not to be checked yet. With the score 1 it is.
    expect(await repairGates(world.redis)).toEqual([]);
    expect(await takeAll()).toEqual([]);
    await world.raw.zAdd(`${world.prefix}gates`, { score: 1, value: gateName('import', 'k') });
    await repairGates(world.redis);
    expect(await takeAll()).toEqual([c.task]);
    await end(c.snapshot);
    expect(await leftAtGates()).toEqual([]);
  });

  it('lets in the one behind it, if it is lost while it waits', async () => {
    const [a, b, c] = [await start(), await start(), await start()];
    await world.raw.del(`${world.prefix}task:${b.task}`);
    await end(a.snapshot);
    expect(await takeAll()).toContain(c.task);
    expect(await world.raw.zRange(gate(), 0, -1)).toEqual([c.task]);
  });
});
