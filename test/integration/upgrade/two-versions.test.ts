/**
 * Two versions at the same time on one Redis and one Soketi, as in a rolling deploy: servers, workers and pages of an earlier
 * version, with its real code out of git, beside those of today. What one version has begun, the other one goes on with.
 *
 * @at-once 5
 */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import { findLeftKeys } from '../../chaos/checks/left-keys.ts';
import { startSoketi, type TestSoketi } from '../../support/bus/soketi/soketi.ts';
import { eventually } from '../../support/eventually.ts';
import { whyNoEarlierVersion } from './two-versions/earlier-version.ts';
import { startLoad } from './two-versions/load.ts';
import { otherThan, VERSIONS, type Version } from './two-versions/versions.ts';
import { type Bundles, bundleBoth, openWorld, type Server, type World } from './two-versions/world.ts';

jest.setTimeout(120_000);

/** Each version once as the one that begins, with the other one. */
const BOTH_WAYS: readonly (readonly [one: Version, other: Version])[] = VERSIONS.map((one) => [one, otherThan(one)]);

const problem = whyNoEarlierVersion();
if (problem !== null) console.warn(problem);

(problem === null ? describe : describe.skip)(problem ?? 'an earlier version beside the one of today', () => {
  let bundles: Bundles;
  let soketi: TestSoketi;
  let world: World;
  let servers: Readonly<Record<Version, Server>>;
  /** Names a user that no other test has. */
  let users = 0;
  const newUser = () => `user-${++users}`;

  beforeAll(async () => {
    [bundles, soketi] = await Promise.all([bundleBoth(), startSoketi()]);
    world = await openWorld(bundles, soketi);
    const [earlier, today] = await Promise.all(VERSIONS.map((version) => world.startServer(version)));
    servers = { earlier, today } as typeof servers;
    await Promise.all(
      VERSIONS.map((on) => {
        const own = ['count', 'endless', 'late', 'family'].map((name) => `${name}-on-${on}`);
        return world.startWorker(on, [...own, 'change-sides', 'keyed', 'shared']);
      }),
    );
  }, 120_000);

  afterAll(async () => {
    // Undefined if a part before it could not be started.
    await world?.close();
    await soketi?.stop();
    bundles?.remove();
  }, 30_000);

  it.concurrent.each(BOTH_WAYS)(
    'accepted by %s, run by %s: pages of either network see the task at the other server, step by step',
    async (one, other) => {
      const networks = (['websocket', 'streaming'] as const).map((network) => ({ network, user: newUser() }));
      const { url } = servers[other];
      const readPages = await world.openPages(
        one,
        networks.map((page) => ({ ...page, url })),
      );
      await eventually(async () => (await readPages()).every(({ connection }) => connection === 'live'), {
        within: 30_000,
      });
      await Promise.all(
        networks.map(async ({ user }, n) => {
          const { id, status } = await servers[one].start(user, `count-on-${other}`, { steps: 30 });
          expect(status).toBe('queued');
          const ended = await servers[other].waitForEnd(user, id);
          expect(ended).toMatchObject({ status: 'succeeded', attempt: 1, result: { by: other } });
          const shown = await eventually(
            async () => {
              const states = (await readPages())[n]?.shown[id] ?? [];
              return states.at(-1)?.status === 'succeeded' && states;
            },
            { within: 30_000 },
          );
          expect(shown.some(({ status, done }) => status === 'running' && done > 0 && done < 30)).toBe(true);
          expect(shown.map(({ revision }) => revision)).toEqual(
            shown.map(({ revision }) => revision).sort((a, b) => a - b),
          );
          for (const version of VERSIONS) expect(await servers[version].list(user)).toEqual([ended]);
        }),
      );
    },
  );

  it.concurrent.each(BOTH_WAYS)(
    'run by %s, cancelled at the server of %s, and started again there',
    async (one, other) => {
      const user = newUser();
      const isRunning = ({ status }: Snapshot) => status === 'running';
      const { id } = await servers[one].start(user, `endless-on-${one}`);
      await servers[other].waitFor(user, id, isRunning);
      await servers[other].cancel(user, id);
      expect(await servers[one].waitForEnd(user, id)).toMatchObject({ status: 'cancelled' });
      const again = await servers[other].retry(user, id);
      expect(again).toMatchObject({ retryOf: id });
      await servers[one].waitFor(user, again.id, isRunning);
      await servers[other].cancel(user, again.id);
      expect(await servers[one].waitForEnd(user, again.id)).toMatchObject({ status: 'cancelled' });
    },
  );

  it.concurrent.each(BOTH_WAYS)('accepted by %s, run by %s beyond its deadline', async (one, other) => {
    const user = newUser();
    const { id } = await servers[one].start(user, `late-on-${other}`);
    expect(await servers[one].waitForEnd(user, id)).toMatchObject({ status: 'failed', error: { code: 'deadline' } });
  });

  it.concurrent.each(BOTH_WAYS)(
    'failed in %s, done by an attempt in %s, which has its checkpoint',
    async (one, other) => {
      const user = newUser();
      const { id } = await servers[one].start(user, 'change-sides', { first: one });
      const ended = await servers[other].waitForEnd(user, id);
      expect(ended).toMatchObject({ status: 'succeeded', result: { by: other, failedIn: one } });
      expect(world.runs('change-sides').get(id)).toBe(ended.attempt);
    },
  );

  it.concurrent.each(BOTH_WAYS)('a parent in %s has children in %s', async (one, other) => {
    const user = newUser();
    const { id } = await servers[other].start(user, `family-on-${one}`);
    expect(await servers[other].waitForEnd(user, id)).toMatchObject({
      status: 'succeeded',
      result: { by: one },
      children: { total: 2, ended: 2, failed: 0 },
    });
    const children = (await servers[one].list(user)).filter((task) => task.id !== id);
    expect(children.map(({ result }) => result)).toEqual([{ by: other }, { by: other }]);
  });

  it.concurrent('tasks with one concurrency key are at work one after the other, in both versions', async () => {
    const user = newUser();
    const wanted = [...VERSIONS, ...VERSIONS, ...VERSIONS];
    const ids: string[] = [];
    for (const on of wanted) ids.push((await servers[otherThan(on)].start(user, 'keyed', { on })).id);
    const results = await Promise.all(
      ids.map(
        async (id) => (await servers.today.waitForEnd(user, id)).result as { by: Version; from: number; until: number },
      ),
    );
    expect(results.map(({ by }) => by)).toEqual(wanted);
    for (const [n, { until }] of results.entries()) expect(results[n + 1]?.from ?? until).toBeGreaterThanOrEqual(until);
  });

  it.concurrent('workers of both versions take the tasks of one owner in turns, in the order of their start', async () => {
    const user = newUser();
    const ids: string[] = [];
    for (let n = 0; n < 10; n++) ids.push((await servers[n % 2 ? 'today' : 'earlier'].start(user, 'shared')).id);
    const ranBy = async (id: string) => {
      const task = await servers.today.waitFor(user, id, ({ progress }) => progress?.note !== undefined);
      return task.progress?.note as Version;
    };
    // Each worker runs two at once. So the first four run, two in each version. Where one is cancelled, the next one starts.
    const by = await Promise.all(ids.slice(0, 4).map(ranBy));
    expect([...by].sort()).toEqual(['earlier', 'earlier', 'today', 'today']);
    for (const [n, id] of ids.entries()) {
      const running = (await servers.earlier.list(user)).filter(({ status }) => status !== 'queued');
      expect(running).toHaveLength(Math.min(n + 4, ids.length));
      const { [n]: version = 'today' } = by;
      await servers[otherThan(version)].cancel(user, id);
      await servers[version].waitForEnd(user, id);
      const next = ids[n + 4];
      if (next === undefined) continue;
      by.push(await ranBy(next));
      expect(by[n + 4]).toBe(version);
    }
  });

  it.concurrent.each(BOTH_WAYS)(
    'a rolling deploy from %s to %s under load loses nothing, runs nothing twice, and leaves nothing behind',
    async (one, other) => {
      const own = await openWorld(bundles, soketi);
      try {
        await roll(own, one, other, newUser());
      } finally {
        await own.close();
      }
    },
  );
});

