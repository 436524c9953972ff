// The runs of a task in the store: who runs it, what a run that is over may do, and the job of the next.
import { describe, expect, it } from '@jest/globals';
import type { TaskEvent } from '../../core/tasks/transition.ts';
import { makeTask, now, progress, start, succeed, useStore } from '../../test/support/redis/store-world.ts';
import { FAILURE } from '../../test/support/task-events.ts';
import { queueKey } from '../queue/bee-queue/scripts.ts';
import type { OwnedTask, RunState } from './record.ts';

const world = useStore();
const { accept, happen } = world;

describe('a retry', () => {
  const fail = (over: object = {}): TaskEvent => ({ type: 'fail', at: now(), attempt: 1, error: FAILURE, ...over });

  it('has its job as soon as it is stored, delayed until it is due', async () => {
    const task = await happen(await accept(), 'ada', start());
    const { id } = await happen(task, 'ada', fail({ retryAt: '2100-01-01T00:00:00.000Z' }));
    expect(await world.jobs()).toEqual({
      waiting: [`${id}:1`],
      delayed: [{ value: `${id}:2`, score: Date.parse('2100-01-01T00:00:00.000Z') }],
    });
  });

  it('that is due now has a job that is not delayed', async () => {
    const { id } = await happen(await accept(), 'ada', start(), fail({ retryAt: now() }));
    expect(await world.jobs()).toEqual({ waiting: [`${id}:2`, `${id}:1`], delayed: [] });
  });

  it('that was refused has no job', async () => {
    const task = await happen(await accept(), 'ada', start(), succeed());
    expect(await world.store.apply({ snapshot: task, owner: 'ada' }, fail())).toMatchObject({ ok: false });
    expect(await world.jobs()).toEqual({ waiting: [`${task.id}:1`], delayed: [] });
  });
});

describe('a run', () => {
  const read = async (id: string) => (await world.store.read(id, { run: true })) as OwnedTask & RunState;
  const release: TaskEvent = { type: 'release', at: now(), attempt: 1, error: FAILURE };
  const fail = (): TaskEvent => ({ type: 'fail', at: now(), attempt: 1, error: FAILURE });
  const waiting = () => world.raw.lRange(`${queueKey(world.prefix, makeTask().name)}waiting`, 0, 0);
  const running = () => world.redis.runningOn('w1');

  it('is on the list of its worker from its start to its end, whatever the end', async () => {
    const ends: TaskEvent[][] = [[succeed()], [fail()], [release], [{ type: 'cancel', at: now() }, succeed()]];
    for (const end of ends) {
      const task = await happen(await accept(), 'ada', start());
      expect(await read(task.id)).toMatchObject({ run: 1, worker: 'w1' });
      expect(await running()).toEqual({ [task.id]: 'free' });
      await happen(task, 'ada', ...end);
      expect(await read(task.id)).toMatchObject({ run: 1, worker: null });
      expect(await running()).toEqual({});
    }
  });

  it.each<[string, 'ends' | 'keeps', TaskEvent[]]>([
    ['succeeds', 'ends', [succeed()]],
    ['fails for good', 'ends', [{ ...fail(), error: { ...FAILURE, retryable: false } } as TaskEvent]],
    ['is cancelled', 'ends', [{ type: 'cancel', at: now() }, succeed()]],
    ['is to be tried again', 'keeps', [{ ...fail(), retryAt: '2100-01-01T00:00:00.000Z' } as TaskEvent]],
    ['is handed back', 'keeps', [release]],
  ])('whose task %s %s its job in the same step', async (_what, verb, end) => {
    const task = await accept();
    expect(await world.takeJob()).toBe(`${task.id}:1`);
    await happen(task, 'ada', start(), ...end);
    const active = await world.raw.lRange(`${queueKey(world.prefix, task.name)}active`, 0, -1);
    expect(active).toEqual(verb === 'ends' ? [] : [`${task.id}:1`]);
    const data = await world.raw.hKeys(`${queueKey(world.prefix, task.name)}jobs`);
    expect(data.includes(`${task.id}:1`)).toBe(verb === 'keeps');
  });

  it('that is over cannot write, even if the same attempt runs again', async () => {
    const first = await happen(await accept(), 'ada', start());
    const again = await happen(first, 'ada', release, start());
    expect(again).toMatchObject({ status: 'running', attempt: 1, attempts: 3 });
    for (const event of [progress(1), succeed(), fail(), release]) {
      expect(await world.store.apply({ snapshot: first, owner: 'ada' }, event, { run: 1 })).toMatchObject({
        ok: false,
        refusal: 'stale_attempt',
      });
    }
    expect(await read(again.id)).toMatchObject({ snapshot: again, run: 2 });
  });

  it('that was handed back leaves its progress to the next run, and one that failed does not', async () => {
    const shown = await happen(await accept(), 'ada', start(), progress(3));
    await happen(shown, 'ada', release);
    expect((await read(shown.id)).handedBackProgress).toEqual(shown.progress);
    const next = await happen((await read(shown.id)).snapshot, 'ada', start(), fail());
    expect(next.attempt).toBe(2);
    expect((await read(shown.id)).handedBackProgress).toBeNull();
  });

  it('that a task waits for has a job of its own', async () => {
    const task = await happen(await accept(), 'ada', start(), release);
    expect(await waiting()).toEqual([`${task.id}:2`]);
    await happen(task, 'ada', start(), release);
    expect(await waiting()).toEqual([`${task.id}:3`]);
  });

  it('keeps the suspicion against its task', async () => {
    const task = await happen(await accept(), 'ada', start());
    const suspicion = { shared: 1, charged: 0, lived: 2_000 };
    await world.store.apply({ snapshot: task, owner: 'ada' }, release, { run: 1, suspicion });
    expect(await read(task.id)).toMatchObject({ suspicion });
  });
});

