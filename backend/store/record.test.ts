// What a record is made of, and that no call reads more of it than it needs: some tests count the bytes that Redis sends.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { v7 as uuid } from 'uuid';
import { MAX_EVENT_BYTES, MAX_INPUT_BYTES, MAX_RESULT_BYTES } from '../../core/limits.ts';
import { isFinished, type Snapshot } from '../../core/tasks/snapshot.ts';
import { transition } from '../../core/tasks/transition.ts';
import { now, start, succeed, useStore } from '../../test/support/redis/store-world.ts';
import { anyEventSeed, eventFor, FAILURE, newTask, SNAPSHOT_KEYS } from '../../test/support/task-events.ts';

const TASKS = 100;
const INPUT = { text: 'i'.repeat(MAX_INPUT_BYTES - 100) };
const RESULT = { text: 'r'.repeat(MAX_RESULT_BYTES - 100) };

const world = useStore();

const owned = (snapshot: Snapshot) => ({ snapshot, owner: 'ada' });

const accept = (input: unknown = INPUT) => world.accept('ada', input);
const run = (task: Snapshot) => world.happen(task, 'ada', start());
const end = (task: Snapshot, result: unknown = RESULT) => world.happen(task, 'ada', succeed(result));

/** A task with the biggest input and the biggest result. */
const makeBig = async () => end(await run(await accept()));
const makeBigOnes = () => Promise.all(Array.from({ length: TASKS }, makeBig));

/** A number that Redis counts: the first group of `pattern` in a section of INFO. */
async function stats(section: 'stats' | 'commandstats', pattern: RegExp): Promise<number> {
  return Number(pattern.exec(await world.raw.info(section))?.[1] ?? 0);
}

/** How many bytes Redis sends and receives for `call`. The bytes of asking for the counts are subtracted. */
async function bytesOf(call: () => Promise<unknown>): Promise<{ sent: number; received: number }> {
  const count = async () => ({
    sent: await stats('stats', /total_net_output_bytes:(\d+)/),
    received: await stats('stats', /total_net_input_bytes:(\d+)/),
  });
  // The first call of each script sends its text.
  await call();
  const [first, second] = [await count(), await count()];
  await call();
  const third = await count();
  return {
    sent: third.sent - second.sent - (second.sent - first.sent),
    received: third.received - second.received - (second.received - first.received),
  };
}

describe('inputs and results are not read', () => {
  it('when tasks are listed', async () => {
    await makeBigOnes();
    for (const state of ['all', 'unseen'] as const) {
      const { sent } = await bytesOf(async () =>
        expect((await world.store.list('ada', { state, limit: TASKS })).tasks).toHaveLength(TASKS),
      );
      expect(sent).toBeLessThan(TASKS * 1_000);
    }
  });

  it('when outcomes are marked as seen', async () => {
    const ids = (await makeBigOnes()).map(({ id }) => id);
    const first = ids.slice(0, TASKS / 2);
    const second = ids.slice(TASKS / 2);
    // `bytesOf` makes its call twice: each half is marked once.
    const halves = [first, second];
    const { sent } = await bytesOf(() => world.store.see('ada', halves.shift() ?? []));
    expect(sent).toBeLessThan(TASKS * 50);
    expect((await world.store.list('ada', { state: 'unseen' })).tasks).toEqual([]);
  });

  it('when a change is refused', async () => {
    const queued = await accept();
    await end(await run(queued));
    const { sent } = await bytesOf(() => world.store.apply(owned(queued), { type: 'cancel', at: now() }));
    expect(sent).toBeLessThan(2_000);
  });

  it('when a change is stored', async () => {
    let task = await run(await accept());
    const alive = async () => {
      const applied = await world.store.apply(owned(task), { type: 'alive', at: now(), attempt: 1 });
      if (applied.ok) task = applied.snapshot;
    };
    const { sent, received } = await bytesOf(alive);
    expect(sent + received).toBeLessThan(3_000);
  });

  it('when a task is read or waited for, and when tasks that were not pushed are looked for', async () => {
    const { id } = await makeBig();
    for (const call of [
      () => world.store.read(id),
      () => world.store.read(id, { owner: 'ada' }),
      () => world.store.markWaited(id, 1_000),
      () => world.redis.unpublished(0, 100),
    ]) {
      expect((await bytesOf(call)).sent).toBeLessThan(2_000);
    }
  });
});

