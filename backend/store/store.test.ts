import { describe, expect, it } from '@jest/globals';
import { v7 as uuid } from 'uuid';
import { channelOf } from '../../core/channel.ts';
import type { TaskEvent } from '../../core/transition.ts';
import { eventually } from '../../test/support/eventually.ts';
import { makeTask, now, progress, start, succeed, useStore } from '../../test/support/redis/store-world.ts';
import { FAILURE, SNAPSHOT_KEYS } from '../../test/support/task-events.ts';
import { queueKey } from '../queue/queue-scripts.ts';
import type { OwnedTask, RunState } from './record.ts';
import type { TaskStore } from './store.ts';

const RETENTION_S = 3_600;

const world = useStore({ retention: RETENTION_S });
const { accept, happen } = world;

/** What bee-queue holds of them, the newest first. */
async function jobs() {
  const queue = queueKey(world.prefix, makeTask().name);
  return {
    waiting: await world.raw.lRange(`${queue}waiting`, 0, -1),
    delayed: await world.raw.zRangeWithScores(`${queue}delayed`, 0, -1),
  };
}

describe('a new task', () => {
  it('is read back as it was stored', async () => {
    const snapshot = makeTask();
    const input = { rows: [1, null, '€😀'] };
    await world.store.create({ snapshot, owner: 'ada', input }, null);
    expect(await world.store.read(snapshot.id, { input: true, run: true })).toMatchObject({
      ...{ run: 0, worker: null, held: null },
      snapshot,
      owner: 'ada',
      input,
      raw: input,
    });
    expect(await world.store.read(snapshot.id)).toEqual({ snapshot, owner: 'ada' });
    expect(await world.store.read(uuid())).toBeNull();
  });

  it('keeps what came beside what its schema made of it, where that is another', async () => {
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
    expect(await jobs()).toEqual({ waiting: [`${snapshot.id}:1`], delayed: [] });
  });
});

