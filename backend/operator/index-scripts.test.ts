// What scripts write for the operator's page: nothing while it is not mounted; and nothing that grows without end.
import { describe, expect, it } from '@jest/globals';
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import { now, useStore } from '../../test/support/redis/store-world.ts';
import { indexTasks } from '../store/commands/operator/index-tasks.ts';
import { clearFinished } from '../store/commands/owner/clear-finished.ts';
import { forgetTasks } from '../store/commands/owner/forget-tasks.ts';
import { discardTask } from '../store/commands/task/discard-task.ts';
import { FIELD } from '../store/record.ts';
import { readStory } from './story.ts';

const world = useStore();
/** As a server does once it mounts the page: from then on scripts write the index. */
const mount = () => world.raw.set(`${world.prefix}operator`, '');
const keys = (pattern: string) => world.raw.keys(`${world.prefix}${pattern}`);
const outcome = { attempt: 1, result: 1 } as const;

/** Runs a task of `ada`: to its success, or to a failure with `code`. */
async function run(task: Snapshot, code?: string): Promise<Snapshot> {
  const end =
    code === undefined
      ? ({ type: 'succeed', at: now(), ...outcome } as const)
      : ({ type: 'fail', at: now(), attempt: 1, error: { code, message: code, retryable: false } } as const);
  return world.happen(task, 'ada', { type: 'start', at: now() }, end);
}

/** The sets of the index that have this task. */
async function places(id: string): Promise<string[]> {
  const sets = await keys('operator:of:*');
  const found = await Promise.all(sets.map(async (set) => ((await world.raw.zScore(set, id)) === null ? null : set)));
  return found.filter((set) => set !== null).map((set) => set.slice(world.prefix.length));
}