it('a big result goes to Redis once, and comes back to those who ask for it', async () => {
  const tasks = [await run(await accept()), await run(await accept())];
  const ids = tasks.map(({ id }) => id);
  // `bytesOf` makes its call twice: each task ends once.
  const { received } = await bytesOf(async () => end(tasks.shift() as Snapshot));
  expect(received).toBeLessThan(MAX_RESULT_BYTES + 3_000);
  const [id] = ids as [string];
  expect(await world.store.read(id)).toMatchObject({
    snapshot: { status: 'succeeded', result: null, resultOmitted: true },
  });
  expect(await world.store.read(id, { owner: 'ada', result: true })).toMatchObject({
    snapshot: { status: 'succeeded', result: RESULT, resultOmitted: false },
  });
  const { sent } = await bytesOf(() => world.store.read(id, { owner: 'bob', result: true }));
  expect(sent).toBeLessThan(100);
});

it('a result that fits an event is in every list', async () => {
  const task = await run(await accept());
  const empty = transition(task, { type: 'succeed', at: now(), attempt: 1, result: '' });
  const room = MAX_EVENT_BYTES - (empty.ok ? Buffer.byteLength(JSON.stringify(empty.snapshot)) : 0);
  const fits = await end(task, 'r'.repeat(room));
  const omitted = await end(await run(await accept()), 'r'.repeat(room + 1));
  expect((await world.store.list('ada')).tasks).toEqual([{ ...omitted, result: null, resultOmitted: true }, fits]);
});

it('reading a task of another owner costs Redis the same as reading one that does not exist', async () => {
  const { id } = await makeBig();
  const commands = async (of: string) => {
    const count = async () => {
      const info = await world.raw.info('commandstats');
      return [...info.matchAll(/cmdstat_([a-z|]+):calls=(\d+)/g)].map(
        ([, name, calls]) => [name, Number(calls)] as const,
      );
    };
    const before = new Map(await count());
    await world.store.read(of, { owner: 'bob', result: true });
    const after = (await count()).filter(([name]) => name !== 'info');
    return after.flatMap(([name, calls]) =>
      calls === (before.get(name) ?? 0) ? [] : [[name, calls - (before.get(name) ?? 0)]],
    );
  };
  await commands(uuid());
  expect(await commands(id)).toEqual(await commands(uuid()));
});

describe('seen', () => {
  it('takes one command for a thousand ids, some of them twice or unknown, and changes each outcome as core/ does', async () => {
    const tasks = await Promise.all(Array.from({ length: 20 }, async () => end(await run(await accept(1)), 'ok')));
    const strangers = Array.from({ length: 480 }, () => uuid());
    const ids = [...tasks.map(({ id }) => id), ...strangers];
    const calls = () => stats('commandstats', /cmdstat_evalsha:calls=(\d+)/);
    await world.store.see('ada', [uuid()]);
    const before = await calls();
    const seen = await world.store.see('ada', [...ids, ...ids]);
    expect((await calls()) - before).toBe(1);
    expect([...seen.ids].sort()).toEqual(tasks.map(({ id }) => id).sort());
    for (const task of tasks) {
      const moved = transition(task, { type: 'see', at: seen.seenAt });
      expect(moved.ok && moved.snapshot).toEqual((await world.store.read(task.id))?.snapshot);
      expect(await world.raw.hGet(`${world.prefix}task:${task.id}`, 'r')).toBe(String(task.revision + 1));
    }
    expect((await world.store.list('ada')).tasks.map(({ seenAt }) => seenAt)).toEqual(tasks.map(() => seen.seenAt));
  });

  it('skips tasks that are active, seen already, or of another owner', async () => {
    const active = await run(await accept(1));
    const done = await end(await run(await accept(1)), 1);
    expect((await world.store.see('bob', [done.id, active.id])).ids).toEqual([]);
    expect((await world.store.see('ada', [done.id, active.id, done.id])).ids).toEqual([done.id]);
    const once = await world.store.read(done.id);
    expect((await world.store.see('ada', [done.id])).ids).toEqual([]);
    expect(await world.store.read(done.id)).toEqual(once);
    expect((await world.store.read(active.id))?.snapshot).toEqual(active);
  });

  it('gets its time from Redis, whatever the clock of the caller says', async () => {
    const done = await end(await run(await accept(1)), 1);
    const before = await world.redis.time();
    const seen = await world.store.see('ada', [done.id]);
    const after = await world.redis.time();
    expect(Date.parse(seen.seenAt)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(seen.seenAt)).toBeLessThanOrEqual(after);
  });

  it('does not bring back a task that has expired', async () => {
    const done = await end(await run(await accept(1)), 1);
    await world.raw.del(`${world.prefix}task:${done.id}`);
    expect((await world.store.see('ada', [done.id])).ids).toEqual([]);
    expect(await world.raw.exists(`${world.prefix}task:${done.id}`)).toBe(0);
    expect(await world.raw.zCard(`${world.prefix}unseen:ada`)).toBe(0);
  });

  it('does not prevent a retry of the task, which happens once', async () => {
    const task = await run(await accept(1));
    const failed = await world.store.apply(owned(task), {
      type: 'fail',
      at: now(),
      attempt: 1,
      error: { ...FAILURE, retryable: false },
    });
    await world.store.see('ada', [task.id]);
    expect(failed.ok && isFinished(failed.snapshot)).toBe(true);
    const again = () =>
      world.store.create(
        { snapshot: { ...newTask({ id: uuid(), at: now() }), retryOf: task.id }, owner: 'ada', input: 1 },
        null,
      );
    expect(await again()).toMatchObject({ result: 'created' });
    expect(await again()).toMatchObject({ result: 'exists' });
  });
});

