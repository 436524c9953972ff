// A task's children in Redis: each is started once and counted once, and only the run that is under way starts any.
import { describe, expect, it } from '@jest/globals';
import { MAX_CHILDREN, MAX_TASK_DEPTH } from '../../core/limits.ts';
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import { makeTask, now, start, succeed, useStore } from '../../test/support/redis/store-world.ts';
import { FAILURE } from '../../test/support/task-events.ts';
import { FamilyStore } from './families.ts';

const world = useStore();
const families = () => new FamilyStore(world.redis);
const family = async (id: string) => (await world.store.read(id, { family: true }))?.family ?? null;
/** Takes a parent off the list of changed families, unless its family is no longer at `version`. Null: in any case. */
const release = ({ id }: Snapshot, version: string | null = null) => families().release(id, { version, againIn: null });
const activeChildren = async ({ id }: Snapshot) =>
  (await families().children(id, 'ada')).filter(({ isActive }) => isActive).map((child) => child.id);
const ttl = (key: string) => world.raw.ttl(world.prefix + key);

/** A task whose first run is under way. */
const begin = async (owner = 'ada') => world.happen(await world.accept(owner), owner, start());

/** Starts a child under a key. */
async function startChild(parent: Snapshot, key: string, { run = 1, n = 1, owner = 'ada' } = {}) {
  const snapshot = makeTask({ parent: parent.id });
  const created = await world.store.create(
    { snapshot, owner, input: { n }, child: { parent: parent.id, run, key } },
    null,
  );
  return { ...created, snapshot };
}

/** Updates the parent with the numbers of its children, as the process does that has changed its family. */
async function updateParent(parent: Snapshot): Promise<Snapshot> {
  const news = await family(parent.id);
  if (news === null) throw new Error('the task has no children');
  const task = await world.store.read(parent.id);
  const applied = await world.store.apply(task as never, { type: 'children', at: now(), ...news });
  return applied.ok ? applied.snapshot : (task?.snapshot as Snapshot);
}

describe('a child', () => {
  it('is started once for each key, whichever run of its parent asks, and is counted once', async () => {
    const parent = await begin();
    const first = await startChild(parent, 'a');
    expect(first.result).toBe('created');
    expect(await startChild(parent, 'a')).toMatchObject({ result: 'exists', id: first.snapshot.id });
    expect(await startChild(parent, 'a', { n: 2 })).toMatchObject({ result: 'mismatch' });
    await startChild(parent, 'b');
    const failure = { type: 'fail', at: now(), attempt: 1, error: FAILURE, retryAt: now() } as const;
    const retrying = await world.happen(await updateParent(parent), 'ada', failure, start());
    expect(await startChild(retrying, 'a', { run: 2 })).toMatchObject({ result: 'exists', id: first.snapshot.id });
    expect(await family(parent.id)).toMatchObject({
      children: { total: 2, ended: 0, failed: 0 },
      onChildFailure: 'fail',
    });
  });

  it('whose creation is sent twice is one child', async () => {
    const parent = await begin();
    const task = { snapshot: makeTask({ parent: parent.id }), owner: 'ada', input: 1 };
    for (let n = 0; n < 2; n++) {
      const created = await world.store.create({ ...task, child: { parent: parent.id, run: 1, key: 'a' } }, null);
      expect(created.result).toBe('created');
    }
    expect((await family(parent.id))?.children.total).toBe(1);
    expect((await world.jobs()).waiting.filter((job) => job.startsWith(task.snapshot.id)).length).toBeLessThan(2);
  });

  it('is started neither by a run that is over, nor by a task that waits, has ended or is gone', async () => {
    const refused = { result: 'refused', why: 'stale' };
    const queued = await world.accept();
    expect(await startChild(queued, 'a')).toMatchObject(refused);
    const released = await world.happen(queued, 'ada', start(), {
      type: 'release',
      at: now(),
      attempt: 1,
      error: FAILURE,
    });
    expect(await startChild(released, 'a')).toMatchObject(refused);
    const again = await world.happen(released, 'ada', start());
    expect(await startChild(again, 'a', { run: 1 })).toMatchObject(refused);
    expect((await startChild(again, 'a', { run: 2 })).result).toBe('created');
    await world.happen(await updateParent(again), 'ada', succeed());
    expect(await startChild(again, 'b', { run: 2 })).toMatchObject(refused);
    await world.store.forget('ada');
    expect(await startChild(again, 'b', { run: 2 })).toMatchObject(refused);
    expect((await world.store.list('ada')).tasks).toEqual([]);
  });

  it('of a child starts no children, and no task starts more than 1,000', async () => {
    let parent = await begin();
    for (let depth = 2; depth <= MAX_TASK_DEPTH; depth++) {
      const { snapshot } = await startChild(parent, 'a');
      parent = await world.happen(snapshot, 'ada', start());
    }
    expect(await startChild(parent, 'a')).toMatchObject({ result: 'refused', why: 'too_deep' });
    const other = await begin();
    const keys = Array.from({ length: MAX_CHILDREN }, (_, n) => String(n));
    await Promise.all(keys.map((key) => startChild(other, key)));
    expect(await startChild(other, 'one more')).toMatchObject({ result: 'refused', why: 'too_many' });
    expect(await startChild(other, '7')).toMatchObject({ result: 'exists' });
    expect((await activeChildren(other)).length).toBe(MAX_CHILDREN);
  });

  it('that has ended is counted, does not come into the inbox, and says when its parent may end', async () => {
    const parent = await begin();
    const [a, b, c] = [await startChild(parent, 'a'), await startChild(parent, 'b'), await startChild(parent, 'c')];
    const end = async ({ snapshot }: { snapshot: Snapshot }, event = succeed()) => {
      const running = await world.happen(snapshot, 'ada', start());
      return world.store.apply({ snapshot: running, owner: 'ada' }, event, { run: 1 });
    };
    expect(await end(a)).not.toHaveProperty('mayEndParent');
    const error = { ...FAILURE, retryable: false };
    expect(await end(b, { type: 'fail', at: now(), attempt: 1, error })).toMatchObject({ mayEndParent: true });
    expect(await activeChildren(parent)).toEqual([c.snapshot.id]);
    expect(await end(c)).toMatchObject({ mayEndParent: true, snapshot: { seenAt: expect.any(String) } });
    expect(await family(parent.id)).toMatchObject({ children: { total: 3, ended: 3, failed: 1 } });
    expect((await world.store.list('ada', { state: 'unseen' })).tasks).toEqual([]);
  });
});

