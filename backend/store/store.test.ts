// The life of a task in the store: created, changed, retried, taken back.
import { describe, expect, it } from '@jest/globals';
import { v7 as uuid } from 'uuid';
import { eventually } from '../../test/support/eventually.ts';
import { makeTask, now, progress, start, succeed, useStore } from '../../test/support/redis/store-world.ts';
import { FAILURE } from '../../test/support/task-events.ts';

const world = useStore();
const { accept, happen } = world;

describe('a new task', () => {
  it('is read back as it was stored', async () => {
    const snapshot = makeTask();
    const input = { rows: [1, null, '€😀'] };
    await world.store.create({ snapshot, owner: 'ada', input }, null);
    expect(await world.store.read(snapshot.id, { input: true, run: true })).toMatchObject({
      run: 0,
      worker: null,
      handedBackProgress: null,
      snapshot,
      owner: 'ada',
      input,
      raw: input,
    });
    expect(await world.store.read(snapshot.id)).toEqual({ snapshot, owner: 'ada' });
    expect(await world.store.read(uuid())).toBeNull();
  });

  it('keeps the input as it came beside the parsed one, if they differ', async () => {
    const [parsed, dated] = [makeTask(), makeTask()];
    await world.store.create({ snapshot: parsed, owner: 'ada', input: { n: 5 }, raw: '{"n":"5"}' }, null);
    expect(await world.store.read(parsed.id, { input: true })).toMatchObject({ input: { n: 5 }, raw: { n: '5' } });
    // What came was no JSON.
    await world.store.create({ snapshot: dated, owner: 'ada', input: { n: 5 }, raw: '' }, null);
    expect(await world.store.read(dated.id, { input: true })).toMatchObject({ input: { n: 5 }, raw: undefined });
  });

  it('is stored once, however often the call is repeated', async () => {
    const snapshot = makeTask();
    for (let n = 0; n < 3; n++) {
      expect(await world.store.create({ snapshot, owner: 'ada', input: 1 }, null)).toMatchObject({ result: 'created' });
    }
    const moved = await happen(snapshot, 'ada', start());
    await world.store.create({ snapshot, owner: 'ada', input: 1 }, null);
    expect((await world.store.read(snapshot.id))?.snapshot).toEqual(moved);
  });

  it('has a job as soon as it is stored, and one only', async () => {
    const snapshot = makeTask();
    for (let n = 0; n < 2; n++) await world.store.create({ snapshot, owner: 'ada', input: 1 }, 'the-key');
    await world.store.create({ snapshot: makeTask(), owner: 'ada', input: 1 }, 'the-key');
    expect(await world.jobs()).toEqual({ waiting: [`${snapshot.id}:1`], delayed: [] });
  });
});

describe('an Idempotency-Key', () => {
  const create = (input: unknown, owner = 'ada', key = 'k1', snapshot = makeTask()) =>
    world.store.create({ snapshot, owner, input }, key).then((created) => ({ ...created, made: snapshot.id }));

  it('gives the same task for the same body, and a mismatch for another body', async () => {
    const first = await create({ n: 1 });
    expect(first.result).toBe('created');
    expect(await create({ n: 1 })).toMatchObject({ result: 'exists', id: first.made });
    expect(await create({ n: 2 })).toMatchObject({ result: 'mismatch' });
    expect(await create({ n: 1 }, 'ada', 'k1', makeTask({ name: 'other' }))).toMatchObject({ result: 'mismatch' });
    expect((await world.store.list('ada')).tasks.map(({ id }) => id)).toEqual([first.made]);
  });

  it('gives a new task to another owner, and for another key', async () => {
    await create({ n: 1 });
    expect(await create({ n: 2 }, 'bob')).toMatchObject({ result: 'created' });
    expect(await create({ n: 2 }, 'ada', 'k2')).toMatchObject({ result: 'created' });
  });

  it('gives one task when it is used twenty times at once', async () => {
    const made = await Promise.all(Array.from({ length: 20 }, () => create({ n: 1 })));
    const created = made.filter(({ result }) => result === 'created');
    expect(created).toHaveLength(1);
    for (const one of made) {
      if (one.result === 'exists') expect(one.id).toBe(created[0]?.made);
    }
    expect((await world.store.list('ada')).tasks).toHaveLength(1);
  });

  it('that comes again with the same task id counts as a repeated call whose answer was lost', async () => {
    const snapshot = makeTask();
    await create({ n: 1 }, 'ada', 'k1', snapshot);
    expect(await create({ n: 1 }, 'ada', 'k1', snapshot)).toMatchObject({ result: 'created' });
  });

  it('expires after a day, and is never stored in clear', async () => {
    await create({ n: 1 }, 'ada', 'a-secret-key');
    const keys = await world.raw.keys(`${world.prefix}idem:*`);
    expect(keys).toHaveLength(1);
    expect(keys[0]).not.toContain('a-secret-key');
    const ttl = await world.raw.ttl(keys[0] as string);
    expect(ttl).toBeGreaterThan(24 * 3_600 - 60);
    expect(ttl).toBeLessThanOrEqual(24 * 3_600);
  });
});