it('after any sequence of events, the stored record equals what core/ makes of them', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyEventSeed, { maxLength: 12 }), fc.boolean(), async (seeds, isBig) => {
      let task: Snapshot = await accept(1);
      for (const seed of seeds) {
        const event = eventFor(task, seed);
        if (event.type === 'succeed' && isBig) Object.assign(event, { result: 'r'.repeat(MAX_EVENT_BYTES) });
        if (event.type === 'see') {
          const { ids, seenAt } = await world.store.see('ada', [task.id]);
          const seen = transition(task, { type: 'see', at: seenAt });
          expect(seen.ok).toBe(ids.length === 1);
          if (seen.ok) task = seen.snapshot;
        } else {
          const moved = transition(task, event);
          const applied = await world.store.apply(owned(task), event);
          expect(applied.ok).toBe(moved.ok);
          if (moved.ok) task = moved.snapshot;
        }
        expect(await world.store.read(task.id, { result: true })).toEqual(owned(task));
        expect(await world.raw.hGet(`${world.prefix}task:${task.id}`, 'r')).toBe(String(task.revision));
      }
    }),
    { numRuns: 60 },
  );
});

describe('a record of the trial version', () => {
  const id = '019ab000-0000-7000-8000-000000000001';
  const at = '2026-01-01T00:00:00.000Z';
  const snapshot = {
    id,
    name: 'import',
    title: 'Import',
    status: 'succeeded',
    revision: 3,
    attempt: 1,
    attempts: 3,
    progress: null,
    createdAt: at,
    startedAt: at,
    updatedAt: at,
    finishedAt: at,
    signOfLifeAt: at,
    expectedAt: null,
    result: RESULT,
    resultOmitted: false,
    error: null,
    retryOf: null,
    seenAt: null,
  };
  const write = async (stored: object) => {
    await world.raw.hSet(`${world.prefix}task:${id}`, { r: 3, s: JSON.stringify(stored), o: 'ada', i: '{"n":1}' });
    for (const index of ['all', 'unseen']) await world.raw.zAdd(`${world.prefix}${index}:ada`, { score: 0, value: id });
  };

  it('is read whole, with its result', async () => {
    await write(snapshot);
    expect(await world.store.read(id, { owner: 'ada', result: true })).toEqual({ snapshot, owner: 'ada' });
    expect(await world.store.read(id, { input: true })).toMatchObject({ input: { n: 1 } });
    const { tasks } = await world.store.list('ada', { state: 'unseen' });
    expect(tasks).toEqual([{ ...snapshot, result: null, resultOmitted: true }]);
    expect(Object.keys(tasks[0] as object).sort()).toEqual(SNAPSHOT_KEYS);
  });

  it('can be marked as seen', async () => {
    await write(snapshot);
    const { ids, seenAt } = await world.store.see('ada', [id]);
    expect(ids).toEqual([id]);
    expect(await world.store.read(id, { result: true })).toMatchObject({
      snapshot: { result: RESULT, revision: 4, seenAt, updatedAt: seenAt },
    });
  });

  it('that was seen already keeps its time', async () => {
    await write({ ...snapshot, revision: 4, seenAt: at });
    await world.raw.del(`${world.prefix}unseen:ada`);
    expect((await world.store.see('ada', [id])).ids).toEqual([]);
    expect(await world.store.read(id)).toMatchObject({ snapshot: { seenAt: at, revision: 4 } });
  });
});
