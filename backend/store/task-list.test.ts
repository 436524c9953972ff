// An owner's lists: what is in which, page after page, and what is left when records expire.
import { describe, expect, it } from '@jest/globals';
import { v7 as uuid } from 'uuid';
import { progress, start, succeed, useStore } from '../../test/support/redis/store-world.ts';
import { SNAPSHOT_KEYS } from '../../test/support/task-events.ts';
import type { TaskStore } from './store.ts';

const RETENTION_S = 3_600;

const world = useStore({ retention: RETENTION_S });
const { accept, happen } = world;

describe('the indexes', () => {
  const ids = async (state: 'active' | 'unseen' | 'all', owner = 'ada') =>
    (await world.store.list(owner, { state })).tasks.map(({ id }) => id);

  it('follow a task from active to the inbox and out of it', async () => {
    const task = await accept();
    expect([await ids('active'), await ids('unseen'), await ids('all')]).toEqual([[task.id], [], [task.id]]);
    const done = await happen(task, 'ada', start(), succeed());
    expect([await ids('active'), await ids('unseen'), await ids('all')]).toEqual([[], [task.id], [task.id]]);
    await world.store.see('ada', [done.id]);
    expect([await ids('active'), await ids('unseen'), await ids('all')]).toEqual([[], [], [task.id]]);
  });

  it('are each owner’s own, even if the names of owners look alike', async () => {
    const owners = ['ada', 'ADA', 'ada:', 'ada*', 'a d a', '😀'];
    for (const owner of owners) {
      const task = await accept(owner);
      expect(await ids('all', owner)).toEqual([task.id]);
    }
  });

  it('remember outcomes until they are pushed', async () => {
    const task = await happen(await accept(), 'ada', start(), succeed());
    expect(await world.redis.unpublished(0, 10)).toEqual([task.id]);
    await world.redis.settle([task.id]);
    await world.store.see('ada', [task.id]);
    expect(await world.redis.unpublished(0, 10)).toEqual([]);
  });
});

describe('a record that something else has written over', () => {
  it.each(['', '{"id', 'null', '5', '"x"', 'not JSON'])(
    'with %j hides no other task, and counts as gone',
    async (text) => {
      const [one, damaged, other] = [await accept(), await accept(), await accept()];
      await world.raw.hSet(`${world.prefix}task:${damaged.id}`, 's', text);
      for (let times = 0; times < 2; times++) {
        expect((await world.store.list('ada')).tasks.map(({ id }) => id)).toEqual([other.id, one.id]);
        expect(await world.store.read(damaged.id, { owner: 'ada', input: true, run: true })).toBeNull();
      }
      const told = world.log.lines.filter(({ message }) => message.includes('is damaged'));
      // An empty text is not reported when the task is read: it counts as a record that has expired.
      expect(told.map(({ fields }) => fields)).toMatchObject(
        text ? [{ task: null }, { task: damaged.id }] : [{ task: null }],
      );
    },
  );

  // `i` is the input, `q` the suspicion against the task.
  it.each(['i', 'q'])('in its field %s counts as gone only for a call that reads this field', async (field) => {
    const { id } = await accept();
    await world.raw.hSet(`${world.prefix}task:${id}`, field, '{"torn');
    expect(await world.store.read(id, { input: true, run: true })).toBeNull();
    expect(await world.store.read(id)).toMatchObject({ snapshot: { id } });
  });
});

describe('retention', () => {
  const ttl = (key: string) => world.raw.ttl(world.prefix + key);

  it('is for finished tasks only', async () => {
    const task = await accept();
    expect(await ttl(`task:${task.id}`)).toBe(-1);
    const running = await happen(task, 'ada', start(), progress(1));
    expect(await ttl(`task:${task.id}`)).toBe(-1);
    await happen(running, 'ada', succeed());
    for (const key of [`task:${task.id}`, 'all:ada', 'unseen:ada']) {
      expect(await ttl(key)).toBeGreaterThan(RETENTION_S - 60);
      expect(await ttl(key)).toBeLessThanOrEqual(RETENTION_S);
    }
  });

  it('keeps an owner’s index while a task is active', async () => {
    const [one, two] = [await accept(), await accept()];
    await happen(one, 'ada', start(), succeed());
    expect(await ttl('all:ada')).toBe(-1);
    await happen(two, 'ada', start(), succeed());
    expect(await ttl('all:ada')).toBeGreaterThan(0);
    await accept();
    expect(await ttl('all:ada')).toBe(-1);
  });

  it('is not renewed when the outcome is marked as seen', async () => {
    const task = await happen(await accept(), 'ada', start(), succeed());
    await world.raw.expire(`${world.prefix}task:${task.id}`, 100);
    await world.store.see('ada', [task.id]);
    expect(await ttl(`task:${task.id}`)).toBeLessThanOrEqual(100);
  });

  it('leaves nothing of a task that expired, in any list', async () => {
    const made: string[] = [];
    for (let n = 0; n < 10; n++) made.push((await happen(await accept(), 'ada', start(), succeed())).id);
    for (const id of made.slice(0, 7)) await world.raw.del(`${world.prefix}task:${id}`);
    const kept = made.slice(7).reverse();
    expect((await world.store.list('ada', { limit: 2 })).tasks.map(({ id }) => id)).toEqual(kept.slice(0, 2));
    for (const state of ['all', 'unseen'] as const) {
      expect((await world.store.list('ada', { state })).tasks.map(({ id }) => id)).toEqual(kept);
      expect(await world.raw.zCard(`${world.prefix}${state}:ada`)).toBe(3);
    }
  });

  it('takes ids of expired tasks out of the index even if nobody reads a list', async () => {
    for (let n = 0; n < 50; n++) {
      const task = await happen(await accept(), 'ada', start(), succeed());
      await world.raw.del(`${world.prefix}task:${task.id}`);
    }
    // One new task in 8 looks for them, by chance. That none of 300 does happens less than once in 10⁹ runs.
    let kept = 0;
    do {
      await accept();
      kept += 1;
    } while ((await world.raw.zCard(`${world.prefix}all:ada`)) > kept && kept < 300);
    expect(await world.raw.zCard(`${world.prefix}all:ada`)).toBe(kept);
  });
});

