// Limits of what may be started, on a real Redis: what they count, what they refuse, and what they leave behind.
import { describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import { listStartLimits, type StartLimit, type TaskLimits } from '../../../core/tasks/task-limits.ts';
import type { TaskEvent } from '../../../core/tasks/transition.ts';
import { makeTask, now, useStore } from '../../../test/support/redis/store-world.ts';

jest.setTimeout(60_000);
const world = useStore();

/** The limits as the store takes them. `name`: the definition that they are of; null: of all tasks together. */
const limitsOf = (limits: TaskLimits, name: string | null = null) =>
  listStartLimits(limits, name, 'limits', 'invalid_options');
/** Starts a task; `key` is its Idempotency-Key. */
async function start(owner: string, limits: readonly StartLimit[], { key = null as string | null, retryOf = '' } = {}) {
  const snapshot = { ...makeTask(), retryOf: retryOf || null };
  return { ...(await world.store.create({ snapshot, owner, input: 1, limits }, key)), snapshot };
}
/** Starts a task for each of `owners`, one after the other. Returns one character for each: `x` if it was taken, `-` if refused. */
async function startAll(owners: readonly string[], limits: readonly StartLimit[]) {
  const results = [];
  for (const owner of owners) results.push((await start(owner, limits)).result);
  return results.map((result) => (result === 'created' ? 'x' : '-')).join('');
}
const error = { code: 'stopped', message: 'Stopped.', retryable: true };
const events = (...types: string[]) =>
  types.map(
    (type) =>
      ({ type, at: now(), ...(/^(start|cancel)$/.test(type) ? {} : { attempt: 1 }), result: 1, error }) as TaskEvent,
  );
const end = (task: Snapshot, owner: string) => world.happen(task, owner, ...events('start', 'succeed'));
const keysOf = async (pattern: string) => (await world.raw.keys(`${world.prefix}${pattern}`)).sort();
/** Moves the times of all starts back, as if they were `ms` earlier. */
async function pass(ms: number) {
  for (const key of await keysOf('starts:*')) {
    const times = await world.raw.lRange(key, 0, -1);
    await world.raw
      .multi()
      .del(key)
      .rPush(
        key,
        times.map((time) => String(Number(time) - ms)),
      )
      .exec();
  }
}

describe('a limit of active tasks', () => {
  it.each<[TaskLimits, string | null, string]>([
    [{ owner: { active: 2 } }, null, 'xx-xx-'],
    [{ owner: { active: 2 } }, 'import', 'xx-xx-'],
    [{ overall: { active: 4 } }, null, 'xxxx--'],
    [{ overall: { active: 4 } }, 'import', 'xxxx--'],
    [{ owner: { active: 2 }, overall: { active: 3 } }, 'import', 'xx-x--'],
  ])('of %j (definition %j), of three starts of ada and three of bob, takes %s', async (limits, name, expected) => {
    expect(await startAll(['ada', 'ada', 'ada', 'bob', 'bob', 'bob'], limitsOf(limits, name))).toBe(expected);
  });

  it('takes the next one when a task has an outcome, was discarded, or its owner was forgotten', async () => {
    const limits = limitsOf({ owner: { active: 1 }, overall: { active: 1 } }, 'import');
    const waysToEnd: ((task: Snapshot) => Promise<unknown>)[] = [
      (task) => end(task, 'ada'),
      (task) => world.happen(task, 'ada', ...events('cancel')),
      (task) => world.store.discard(task.id, 'ada'),
      () => world.store.forget('ada'),
      (task) => world.happen(task, 'ada', ...events('start', 'release', 'start', 'cancel', 'stop')),
    ];
    for (const endBy of waysToEnd) {
      const task = await start('ada', limits);
      expect(task).toMatchObject({ result: 'created' });
      expect(await start('ada', limits)).toMatchObject({ result: 'exceeded', waitMs: 10_000 });
      await endBy(task.snapshot);
      expect(await keysOf('counted:*')).toEqual([]);
    }
    expect(await start('ada', limits)).toMatchObject({ result: 'created' });
  });

  it('does not count tasks whose records are gone, or that a worker of an earlier version has ended', async () => {
    const limits = limitsOf({ overall: { active: 100 } });
    for (let n = 0; n < 100; n++) {
      const { snapshot } = await start('ada', limits);
      if (n % 2) await world.raw.del(`${world.prefix}task:${snapshot.id}`);
      else await world.raw.zRem(`${world.prefix}active:ada`, snapshot.id);
    }
    const tried: string[] = [];
    for (let n = 0; n < 100 && !tried.includes('created'); n++) tried.push((await start('ada', limits)).result);
    expect(tried.at(-1)).toBe('created');
  });
});

describe('a limit of starts a minute', () => {
  it('says when the next start is taken, and takes it then', async () => {
    const limits = limitsOf({ owner: { startsPerMinute: 2 } });
    expect(await startAll(['ada', 'ada', 'ada', 'bob'], limits)).toBe('xx-x');
    await pass(20_000);
    const refused = await start('ada', limits);
    expect(refused).toMatchObject({ result: 'exceeded', limit: limits[0] });
    if (refused.result !== 'exceeded') throw new Error('taken');
    expect(refused.waitMs).toBeLessThanOrEqual(40_000);
    expect(refused.waitMs).toBeGreaterThan(30_000);
    await pass(refused.waitMs);
    expect((await start('ada', limits)).result).toBe('created');
    // The second of the two first starts came a few ms after the first one. Now it is a minute ago, too.
    await pass(1_000);
    expect(await startAll(['ada', 'ada'], limits)).toBe('x-');
  });

  it('never takes more within any minute, as a list of all starts tells', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.nat(40_000), { maxLength: 15 }),
        async (max, waits) => {
          const limits = limitsOf({ overall: { startsPerMinute: max } }, `d${max}`);
          await world.raw.del(await keysOf('starts:*').then((keys) => (keys.length > 0 ? keys : ['none'])));
          let taken: number[] = [];
          for (const wait of waits) {
            await pass(wait);
            taken = taken.map((age) => age + wait);
            const { result } = await start('ada', limits);
            // A few ms pass by themselves, so nothing is expected of ages between 59 s and 60 s.
            if (taken.filter((age) => age < 59_000).length >= max) expect(result).toBe('exceeded');
            if (taken.filter((age) => age < 60_000).length < max) expect(result).toBe('created');
            if (result === 'created') taken.push(0);
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  it('counts a retry; a start that is repeated with its Idempotency-Key is neither counted nor refused', async () => {
    const limits = limitsOf({ owner: { startsPerMinute: 3 } });
    const first = await start('ada', limits, { key: 'k' });
    await world.happen(first.snapshot, 'ada', ...events('cancel'));
    for (let n = 0; n < 3; n++)
      expect(await start('ada', limits, { key: 'k' })).toMatchObject({ result: 'exists', id: first.snapshot.id });
    const retry = await start('ada', limits, { retryOf: first.snapshot.id });
    expect(retry.result).toBe('created');
    expect(await startAll(['ada', 'ada'], limits)).toBe('x-');
    expect(await start('ada', limits, { key: 'k' })).toMatchObject({ result: 'exists' });
    expect(await start('ada', limits, { retryOf: first.snapshot.id })).toMatchObject({ id: retry.snapshot.id });
    // The same call again, as after an answer that was lost.
    const again = await world.store.create({ snapshot: first.snapshot, owner: 'ada', input: 1, limits }, 'k');
    expect(again.result).toBe('created');
    await world.store.forget('ada');
    expect(await keysOf('starts:*')).toEqual([]);
  });
});

it('a start that is refused changes nothing; of several limits the one that lasts longest is named', async () => {
  const limits = limitsOf(
    { owner: { active: 1, startsPerMinute: 1 }, overall: { active: 5, startsPerMinute: 5 } },
    'import',
  );
  await start('ada', limits);
  const before = await keysOf('*');
  const starts = await world.raw.lRange(`${world.prefix}starts:import:`, 0, -1);
  expect(await start('ada', limits, { key: 'k' })).toMatchObject({
    result: 'exceeded',
    limit: { kind: 'startsPerMinute', of: 'owner', max: 1 },
  });
  expect(await keysOf('*')).toEqual(before);
  expect(await world.raw.lRange(`${world.prefix}starts:import:`, 0, -1)).toEqual(starts);
  for (const key of await keysOf('starts:*')) expect(await world.raw.ttl(key)).toBeGreaterThan(0);
});

it('of many starts at once over two processes exactly as many are taken as the limit allows', async () => {
  const limits = limitsOf({ owner: { active: 7, startsPerMinute: 9 } }, 'import');
  const stores = [world.store, world.connect().store];
  const results = await Promise.all(
    Array.from({ length: 40 }, (_, n) =>
      stores[n % 2]?.create({ snapshot: makeTask(), owner: 'ada', input: 1, limits }, null),
    ),
  );
  expect(results.filter((one) => one?.result === 'created')).toHaveLength(7);
});