describe('a change', () => {
  it('of each of two writers at once is stored', async () => {
    const task = await happen(await accept(), 'ada', start());
    const other = world.connect().store;
    const [one, two] = await Promise.all([
      world.store.apply({ snapshot: task, owner: 'ada' }, progress(5)),
      other.apply({ snapshot: task, owner: 'ada' }, { type: 'cancel', at: now() }),
    ]);
    expect([one.ok, two.ok]).toEqual([true, true]);
    const stored = (await world.store.read(task.id))?.snapshot;
    expect(stored).toMatchObject({ status: 'cancelling', revision: task.revision + 2, progress: { done: 5 } });
  });

  it('of each of many writers at once is stored', async () => {
    const task = await happen(await accept(), 'ada', start());
    const writers = Array.from({ length: 8 }, () => world.connect().store);
    await Promise.all(
      writers.map(async (writer) => {
        for (let n = 0; n < 25; n++) {
          const applied = await writer.apply(
            { snapshot: task, owner: 'ada' },
            { type: 'alive', at: now(), attempt: 1 },
          );
          expect(applied.ok).toBe(true);
        }
      }),
    );
    expect((await world.store.read(task.id))?.snapshot.revision).toBe(task.revision + 8 * 25);
  });

  it('of an attempt that is over is refused, whatever its writer believes', async () => {
    const first = await happen(await accept(), 'ada', start());
    await happen(first, 'ada', { type: 'fail', at: now(), attempt: 1, error: FAILURE }, start());
    for (const event of [progress(9), succeed('stale'), { type: 'alive', at: now(), attempt: 1 } as const]) {
      const applied = await world.store.apply({ snapshot: first, owner: 'ada' }, event);
      expect(applied).toMatchObject({ ok: false, refusal: 'stale_attempt', snapshot: { attempt: 2 } });
    }
    expect((await world.store.read(first.id))?.snapshot).toMatchObject({
      status: 'running',
      attempt: 2,
      progress: null,
    });
  });

  it('that does not fit what its writer knows is decided by what is stored', async () => {
    const queued = await accept();
    await happen(queued, 'ada', start());
    const applied = await world.store.apply({ snapshot: queued, owner: 'ada' }, progress(3));
    expect(applied).toMatchObject({ ok: true, snapshot: { revision: 3, progress: { done: 3 } } });
  });

  it('that ends a task is stored once: of two at the same time, one is refused', async () => {
    for (let n = 0; n < 10; n++) {
      const task = await happen(await accept(), 'ada', start());
      const ends = await Promise.all([
        world.store.apply({ snapshot: task, owner: 'ada' }, succeed('a')),
        world.connect().store.apply({ snapshot: task, owner: 'ada' }, succeed('b')),
      ]);
      expect(ends.filter(({ ok }) => ok)).toHaveLength(1);
      expect(ends.find(({ ok }) => !ok)).toMatchObject({ refusal: 'final' });
    }
  });

  it('of a task that is gone says so', async () => {
    const task = makeTask();
    expect(await world.store.apply({ snapshot: task, owner: 'ada' }, start())).toEqual({
      ok: false,
      refusal: 'missing',
      snapshot: null,
    });
    expect(await world.store.apply({ snapshot: task, owner: 'ada' }, progress(1))).toMatchObject({
      refusal: 'missing',
    });
  });

  it('to cancel is heard by the workers, once', async () => {
    const heard: string[] = [];
    await world.redis.onCancel((id) => heard.push(id));
    const task = await happen(await accept(), 'ada', start(), { type: 'cancel', at: now() }, progress(1));
    await eventually(() => heard.length > 0);
    // Gives a second message the time to come.
    await world.redis.probeWrite();
    expect(heard).toEqual([task.id]);
  });
});

describe('discarding', () => {
  it('removes a task that nobody has changed, and takes it out of the lists', async () => {
    const task = await accept();
    await world.store.discard(task.id, 'ada');
    expect(await world.store.read(task.id)).toBeNull();
    expect((await world.store.list('ada')).tasks).toEqual([]);
  });

  it('leaves a task that a worker has started, and does nothing for one that does not exist', async () => {
    const task = await happen(await accept(), 'ada', start());
    await world.store.discard(task.id, 'ada');
    expect((await world.store.read(task.id))?.snapshot).toEqual(task);
    await world.store.discard(uuid(), 'ada');
  });
});

describe('how long a task usually takes', () => {
  it('is the median of the last successful first attempts, and unknown before there are three', async () => {
    // A store keeps the median that it has read for 10 s, so each question goes to a new one.
    for (const [n, seconds] of [10, 20, 600].entries()) {
      expect(await world.connect().store.medianDuration('import')).toBeNull();
      const task = await accept();
      const at = Date.parse(task.createdAt);
      await happen(
        task,
        'ada',
        { type: 'start', at: new Date(at).toISOString() },
        { type: 'succeed', at: new Date(at + seconds * 1_000).toISOString(), attempt: 1, result: n },
      );
    }
    expect(await world.connect().store.medianDuration('import')).toBe(20_000);
    expect(await world.connect().store.medianDuration('other')).toBeNull();
  });

  it('is kept for the last fifty runs', async () => {
    for (let n = 0; n < 55; n++) await happen(await accept(), 'ada', start(), succeed());
    expect(await world.raw.lLen(`${world.prefix}durations:import`)).toBe(50);
  });
});

describe('a lease', () => {
  it('has one holder, who may renew it, and runs out', async () => {
    expect(await world.redis.lease('sweep', 'a', 10_000)).toBe(true);
    expect(await world.redis.lease('sweep', 'b', 10_000)).toBe(false);
    expect(await world.redis.lease('sweep', 'a', 50)).toBe(true);
    await eventually(() => world.redis.lease('sweep', 'b', 10_000));
    expect(await world.redis.lease('sweep', 'a', 10_000)).toBe(false);
  });

  it('may be asked for with a fraction of a millisecond, as workers with a stall interval of 501 ms do', async () => {
    expect(await world.redis.lease('sweep', 'a', 375.75)).toBe(true);
  });
});