describe('an Idempotency-Key', () => {
  const create = (input: unknown, owner = 'ada', key = 'k1', snapshot = makeTask()) =>
    world.store.create({ snapshot, owner, input }, key).then((created) => ({ ...created, made: snapshot.id }));

  it('gives the one task for the same body, a mismatch for another', async () => {
    const first = await create({ n: 1 });
    expect(first.result).toBe('created');
    expect(await create({ n: 1 })).toMatchObject({ result: 'exists', id: first.made });
    expect(await create({ n: 2 })).toMatchObject({ result: 'mismatch' });
    expect(await create({ n: 1 }, 'ada', 'k1', makeTask({ name: 'other' }))).toMatchObject({ result: 'mismatch' });
    expect((await world.store.list('ada')).tasks.map(({ id }) => id)).toEqual([first.made]);
  });

  it('means nothing for another owner, nor does another key', async () => {
    await create({ n: 1 });
    expect(await create({ n: 2 }, 'bob')).toMatchObject({ result: 'created' });
    expect(await create({ n: 2 }, 'ada', 'k2')).toMatchObject({ result: 'created' });
  });

  it('is one task when asked for twenty times at once', async () => {
    const made = await Promise.all(Array.from({ length: 20 }, () => create({ n: 1 })));
    const created = made.filter(({ result }) => result === 'created');
    expect(created).toHaveLength(1);
    for (const one of made) {
      if (one.result === 'exists') expect(one.id).toBe(created[0]?.made);
    }
    expect((await world.store.list('ada')).tasks).toHaveLength(1);
  });

  it('repeated with the id it made is that same creation', async () => {
    const snapshot = makeTask();
    await create({ n: 1 }, 'ada', 'k1', snapshot);
    expect(await create({ n: 1 }, 'ada', 'k1', snapshot)).toMatchObject({ result: 'created' });
  });

  it('is forgotten after a day, and is never stored in clear', async () => {
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
  it('of two writers at once lands twice', async () => {
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

  it('of many writers at once is lost for none', async () => {
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

  it('that its writer thinks impossible is decided on what is stored', async () => {
    const queued = await accept();
    await happen(queued, 'ada', start());
    const applied = await world.store.apply({ snapshot: queued, owner: 'ada' }, progress(3));
    expect(applied).toMatchObject({ ok: true, snapshot: { revision: 3, progress: { done: 3 } } });
  });

  it('of two attempts to end it gives one outcome', async () => {
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
    await world.redis.ping();
    expect(heard).toEqual([task.id]);
  });
});

describe('a retry', () => {
  const fail = (over: object = {}): TaskEvent => ({ type: 'fail', at: now(), attempt: 1, error: FAILURE, ...over });

  it('has its job as soon as it is stored, for when it is due', async () => {
    const task = await happen(await accept(), 'ada', start());
    const { id } = await happen(task, 'ada', fail({ retryAt: '2100-01-01T00:00:00.000Z' }));
    expect(await jobs()).toEqual({
      waiting: [`${id}:1`],
      delayed: [{ value: `${id}:2`, score: Date.parse('2100-01-01T00:00:00.000Z') }],
    });
  });

  it('that is due now has it at once', async () => {
    const { id } = await happen(await accept(), 'ada', start(), fail({ retryAt: now() }));
    expect(await jobs()).toEqual({ waiting: [`${id}:2`, `${id}:1`], delayed: [] });
  });

  it('that is none, since the change was refused, has none', async () => {
    const task = await happen(await accept(), 'ada', start(), succeed());
    expect(await world.store.apply({ snapshot: task, owner: 'ada' }, fail())).toMatchObject({ ok: false });
    expect(await jobs()).toEqual({ waiting: [`${task.id}:1`], delayed: [] });
  });
});

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

  it('are each owner’s own, even where ids look alike', async () => {
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

  it('takes no owner’s index while a task is active', async () => {
    const [one, two] = [await accept(), await accept()];
    await happen(one, 'ada', start(), succeed());
    expect(await ttl('all:ada')).toBe(-1);
    await happen(two, 'ada', start(), succeed());
    expect(await ttl('all:ada')).toBeGreaterThan(0);
    await accept();
    expect(await ttl('all:ada')).toBe(-1);
  });

  it('is not renewed by looking', async () => {
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

  it('takes ids of expired tasks out of the index even if nobody lists', async () => {
    for (let n = 0; n < 50; n++) {
      const task = await happen(await accept(), 'ada', start(), succeed());
      await world.raw.del(`${world.prefix}task:${task.id}`);
    }
    // New tasks look for them now and then, not each one: by chance, which fails to come up in 300 once in 10⁹ runs.
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
    // Copies of real records, since eleven thousand real lives would take a minute.
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
    const median = async (owner: string, state: 'all' | 'active', cursor: string | null = null) => {
      const times: number[] = [];
      for (let n = 0; n < 41; n++) {
        const began = performance.now();
        expect((await world.store.list(owner, { state, limit: 10, cursor })).tasks).toHaveLength(10);
        times.push(performance.now() - began);
      }
      return times.sort((a, b) => a - b)[20] as number;
    };
    await median('few', 'all');
    const few = await median('few', 'all');
    const many = await median('many', 'all');
    const deep = await median('many', 'all', id(500));
    const active = await median('many', 'active');
    const bytes = await world.raw.memoryUsage(`${world.prefix}task:${finished.id}`);
    const figures = `page of 10 among 10 tasks ${few.toFixed(2)} ms; among 11,000 ${many.toFixed(2)} ms, near the end ${deep.toFixed(2)} ms; active ${active.toFixed(2)} ms; record ${bytes} bytes`;
    console.info(figures);
    expect(bytes).toBeLessThan(2_048);
    // Far from tight: walking the whole index would take a hundred times as long.
    for (const time of [many, deep, active]) expect(time).toBeLessThan(few * 5 + 5);
  }, 60_000);
});

describe('to discard', () => {
  it('forgets a task that nobody has touched, with all that points to it', async () => {
    const task = await accept();
    await world.store.discard(task.id, 'ada');
    expect(await world.store.read(task.id)).toBeNull();
    expect((await world.store.list('ada')).tasks).toEqual([]);
  });

  it('leaves one that somebody has started, and minds none that is not there', async () => {
    const task = await happen(await accept(), 'ada', start());
    await world.store.discard(task.id, 'ada');
    expect((await world.store.read(task.id))?.snapshot).toEqual(task);
    await world.store.discard(uuid(), 'ada');
  });
});

describe('how long a task usually takes', () => {
  it('is the median of the last successful first attempts, and unknown before there are three', async () => {
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

describe('an open page', () => {
  const watched = async () => {
    const task = await happen(await accept(), 'ada', start());
    const applied = await world.store.apply({ snapshot: task, owner: 'ada' }, progress(1));
    return applied.ok && applied.watched;
  };
  const channel = channelOf('ada');
  /** By a clock that is 4 s ahead. What happens in one millisecond counts as open. */
  const vacate = () =>
    eventually(async () => (await world.redis.noteWebhook(channel, 'vacated', Date.now() + 4_000)) === 'vacated');

  it('is assumed until the channel is known to be vacant, and again once it is occupied', async () => {
    expect(await watched()).toBe(true);
    await world.redis.notePage(channel, 'ada');
    await vacate();
    expect(await watched()).toBe(false);
    await world.redis.notePage(channel);
    expect(await watched()).toBe(true);
  });

  it('is not closed by news that is older than its opening', async () => {
    const before = Date.now() - 2_000;
    await world.redis.notePage(channel, 'ada');
    expect(await world.redis.noteWebhook(channel, 'vacated', before)).toBe('noted');
    expect(await watched()).toBe(true);
  });

  it('is not closed by a time ahead of ours, nor by one that is minutes old', async () => {
    await world.redis.notePage(channel, 'ada');
    for (const off of [60_000, 8_640_000_000_000, -311_000, -Date.now()]) {
      expect(await world.redis.noteWebhook(channel, 'vacated', Date.now() + off)).toBe('unbelieved');
    }
    expect(await watched()).toBe(true);
  });

  it('that opens after a close by a clock that is a little ahead counts at once', async () => {
    expect(await watched()).toBe(true);
    await world.redis.notePage(channel, 'ada');
    await vacate();
    expect(await watched()).toBe(false);
    await world.redis.notePage(channel, 'ada');
    expect(await watched()).toBe(true);
  });

  it('leaves no mark of a channel that we never authorized', async () => {
    const made = 'private-user-made-up';
    expect(await world.redis.noteWebhook(made, 'opened', Date.now())).toBe('unknown');
    expect(await world.redis.noteWebhook(made, 'vacated', Date.now())).toBe('unknown');
    await world.redis.notePage(made);
    expect(await world.raw.exists(`${world.prefix}page:${made}`)).toBe(0);
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

  it('may last for a fraction of a millisecond more: workers with a stall interval of 501 ms ask for one', async () => {
    expect(await world.redis.lease('sweep', 'a', 375.75)).toBe(true);
  });
});

describe('a run', () => {
  const read = async (id: string) => (await world.store.read(id, { run: true })) as OwnedTask & RunState;
  const release: TaskEvent = { type: 'release', at: now(), attempt: 1, error: FAILURE };
  const fail = (): TaskEvent => ({ type: 'fail', at: now(), attempt: 1, error: FAILURE });
  const waiting = () => world.raw.lRange(`${queueKey(world.prefix, makeTask().name)}waiting`, 0, 0);
  const running = () => world.redis.runningOn('w1');

  it('is known to be its worker’s, from its start to its end, whatever the end', async () => {
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

  it('that is over cannot write, though its attempt is on again', async () => {
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

  it('that was handed back leaves what it had shown to the next, and one that failed does not', async () => {
    const shown = await happen(await accept(), 'ada', start(), progress(3));
    await happen(shown, 'ada', release);
    expect((await read(shown.id)).held).toEqual(shown.progress);
    const next = await happen((await read(shown.id)).snapshot, 'ada', start(), fail());
    expect(next.attempt).toBe(2);
    expect((await read(shown.id)).held).toBeNull();
  });

  it('that is waited for is asked for by a job of its own', async () => {
    const task = await happen(await accept(), 'ada', start(), release);
    expect(await waiting()).toEqual([`${task.id}:2`]);
    await happen(task, 'ada', start(), release);
    expect(await waiting()).toEqual([`${task.id}:3`]);
  });

  it('keeps what is held against its task', async () => {
    const task = await happen(await accept(), 'ada', start());
    const suspicion = { shared: 1, charged: 0, lived: 2_000 };
    await world.store.apply({ snapshot: task, owner: 'ada' }, release, { run: 1, suspicion });
    expect(await read(task.id)).toMatchObject({ suspicion });
  });
});