describe('a parent', () => {
  it('is not ended by a writer that does not know of its children', async () => {
    const parent = await begin();
    await startChild(parent, 'a');
    const applied = await world.store.apply({ snapshot: parent, owner: 'ada' }, succeed('all'), { run: 1 });
    expect(applied).toMatchObject({
      ok: true,
      snapshot: { status: 'running', waitingFor: 'children', children: { total: 1, ended: 0, failed: 0 } },
    });
    expect(await family(parent.id)).toMatchObject({ returned: { result: 'all' } });
    expect(await world.redis.runningOn('w1')).toEqual({});
  });

  it('ends with what its handler returned, and the field that kept this is removed', async () => {
    const parent = await begin();
    const { snapshot } = await startChild(parent, 'a');
    await world.happen(parent, 'ada', succeed('r'.repeat(20_000)));
    await world.happen(snapshot, 'ada', start(), succeed());
    expect(await updateParent(parent)).toMatchObject({ status: 'succeeded', children: { total: 1, ended: 1 } });
    const whole = await world.store.read(parent.id, { result: true });
    expect(whole?.snapshot.result).toBe('r'.repeat(20_000));
    expect(await family(parent.id)).toMatchObject({ returned: null });
    expect(await world.raw.hExists(`${world.prefix}task:${parent.id}`, 'cr')).toBe(0);
  });

  it('stays on the list of changed families until its last change was read', async () => {
    const parent = await begin();
    await startChild(parent, 'a');
    const seen = await family(parent.id);
    await startChild(parent, 'b');
    await release(parent, seen?.version);
    // -1,000: those whose update is due now or within 1 s. 60,000: those whose update has been due for a minute.
    expect(await families().changed(-1_000, 10)).toEqual([parent.id]);
    await release(parent, (await family(parent.id))?.version);
    expect(await families().changed(-1_000, 10)).toEqual([]);
    await world.happen(await updateParent(parent), 'ada', { type: 'cancel', at: now() });
    expect(await families().changed(-1_000, 10)).toEqual([parent.id]);
    expect(await families().changed(60_000, 10)).toEqual([]);
  });

  it('takes its finished children along when it is dismissed, and all of them when its owner is forgotten', async () => {
    const parent = await begin();
    const [a, b] = [await startChild(parent, 'a'), await startChild(parent, 'b')];
    await world.happen(a.snapshot, 'ada', start(), succeed());
    await world.happen(await updateParent(parent), 'ada', {
      type: 'fail',
      at: now(),
      attempt: 1,
      error: { ...FAILURE, retryable: false },
    });
    expect(await ttl(`task:${parent.id}:children`)).toBeGreaterThan(3_000);
    expect(await world.store.dismiss('ada', [parent.id])).toEqual([parent.id, a.snapshot.id]);
    expect((await world.store.list('ada')).tasks.map(({ id }) => id)).toEqual([b.snapshot.id]);
    // The sweeper finds the parent on the list, and takes it off since its record is gone.
    await release(parent);
    const other = await begin();
    const c = await startChild(other, 'a');
    expect([...(await world.store.forget('ada')).ids].sort()).toEqual([b.snapshot.id, other.id, c.snapshot.id].sort());
    // Only jobs are left. They find no record.
    const left = (await world.raw.keys(`${world.prefix}*`)).map((key) => key.slice(world.prefix.length));
    expect(left.filter((key) => /^(task|all|active|unseen|parents|running)/.test(key))).toEqual([]);
  });

  it('that is cleared leaves no list of children', async () => {
    const parent = await begin();
    const { snapshot } = await startChild(parent, 'a');
    await world.happen(snapshot, 'ada', start(), succeed());
    await world.happen(await updateParent(parent), 'ada', succeed());
    await updateParent(parent);
    await world.store.clear('ada');
    expect(await world.raw.keys(`${world.prefix}task:*`)).toEqual([]);
  });
});

it('a task without children leaves nothing of a family', async () => {
  const { id } = await world.happen(await world.accept(), 'ada', start(), succeed());
  expect(await family(id)).toBeNull();
  // The fields about a family have two letters, and begin with c (record.ts).
  const fields = await world.raw.hKeys(`${world.prefix}task:${id}`);
  expect(fields.filter((field) => field.startsWith('c') && field.length > 1)).toEqual([]);
  expect(await world.raw.keys(`${world.prefix}*parents`)).toEqual([]);
});