describe('the index of the operator’s page', () => {
  it('is not written while the page is not mounted', async () => {
    const { id } = await run(await world.accept());
    await world.redis.settle([id], 3);
    expect(await keys('*operator*')).toEqual([]);
    expect(await keys('*:story')).toEqual([]);
  });

  it('has each task in one place: by its definition and its status', async () => {
    await mount();
    const task = await world.accept();
    const of = `operator:of:${task.name}`;
    expect(await places(task.id)).toEqual([`${of}:queued`]);
    const running = await world.happen(task, 'ada', { type: 'start', at: now() });
    expect(await places(task.id)).toEqual([`${of}:running`]);
    // A step is no change of status, and writes nothing.
    const version = await world.raw.get(`${world.prefix}operator:version`);
    const step = { type: 'progress', at: now(), attempt: 1, progress: { done: 1, total: 9 } } as const;
    const progressed = await world.happen(running, 'ada', step);
    expect(await world.raw.get(`${world.prefix}operator:version`)).toBe(version);
    await world.happen(progressed, 'ada', { type: 'cancel', at: now() }, { type: 'stop', at: now(), attempt: 1 });
    expect(await places(task.id)).toEqual([`${of}:cancelled`]);
  });

  it('loses the ids of expired records without anybody looking', async () => {
    await mount();
    const { name } = await world.accept();
    const finished = `${world.prefix}operator:of:${name}:succeeded`;
    for (let n = 0; n < 10; n++) {
      const tasks = await Promise.all(Array.from({ length: 100 }, async () => run(await world.accept())));
      await world.raw.del(tasks.map(({ id }) => `${world.prefix}task:${id}`));
    }
    // One outcome in 8 removes up to 32 ids. So of 1,000, far fewer than half are left.
    expect(await world.raw.zCard(finished)).toBeLessThan(300);
  });

  it('lets stories and counts expire, and keeps both short', async () => {
    await mount();
    const task = await run(await world.accept());
    for (let n = 0; n < 60; n++) await run(await world.accept(), `made_up_${n}`);
    const [counts = ''] = await keys('operator:ended:*');
    const fields = await world.raw.hGetAll(counts);
    // 50 codes and `other`, which counts the failures with the 10 codes that came later.
    expect(Object.keys(fields).filter((field) => field.startsWith('f:'))).toHaveLength(51);
    expect([fields['f:other'], fields.failed, fields.succeeded]).toEqual(['10', '60', '1']);
    expect(await world.raw.ttl(counts)).toBeGreaterThan(24 * 3_600);
    const story = `${world.prefix}task:${task.id}:story`;
    expect(await world.raw.ttl(story)).toBeGreaterThan(0);
    // The task is noted as pushed 120 times, with one event each time.
    for (let n = 0; n < 120; n++) await world.redis.settle([task.id], 1);
    expect(await world.raw.lLen(story)).toBe(100);
    expect(Object.values(await world.raw.hGetAll(`${world.prefix}operator:sent`))).toEqual(['120']);
  });

  it('tells the story of a task whose worker stopped, then died, and which then failed', async () => {
    await mount();
    const task = await world.accept();
    const lost = { code: 'worker_lost', message: 'The worker stopped unexpectedly.', retryable: true };
    const start = { type: 'start', at: now() } as const;
    const retryAt = now();
    await world.happen(
      task,
      'ada',
      start,
      { type: 'release', at: now(), attempt: 1, error: lost },
      start,
      { type: 'fail', at: now(), attempt: 1, error: lost, retryAt },
      start,
      { type: 'fail', at: now(), attempt: 2, error: { code: 'no_disk', message: 'Full.', retryable: false } },
    );
    const { story, isCut } = await readStory(world.redis, task.id);
    expect(
      story.map(({ type, attempt, code, worker, dueAt }) => [type, attempt, code, worker, dueAt !== null]),
    ).toEqual([
      ['accepted', 0, null, null, false],
      ['started', 1, null, 'w1', false],
      ['handed-back', 1, 'worker_lost', 'w1', true],
      ['started', 1, null, 'w1', false],
      ['crashed', 1, 'worker_lost', 'w1', true],
      ['started', 2, null, 'w1', false],
      ['failed', 2, 'no_disk', 'w1', false],
    ]);
    expect(isCut).toBe(false);
  });

  it.each<[string, (id: string) => Promise<unknown>]>([
    ['dismissed', (id) => world.store.dismiss('ada', [id])],
    ['cleared', () => clearFinished(world.redis, { owner: 'ada', keepUnseen: false, cursor: null })],
    ['forgotten', () => forgetTasks(world.redis, 'ada')],
  ])('goes with a task that is %s', async (_how, remove) => {
    await mount();
    const task = await run(await world.accept());
    expect(await places(task.id)).toHaveLength(1);
    await remove(task.id);
    expect(await keys(`task:${task.id}*`)).toEqual([]);
    expect(await places(task.id)).toEqual([]);
  });

  it('goes with a task that is dismissed while a hook still needs its record, or discarded', async () => {
    await mount();
    const [hooked, discarded] = [await run(await world.accept()), await world.accept()];
    await world.raw.hSet(`${world.prefix}task:${hooked.id}`, FIELD.hookPending, '1');
    await world.store.dismiss('ada', [hooked.id]);
    await discardTask(world.redis, { id: discarded.id, owner: 'ada' });
    expect(await keys('*:story')).toEqual([]);
    for (const { id } of [hooked, discarded]) expect(await places(id)).toEqual([]);
  });

  it('expires: the story of an ended task with its record, the rest a week after the last write', async () => {
    await mount();
    const { id } = await run(await world.accept());
    expect(await world.raw.ttl(`${world.prefix}task:${id}:story`)).toBeLessThanOrEqual(3_600);
    for (const set of await keys('operator:of:*')) expect(await world.raw.ttl(set)).toBeGreaterThan(0);
  });

  // Redis' JSON library refuses the escape of half a surrogate pair, which JSON.stringify writes.
  it('takes a result whose text was cut within an emoji', async () => {
    await mount();
    const task = await world.accept();
    const result = { text: 'half an emoji: \ud83d', path: 'C:\\ud83d' };
    await world.happen(task, 'ada', { type: 'start', at: now() }, { type: 'succeed', at: now(), attempt: 1, result });
    expect((await world.store.read(task.id))?.snapshot).toMatchObject({ status: 'succeeded', result });
    const [place = ''] = await places(task.id);
    expect(place).toBe(`operator:of:${task.name}:succeeded`);
    // As for a task that was stored before the page was mounted.
    await world.raw.del(`${world.prefix}${place}`);
    await indexTasks(world.redis, [task.id]);
    expect(await places(task.id)).toEqual([place]);
  });
});
