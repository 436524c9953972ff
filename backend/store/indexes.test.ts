// Ids of expired records leave the indexes, even if the owner never looks at a list, and no script looks at more than 1,000 ids.
import { describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { v7 as uuid } from 'uuid';
import { channelOf } from '../../core/channel.ts';
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import { now, useStore } from '../../test/support/redis/store-world.ts';
import { newTask } from '../../test/support/task-events.ts';

jest.setTimeout(120_000);

const RETENTION_S = 3_600;

const world = useStore({ retention: RETENTION_S });

/** How many ids an index holds. */
const size = (index: string) => world.raw.zCard(world.prefix + index);

const accept = (owner = 'ada', key: string | null = null) => world.accept(owner, 1, key);

/** Lets a task succeed. Returns its id. */
async function finish(task: Snapshot, owner = 'ada'): Promise<string> {
  await world.store.apply({ snapshot: task, owner }, { type: 'start', at: now() });
  const applied = await world.store.apply(
    { snapshot: task, owner },
    { type: 'succeed', at: now(), attempt: 1, result: 1 },
  );
  expect(applied.ok).toBe(true);
  return task.id;
}

/** Makes finished tasks and removes their records, as Redis does when they expire. Their ids stay in the indexes. */
async function liveAndExpire(tasks: number, owner = 'ada'): Promise<void> {
  const ids = await Promise.all(Array.from({ length: tasks }, async () => finish(await accept(owner), owner)));
  await world.raw.del(ids.map((id) => `${world.prefix}task:${id}`));
}

/** An id that sorts by `n`. */
const idOf = (n: number) => `019ab000-0000-7000-8000-${String(n).padStart(12, '0')}`;

/** Adds ids without records, many at once. */
async function leaveIds(index: string, count: number): Promise<void> {
  for (let from = 0; from < count; from += 10_000) {
    const ids = Array.from({ length: Math.min(10_000, count - from) }, (_, n) => ({ score: 0, value: idOf(from + n) }));
    await world.raw.zAdd(world.prefix + index, ids);
  }
}

describe('of an owner who never looks', () => {
  it('8,000 tasks that have expired leave only a few ids in the indexes', async () => {
    for (let n = 0; n < 80; n++) await liveAndExpire(100);
    // The last 100 ids are left, since no new task has cleaned up behind them. One new task in 8 cleans, by chance. That none of
    // 100 does happens about once in a million runs. The test fails only if it happens three times in a row.
    for (const index of ['all:ada', 'unseen:ada']) expect(await size(index)).toBeLessThan(400);
    expect(await size('active:ada')).toBe(0);
  });

  it('3,000 tasks that have expired leave only a few ids, also behind tasks that never end, and in an inbox that the trial version let grow', async () => {
    const kept = [await accept(), await accept(), await accept(), await accept()];
    await leaveIds('unseen:ada', 2_000);
    for (let n = 0; n < 30; n++) await liveAndExpire(100);
    for (const index of ['all:ada', 'unseen:ada']) expect(await size(index)).toBeLessThan(1_000);
    expect((await world.store.list('ada', { state: 'active' })).tasks.map(({ id }) => id)).toEqual(
      kept.map(({ id }) => id).reverse(),
    );
  });

  it('tasks that are kept stay in every index', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 200; n++) ids.unshift(await finish(await accept()));
    await liveAndExpire(200);
    for (const index of ['all:ada', 'unseen:ada']) {
      expect(await world.raw.zRange(world.prefix + index, 0, -1)).toEqual(expect.arrayContaining(ids));
    }
  });
});

