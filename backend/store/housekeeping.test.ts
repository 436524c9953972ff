// What an owner or an application removes from the store, and how long each outcome is kept.
import { describe, expect, it } from '@jest/globals';
import { makeTask, now, start, succeed, useStore } from '../../test/support/redis/store-world.ts';
import { FAILURE } from '../../test/support/task-events.ts';
import { HookQueue, OUTCOME_HOOK } from '../hooks/hook-queue.ts';

const world = useStore({ retention: 3_600 });
const { accept, happen } = world;

/** The names of all keys of this test, without its prefix and without the keys of queues. */
const keys = async () =>
  (await world.raw.keys(`${world.prefix}*`))
    .map((key) => key.slice(world.prefix.length))
    .filter((key) => !key.startsWith('queue:'))
    .sort();
const finish = async (owner = 'ada') => happen(await accept(owner), owner, start(), succeed());

describe('a finished task that is dismissed', () => {
  it('is removed with its result and its places in the indexes', async () => {
    const task = await finish();
    expect(await world.store.dismiss('ada', [task.id, task.id, 'unknown'])).toEqual([task.id, 'unknown']);
    expect(await world.store.read(task.id)).toBeNull();
    const gone = [`task:${task.id}`, 'all:ada', 'unseen:ada'];
    expect((await keys()).filter((key) => gone.includes(key))).toEqual([]);
  });

  it("is left if it is active, or if it is another owner's", async () => {
    const active = await accept();
    const other = await finish('bob');
    expect(await world.store.dismiss('ada', [active.id, other.id])).toEqual([other.id]);
    expect([await world.store.read(active.id), await world.store.read(other.id)]).not.toContain(null);
  });
});

describe('clear', () => {
  it('removes thousands in steps of 1,000, past active tasks and past records that have expired', async () => {
    const active = await accept();
    const ids = Array.from({ length: 2_500 }, () => makeTask().id);
    await world.raw.zAdd(
      `${world.prefix}all:ada`,
      ids.map((value) => ({ score: 0, value })),
    );
    await world.raw.zAdd(
      `${world.prefix}unseen:ada`,
      ids.slice(0, 10).map((value) => ({ score: 0, value })),
    );
    expect(await world.store.clear('ada', { keepUnseen: true })).toHaveLength(2_490);
    expect(await world.store.clear('ada')).toEqual(ids.slice(0, 10).sort().reverse());
    expect((await world.store.list('ada')).tasks.map(({ id }) => id)).toEqual([active.id]);
  });
});

describe('an owner who is forgotten', () => {
  it('leaves no key, whatever the status of their tasks, and no other owner loses one', async () => {
    const other = await accept('bob');
    await world.redis.noteWatched('private-user-ada', 'ada');
    await finish();
    await accept('ada', { n: 2 }, 'a-key');
    const running = await happen(await accept(), 'ada', start());
    const kept = await happen(await accept('bob'), 'bob', start());
    const cancelled: string[] = [];
    await world.redis.onCancel((id) => void cancelled.push(id));
    expect(await world.store.forget('ada')).toMatchObject({ ids: { length: 3 }, isDone: true });
    expect(await world.raw.zRange(`${world.prefix}line:import`, 0, -1)).toEqual(['bob']);
    expect(
      (await keys()).filter((key) => !/bob|unpublished|durations|probe|definitions|^(line|turns):import$/.test(key)),
    ).toEqual([`running:w1`, `task:${other.id}`, `task:${kept.id}`].sort());
    expect(Object.keys(await world.redis.runningOn('w1'))).toEqual([kept.id]);
    // The worker is told to stop, and what it still writes is refused.
    const late = await world.store.apply({ snapshot: running, owner: 'ada' }, succeed(), { run: 1 });
    expect(late).toMatchObject({ ok: false, refusal: 'missing' });
    expect(await keys()).not.toContain(`task:${running.id}`);
    expect(cancelled).toContain(running.id);
  });
});

