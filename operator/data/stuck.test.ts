// What is stuck and why, on real parts: a Redis, a server, a worker here and one in a process of its own, which is killed. No test
// waits until a task counts as stuck: the report is read with a clock that is a minute ahead.
import { expect, it, jest } from '@jest/globals';
import type { StuckItem, StuckReason, StuckReport } from '../../core/operator/stuck.ts';
import { eventually } from '../../test/support/eventually.ts';
import { alone, blocker, deaf, parent } from '../../test/support/operator/operator-tasks.ts';
import { useOperator } from '../../test/support/operator/operator-world.ts';
import { bundleScript, type ScriptProcess, startScript } from '../../test/support/processes/script-process.ts';

jest.setTimeout(60_000);
const world = useOperator();
const MINUTE_MS = 60_000;
const PATIENT = { within: 20_000 };

/** Mounts another page, whose clock is `aheadMs` ahead, and reads its report. A new page has no report that it would repeat. */
async function readStuck(aheadMs = 0): Promise<readonly StuckItem[]> {
  const other = await world.mount();
  await other.backend.clock.ready();
  const { clock } = other.backend;
  const now = clock.now.bind(clock);
  clock.now = () => now() + aheadMs;
  const headers = { 'x-role': 'view' };
  const report = (await (await fetch(`${other.url}/api/stuck`, { headers })).json()) as StuckReport;
  await other.close();
  return report.items;
}

const find = (items: readonly StuckItem[], reason: StuckReason, name: string | null) =>
  items.find((item) => item.reason === reason && item.name === name);

it('names a handler that does not stop, a long line, a blocked event loop, a concurrency key, children, a worker that was killed', async () => {
  const bundle = await bundleScript('test/support/operator/operator-worker.ts');
  let child: ScriptProcess | null = null;
  try {
    child = await startScript(bundle, world.env, 'ready');
    const owner = 'ada';
    const stubborn = await world.tasks.start(deaf, {}, { owner });
    await world.reaches(stubborn.id, 'running');
    // The one place of the worker is taken.
    const waiting = await world.tasks.start(deaf, {}, { owner });
    const [first, second] = [
      await world.tasks.start(alone, { holds: true }, { owner }),
      await world.tasks.start(alone, {}, { owner }),
    ];
    await world.reaches(first.id, 'running');
    const family = await world.tasks.start(parent, { holds: true }, { owner });
    await world.tasks.tasks.cancel(owner, stubborn.id);
    const heavy = await world.tasks.start(blocker, {}, { owner });
    const blocked = await eventually(async () => find(await readStuck(), 'blocked', 'blocker') ?? null, PATIENT);
    const [worker] = blocked.workers;
    await eventually(async () => (await world.get(`/api/tasks/${family.id}`)).facts.children?.total === 1, PATIENT);

    // Only `blocked` is told at once. The others have not lasted long enough.
    const early = await readStuck();
    expect(early.map(({ reason }) => reason)).toEqual(['blocked']);
    const late = await readStuck(MINUTE_MS + 1_000);
    expect(find(late, 'cancelling', 'deaf')).toMatchObject({ count: 1, ids: [stubborn.id], workers: [worker] });
    expect(find(late, 'line', 'deaf')).toMatchObject({ count: 1, ids: [waiting.id], workers: [] });
    expect(find(late, 'blocked', 'blocker')).toMatchObject({ count: 1, ids: [heavy.id], workers: [worker] });
    expect(find(late, 'concurrency-key', 'alone')).toMatchObject({ count: 1, ids: [second.id] });
    expect(find(late, 'children', 'parent')).toMatchObject({ count: 1, ids: [family.id] });
    expect((await world.get(`/api/tasks/${heavy.id}`)).stuck).toBe('blocked');

    // With this lease in nobody's hands no sweeper runs, so the tasks of the dead worker stay where they are.
    await world.raw.set('inloop:lease:sweep', 'nobody', { PX: MINUTE_MS });
    await child.kill();
    const lost = await eventually(async () => find(await readStuck(), 'no-sign-of-life', 'blocker') ?? null, PATIENT);
    expect(lost).toMatchObject({ count: 1, ids: [heavy.id], workers: [worker] });
    expect((await world.get(`/api/tasks/${heavy.id}`)).stuck).toBe('no-sign-of-life');
    expect(find(await readStuck(), 'no-worker', 'deaf')?.ids).toEqual([waiting.id]);
  } finally {
    await child?.kill();
    bundle.remove();
  }
});

it('names outcomes that the bus has not taken', async () => {
  world.bus.isDown = true;
  const { id } = await world.start();
  await world.reaches(id, 'succeeded');
  expect(await world.raw.zScore('inloop:unpublished', id)).not.toBeNull();
  expect(find(await readStuck(), 'push-backlog', null)).toBeUndefined();
  // As if that had been a minute ago.
  await world.raw.zIncrBy('inloop:unpublished', -MINUTE_MS, id);
  expect(find(await readStuck(), 'push-backlog', null)).toMatchObject({ count: 1, ids: [id] });
  world.bus.isDown = false;
  await eventually(async () => find(await readStuck(), 'push-backlog', null) === undefined, PATIENT);
});