describe('a checkpoint', () => {
  const fail = (): TaskEvent => ({ type: 'fail', at: now(), attempt: 1, error: FAILURE });
  const read = async (id: string) => (await world.store.read(id, { checkpoint: true }))?.checkpoint;
  /** The names of the fields of a record. Those of a checkpoint are `c` and `C` (record.ts). */
  const fields = async (id: string) => Object.keys(await world.raw.hGetAll(`${world.prefix}task:${id}`));
  const begin = async () => happen(await accept(), 'ada', start());

  it('is stored with a change, the last one counts, and the next attempt gets it with the progress of the last step', async () => {
    const task = await begin();
    const apply = (event: TaskEvent, checkpoint?: string) =>
      world.store.apply({ snapshot: task, owner: 'ada' }, event, {
        run: 1,
        isResumable: true,
        ...(checkpoint ? { checkpoint } : {}),
      });
    await apply(progress(3), '{"row":3}');
    expect(await read(task.id)).toEqual({ value: { row: 3 }, progress: null });
    await apply(progress(4), '{"row":4}');
    await apply(progress(6));
    await apply(fail());
    expect(await read(task.id)).toEqual({ value: { row: 4 }, progress: { done: 6, total: null } });
  });

  it('of a run that is over is refused', async () => {
    const task = await begin();
    await world.store.apply({ snapshot: task, owner: 'ada' }, progress(1), { run: 1, checkpoint: '1' });
    await happen(task, 'ada', { type: 'release', at: now(), attempt: 1, error: FAILURE }, start());
    const late = { run: 1, checkpoint: '9' };
    expect(await world.store.apply({ snapshot: task, owner: 'ada' }, progress(9), late)).toMatchObject({ ok: false });
    expect(await read(task.id)).toMatchObject({ value: 1 });
  });

  it('is removed when its task succeeds, and kept when it fails', async () => {
    const [good, bad] = [await begin(), await begin()];
    for (const task of [good, bad]) {
      await world.store.apply({ snapshot: task, owner: 'ada' }, progress(1), { run: 1, checkpoint: '1' });
    }
    await world.store.apply({ snapshot: good, owner: 'ada' }, succeed(), { run: 1, checkpoint: '' });
    const over = { ...fail(), error: { ...FAILURE, retryable: false } } as TaskEvent;
    await world.store.apply({ snapshot: bad, owner: 'ada' }, over, { run: 1, isResumable: true });
    expect(await fields(good.id)).not.toEqual(expect.arrayContaining(['c']));
    expect(await read(good.id)).toBeNull();
    expect(await read(bad.id)).toEqual({ value: 1, progress: { done: 1, total: null } });
  });

  it('is in no snapshot, and a task without one has no field of it', async () => {
    const task = await begin();
    await world.store.apply({ snapshot: task, owner: 'ada' }, progress(1), { run: 1, checkpoint: '"S3CRET"' });
    const seen = [
      await world.store.read(task.id, { result: true, run: true, input: true }),
      await world.store.list('ada'),
    ];
    expect(JSON.stringify(seen)).not.toContain('S3CRET');
    const other = await happen(await begin(), 'ada', progress(1), fail(), start());
    expect(await fields(other.id)).not.toEqual(expect.arrayContaining(['c']));
    expect(await fields(other.id)).not.toEqual(expect.arrayContaining(['C']));
  });
});