describe('an owner who has dismissed tasks', () => {
  /** One task with an idempotency key, and one whose outcome hook is still to run. Neither is in the owner's list any more. */
  const dismissBoth = async (owner: string, dismiss: (ids: readonly string[]) => Promise<unknown>) => {
    const keyed = await happen(await accept(owner, { n: 1 }, 'a-key'), owner, start(), succeed());
    await new HookQueue(world.redis).register([OUTCOME_HOOK]);
    const hooked = await finish(owner);
    await world.raw.zRem(`${world.prefix}hooks`, OUTCOME_HOOK);
    await dismiss([keyed.id, hooked.id]);
    return hooked;
  };
  const dismiss = (owner: string) => (ids: readonly string[]) => world.store.dismiss(owner, ids);

  it.each([
    ['one by one', dismiss('ada')],
    ['all at once', () => world.store.clear('ada')],
  ])(
    '%s leaves their idempotency keys and the records that a hook needs, until the owner is forgotten',
    async (_, drop) => {
      const hooked = await dismissBoth('ada', drop);
      const ofBob = await dismissBoth('bob', dismiss('bob'));
      const stays = (name: string) => new RegExp(`^(idem:${name}:.*|dropped:${name})$`);
      const left = async (name: string) => (await keys()).filter((key) => stays(name).test(key)).length;
      expect([await left('ada'), await keys()]).toEqual([2, expect.arrayContaining([`task:${hooked.id}`])]);
      expect(await world.store.forget('ada')).toEqual({ ids: [], isDone: true });
      expect([await left('ada'), await left('bob')]).toEqual([0, 2]);
      expect(await keys()).not.toContain(`task:${hooked.id}`);
      expect(await keys()).toContain(`task:${ofBob.id}`);
    },
  );

  // `dropped:ada` holds the names of these keys and records, so that forgetting the owner finds them (keys.ts).
  it('leaves their names in `dropped` for as long as what they name is kept, and no longer', async () => {
    const snapshot = makeTask();
    await new HookQueue(world.redis).register([OUTCOME_HOOK]);
    await world.store.create({ snapshot, owner: 'ada', input: 1, retention: { succeeded: 90_000_000 } }, null);
    await happen(snapshot, 'ada', start(), succeed());
    const dropped = `${world.prefix}dropped:ada`;
    await world.raw.zAdd(dropped, { score: 1, value: 'gone' });
    await world.store.dismiss('ada', [snapshot.id]);
    expect(await world.raw.zRange(dropped, 0, -1)).toEqual([`${world.prefix}task:${snapshot.id}`]);
    expect(await world.raw.ttl(dropped)).toBeGreaterThanOrEqual(
      await world.raw.ttl(`${world.prefix}task:${snapshot.id}`),
    );
    await accept('ada', { n: 2 }, 'another').then((task) => happen(task, 'ada', start(), succeed()));
    await world.store.clear('ada');
    expect(await world.raw.ttl(dropped)).toBeGreaterThan(89_000);
  });
});

describe('an outcome', () => {
  const retention = { succeeded: 60_000, failed: 1_800_500 };
  const ttl = (id: string) => world.raw.ttl(`${world.prefix}task:${id}`);

  it.each([
    ['succeeded', 60, () => [start(), succeed()]],
    ['failed', 1_801, () => [start(), { type: 'fail', at: now(), attempt: 1, error: FAILURE } as const]],
    ['cancelled', 3_600, () => [{ type: 'cancel', at: now() } as const]],
  ])('that has %s is kept for as long as its definition says', async (status, seconds, events) => {
    const snapshot = makeTask({ attempts: 1 });
    await world.store.create({ snapshot, owner: 'ada', input: 1, retention }, null);
    expect(await happen(snapshot, 'ada', ...events())).toMatchObject({ status });
    expect(await ttl(snapshot.id)).toBeGreaterThan(seconds - 30);
    expect(await ttl(snapshot.id)).toBeLessThanOrEqual(seconds);
    // Other outcomes of this owner may be kept longer.
    expect(await world.raw.ttl(`${world.prefix}unseen:ada`)).toBeGreaterThan(3_570);
  });
});