describe('a list', () => {
  it('is newest first, page after page, each task once', async () => {
    const made: string[] = [];
    for (let n = 0; n < 7; n++) made.push((await accept()).id);
    const seen: string[] = [];
    let cursor: string | null = null;
    const sizes: number[] = [];
    do {
      const page: Awaited<ReturnType<TaskStore['list']>> = await world.store.list('ada', { limit: 3, cursor });
      seen.push(...page.tasks.map(({ id }) => id));
      sizes.push(page.tasks.length);
      cursor = page.nextCursor;
      // What is new meanwhile does not shift the pages.
      await accept();
    } while (cursor !== null);
    expect(seen).toEqual(made.reverse());
    expect(sizes).toEqual([3, 3, 1]);
  });

  it('goes on from a cursor whose task has expired', async () => {
    const made: string[] = [];
    for (let n = 0; n < 4; n++) made.unshift((await accept()).id);
    const { nextCursor } = await world.store.list('ada', { limit: 2 });
    expect(nextCursor).toBe(made[1]);
    await world.raw.del(`${world.prefix}task:${nextCursor}`);
    expect((await world.store.list('ada', { cursor: nextCursor })).tasks.map(({ id }) => id)).toEqual(made.slice(2));
  });

  it('is empty for an owner without tasks', async () => {
    expect(await world.store.list('nobody')).toEqual({ tasks: [], nextCursor: null });
  });

  it('holds at most 100, and omits results that no message could carry', async () => {
    for (let n = 0; n < 101; n++) await accept();
    await happen(await accept(), 'ada', start(), succeed('r'.repeat(50_000)));
    const { tasks } = await world.store.list('ada', { limit: 1_000 });
    expect(tasks).toHaveLength(100);
    expect(tasks[0]).toMatchObject({ status: 'succeeded', result: null, resultOmitted: true });
    for (const task of tasks) expect(Object.keys(task).sort()).toEqual(SNAPSHOT_KEYS);
  });

  it('of 10,000 finished and 1,000 active tasks takes about as long as one of ten, in under 2 KB a record', async () => {
    const id = (n: number) => `019ab000-0000-7000-8000-${String(n).padStart(12, '0')}`;
    const finished = await happen(await accept('few', { uploadId: uuid() }), 'few', start(), succeed({ imported: 9 }));
    for (let n = 0; n < 9; n++) await accept('few');
    // Copies of a real record, since it would take a minute to run 11,000 tasks.
    const record = await world.raw.hGetAll(`${world.prefix}task:${finished.id}`);
    for (let from = 0; from < 11_000; from += 1_000) {
      const multi = world.raw.multi();
      for (let n = from; n < from + 1_000; n++) {
        const snapshot = JSON.stringify({ ...finished, id: id(n) });
        multi.hSet(`${world.prefix}task:${id(n)}`, { ...record, o: 'many', s: snapshot });
        multi.zAdd(`${world.prefix}all:many`, { score: 0, value: id(n) });
        if (n >= 10_000) multi.zAdd(`${world.prefix}active:many`, { score: 0, value: id(n) });
      }
      await multi.exec();
    }
    const pages = {
      few: { owner: 'few', state: 'all', cursor: null },
      many: { owner: 'many', state: 'all', cursor: null },
      deep: { owner: 'many', state: 'all', cursor: id(500) },
      active: { owner: 'many', state: 'active', cursor: null },
    } as const;
    const times = { few: [] as number[], many: [] as number[], deep: [] as number[], active: [] as number[] };
    // One of each in turn: while the machine is busy all of them take longer.
    for (let n = 0; n < 41; n++) {
      for (const kind of ['few', 'many', 'deep', 'active'] as const) {
        const { owner, state, cursor } = pages[kind];
        const began = performance.now();
        expect((await world.store.list(owner, { state, limit: 10, cursor })).tasks).toHaveLength(10);
        times[kind].push(performance.now() - began);
      }
    }
    const median = (all: number[]) => all.sort((a, b) => a - b)[20] as number;
    const [few, many, deep, active] = [times.few, times.many, times.deep, times.active].map(median) as [
      number,
      number,
      number,
      number,
    ];
    const bytes = await world.raw.memoryUsage(`${world.prefix}task:${finished.id}`);
    const figures = `page of 10 among 10 tasks ${few.toFixed(2)} ms; among 11,000 ${many.toFixed(2)} ms, near the end ${deep.toFixed(2)} ms; active ${active.toFixed(2)} ms; record ${bytes} bytes`;
    console.info(figures);
    expect(bytes).toBeLessThan(2_048);
    // A wide margin: walking the whole index would take a hundred times as long.
    for (const time of [many, deep, active]) expect(time).toBeLessThan(few * 5 + 5);
  }, 60_000);
});