it('a list gives every task that is left, newest first and once, whichever have expired', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ isGone: fc.boolean(), length: fc.integer({ min: 1, max: 40 }) }), { maxLength: 12 }),
      fc.integer({ min: 1, max: 30 }),
      fc.constantFrom('all', 'active', 'unseen'),
      async (stretches, limit, state) => {
        const owner = uuid();
        const tasks = stretches.flatMap(({ isGone, length }) => Array.from({ length }, () => isGone));
        const snapshot = JSON.stringify(newTask());
        const multi = world.raw.multi();
        for (const [n, isGone] of tasks.entries()) {
          multi.zAdd(`${world.prefix}${state}:${owner}`, { score: 0, value: idOf(n) });
          if (!isGone)
            multi.hSet(`${world.prefix}task:${idOf(n)}`, { s: snapshot.replace(newTask().id, idOf(n)), o: owner });
        }
        await multi.exec();
        const found: string[] = [];
        let cursor: string | null = null;
        do {
          const page = await world.store.list(owner, { state, limit, cursor });
          expect(page.tasks.length).toBeLessThanOrEqual(limit);
          found.push(...page.tasks.map(({ id }) => id));
          cursor = page.nextCursor;
        } while (cursor !== null);
        const left = tasks.flatMap((isGone, n) => (isGone ? [] : [idOf(n)]));
        expect(found).toEqual(left.toReversed());
        expect(await world.raw.zRange(`${world.prefix}${state}:${owner}`, 0, -1)).toEqual(left);
        await world.raw.del([`${world.prefix}${state}:${owner}`, ...left.map((id) => `${world.prefix}task:${id}`)]);
      },
    ),
    { numRuns: 60 },
  );
});

describe('very many ids of expired tasks', () => {
  const calls = async (name: string) =>
    Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(await world.raw.info('commandstats'))?.[1] ?? 0);

  it('in a list, 500,000, are gone through in small steps, and the tasks behind them are found', async () => {
    await leaveIds('unseen:ada', 500_000);
    const oldest = newTask({ id: '019a0000-0000-7000-8000-000000000000' });
    const newest = newTask({ id: uuid() });
    for (const snapshot of [oldest, newest]) {
      await world.store.create({ snapshot, owner: 'ada', input: 1 }, null);
      await finish(snapshot);
    }
    const found: string[] = [];
    let cursor: string | null = null;
    let pages = 0;
    do {
      const before = await calls('hmget');
      const scripts = await calls('evalsha');
      const page = await world.store.list('ada', { state: 'unseen', cursor });
      const looked = (await calls('hmget')) - before;
      expect(looked).toBeLessThanOrEqual(20_000);
      // While a script looks at ids, Redis serves nobody else.
      expect(looked / ((await calls('evalsha')) - scripts)).toBeLessThanOrEqual(1_000);
      found.push(...page.tasks.map(({ id }) => id));
      cursor = page.nextCursor;
      pages += 1;
    } while (cursor !== null);
    expect(found).toEqual([newest.id, oldest.id]);
    // 500,000 ids at 20,000 a page, and a little more.
    expect(pages).toBeLessThanOrEqual(27);
    expect(await world.raw.zRange(`${world.prefix}unseen:ada`, 0, -1)).toEqual([oldest.id, newest.id]);
  });

  it('on the list of unpushed outcomes, 5,000, are removed as others come, once their records must have expired', async () => {
    const old = Date.now() - (RETENTION_S + 60) * 1_000;
    for (let from = 0; from < 5_000; from += 1_000) {
      const ids = Array.from({ length: 1_000 }, (_, n) => ({ score: old, value: idOf(from + n) }));
      await world.raw.zAdd(`${world.prefix}unpublished`, ids);
    }
    const kept: string[] = [];
    for (let n = 0; n < 20; n++) {
      const made = await Promise.all(Array.from({ length: 100 }, async () => finish(await accept())));
      kept.push(...made);
    }
    expect(await size('unpublished')).toBe(kept.length);
  });
});

it('every key of an owner has an expiry, so nothing stays', async () => {
  await finish(await accept('ada', 'a-key'));
  await world.store.see('ada', [await finish(await accept())]);
  await world.store.discard((await accept()).id, 'ada');
  await world.redis.noteWatched(channelOf('ada'), 'ada');
  // A worker takes all jobs, so that their keys go, too.
  while ((await world.takeJob()) !== null);
  const keys = (await world.raw.keys(`${world.prefix}*`)).filter((key) => !key.startsWith(`${world.prefix}queue:`));
  const staying: string[] = [];
  for (const key of keys) if ((await world.raw.ttl(key)) === -1) staying.push(key.slice(world.prefix.length));
  // Two lists for all owners. Old entries of `unpublished` are removed by their time.
  expect(staying.sort()).toEqual(['definitions', 'unpublished']);
});