/** Replaces all processes of version `one` by those of `other`. Of its workers one ends itself, one is killed, one is frozen. */
async function roll(world: World, one: Version, other: Version, user: string): Promise<void> {
  const [old, leaving, killed, frozen] = await Promise.all([
    world.startServer(one),
    world.startWorker(one, ['quick']),
    world.startWorker(one, ['held'], 1),
    world.startWorker(one, ['held'], 1),
  ]);
  const held = await Promise.all([1, 2].map(() => old.start(user, 'held')));
  // The checkpoint is stored with the progress.
  for (const { id } of held) await old.waitFor(user, id, ({ progress }) => progress?.done === 1);
  const load = startLoad(
    [old],
    [1, 2, 3, 4].map((n) => `${user}-${n}`),
  );
  const countRuns = () => world.runs('quick').size;
  const tenMore = (before = countRuns()) => eventually(() => countRuns() >= before + 10, { within: 30_000 });
  await tenMore();

  const [fresh, replacing] = await Promise.all([world.startServer(other), world.startWorker(other, ['quick', 'held'])]);
  load.sendTo([old, fresh]);
  await killed.kill();
  frozen.freeze();
  const taken = await Promise.all(held.map(({ id }) => old.waitForEnd(user, id)));
  for (const task of taken)
    expect(task).toMatchObject({ status: 'succeeded', attempt: 2, result: { by: other, from: one } });
  await eventually(() => [leaving, replacing].every(({ output }) => output().includes('ran quick ')), {
    within: 30_000,
  });

  await load.sendTo([fresh]);
  frozen.thaw();
  expect(await Promise.all([old, leaving, frozen].map((script) => script.stop()))).toEqual([0, 0, 0]);
  await tenMore();
  const started = await load.stop();

  for (const { user, id } of started)
    expect(await fresh.waitForEnd(user, id)).toMatchObject({ status: 'succeeded', attempt: 1 });
  expect(Object.fromEntries(world.runs('quick'))).toEqual(Object.fromEntries(started.map(({ id }) => [id, 1])));
  // What the frozen worker returned after it had lost its task was refused.
  for (const task of taken) expect(await fresh.waitForEnd(user, task.id)).toEqual(task);
  await eventually(async () => expect(await findLeftKeys(world.redis)).toEqual([]), { within: 30_000 });
  expect(await Promise.all([fresh, replacing].map((script) => script.stop()))).toEqual([0, 0]);
  expect(await world.redis.say('KEYS', 'inloop:worker*')).toEqual([]);
}
