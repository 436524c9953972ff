/**
 * Code of the application that runs for outcomes, in real worker processes: once for each outcome, and again only if it did not
 * finish. The tests mostly wait, and each has a Redis, an app and workers of its own, so they run at the same time.
 *
 * @at-once 4
 */
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { createClient } from '@redis/client';
import { FIELD } from '../../../backend/store/record.ts';
import { eventually } from '../../support/eventually.ts';
import { backendOn, NO_BUS, startApp, type TestApp } from '../../support/parts.ts';
import { type Bundle, bundleScript, type ScriptProcess, startScript } from '../../support/processes/script-process.ts';
import { startRedis } from '../../support/redis/redis.ts';
import { CALLS, ending, type HookCall, orphan, pair, UNSEEN_AFTER_MS } from './processes/hook-worker.ts';

jest.setTimeout(40_000);

let bundle: Bundle;
beforeAll(async () => {
  bundle = await bundleScript('test/integration/work/processes/hook-worker.ts');
}, 60_000);
afterAll(() => bundle.remove());

const connectRaw = (url: string) => createClient({ url });

/** What a test has. */
interface Hooks {
  readonly app: TestApp;
  readonly raw: ReturnType<typeof connectRaw>;
  /** It is killed after the test, if it still runs. */
  startWorker(): Promise<ScriptProcess>;
  /**
   * Starts a task, and resolves with its id. For an owner `slow…` the first call of `onOutcome` takes a minute, for an owner
   * `failing…` its first two calls throw (hook-worker.ts).
   */
  start(owner: string, how?: 'well' | 'badly'): Promise<string>;
  /** The calls of a hook for tasks of `owner`. */
  calls(owner: string, hook?: HookCall['hook']): Promise<HookCall[]>;
  /** Waits until a hook has nothing left to do. `hook`: its name in Redis with its delay in ms, as `outcome:0`. */
  idle(hook: string): Promise<unknown>;
}

/** The body of a test with parts of its own. */
const withHooks = (test: (own: Hooks) => Promise<void>) => async () => {
  const redis = await startRedis();
  const raw = connectRaw(redis.url);
  await raw.connect();
  const env = { ...NO_BUS, REDIS_URL: redis.url };
  const backend = backendOn(env);
  const app = await startApp(backend, [ending, orphan, pair]);
  const workers: ScriptProcess[] = [];
  try {
    await test({
      app,
      raw,
      async startWorker() {
        const worker = await startScript(bundle, { ...env, HOOK_WORKER: '1' }, 'worker ready');
        workers.push(worker);
        return worker;
      },
      start: async (owner, how = 'well') => (await app.tasks.start(ending, { how }, { owner })).id,
      calls: async (owner, hook = 'outcome') =>
        (await raw.lRange(CALLS, 0, -1))
          .map((text) => JSON.parse(text) as HookCall)
          .filter((call) => call.owner === owner && call.hook === hook),
      idle: (hook) =>
        eventually(async () => (await raw.zCard(`inloop:hook:${hook}`)) === 0, {
          within: 20_000,
          that: `${hook} to be idle`,
        }),
    });
  } finally {
    await Promise.all(workers.map((worker) => worker.kill()));
    await app.close();
    await backend.close();
    raw.destroy();
    await redis.stop();
  }
};

it.concurrent(
  'onOutcome is called once for each outcome, among two workers, with the whole result',
  withHooks(async ({ app, raw, startWorker, start, calls, idle }) => {
    await Promise.all([startWorker(), startWorker()]);
    const owner = 'user';
    const ids = await Promise.all(Array.from({ length: 40 }, (_, n) => start(owner, n % 4 ? 'well' : 'badly')));
    // Its definition has no handler anywhere.
    const waiting = await app.tasks.start(orphan, {}, { owner });
    await app.tasks.tasks.cancel(owner, waiting.id);
    await eventually(async () => (await calls(owner)).length >= 41, { within: 20_000 });
    await idle('outcome:0');
    const seen = await calls(owner);
    expect(seen.map(({ id }) => id).sort()).toEqual([...ids, waiting.id].sort());
    expect(seen.every(({ tries }) => tries === 1)).toBe(true);
    const count = (status: string) => seen.filter((call) => call.status === status).length;
    expect([count('succeeded'), count('failed'), count('cancelled')]).toEqual([30, 10, 1]);
    expect(seen.find(({ status }) => status === 'succeeded')?.result).toBe('r'.repeat(20_000));
    expect(await raw.hLen('inloop:hook-tries:outcome:0')).toBe(0);
  }),
);

it.concurrent(
  'onOutcome is called again elsewhere if its process is killed meanwhile',
  withHooks(async ({ app, startWorker, start, calls, idle }) => {
    const victim = await startWorker();
    const owner = 'slow user';
    const id = await start(owner);
    await eventually(async () => (await calls(owner)).length === 1);
    expect(await app.tasks.tasks.get(owner, id)).toMatchObject({ status: 'succeeded' });
    await startWorker();
    await victim.kill();
    await eventually(async () => (await calls(owner)).length === 2, { within: 15_000 });
    const [first, second] = await calls(owner);
    expect([first?.tries, second?.tries]).toEqual([1, 2]);
    expect(second?.pid).not.toBe(first?.pid);
    await idle('outcome:0');
    expect(await calls(owner)).toHaveLength(2);
  }),
);

it.concurrent(
  'onOutcome is called elsewhere at once if its worker is told to stop and it does not finish',
  withHooks(async ({ startWorker, start, calls, idle }) => {
    const leaving = await startWorker();
    const owner = 'slow user';
    await start(owner);
    await eventually(async () => (await calls(owner)).length === 1);
    await startWorker();
    expect(await leaving.stop()).toBe(0);
    await eventually(async () => (await calls(owner)).length === 2, { within: 10_000 });
    await idle('outcome:0');
  }),
);

it.concurrent(
  'onOutcome is called until it succeeds',
  withHooks(async ({ startWorker, start, calls, idle }) => {
    await startWorker();
    const owner = 'failing user';
    await start(owner);
    await eventually(async () => (await calls(owner)).length === 3, { within: 20_000 });
    await idle('outcome:0');
    expect((await calls(owner)).map(({ tries }) => tries)).toEqual([1, 2, 3]);
  }),
);

it.concurrent(
  'onOutcome gets what ended while no worker was there, and what its owner has dismissed before',
  withHooks(async ({ app, raw, startWorker, calls, idle }) => {
    // Registers the hook.
    await (await startWorker()).stop();
    const owner = 'user';
    const kept = await app.tasks.start(orphan, {}, { owner });
    const dismissed = await app.tasks.start(orphan, {}, { owner });
    for (const { id } of [kept, dismissed]) await app.tasks.tasks.cancel(owner, id);
    await app.tasks.tasks.dismiss(owner, dismissed.id);
    await expect(app.tasks.tasks.get(owner, dismissed.id)).rejects.toMatchObject({ code: 'not_found' });
    expect((await app.tasks.tasks.list(owner)).tasks.map(({ id }) => id)).toEqual([kept.id]);
    expect(await calls(owner)).toEqual([]);
    await startWorker();
    await eventually(async () => (await calls(owner)).length === 2, { within: 10_000 });
    await idle('outcome:0');
    // The record was kept for the hook only.
    expect(await raw.exists(`inloop:task:${dismissed.id}`)).toBe(0);
    expect(await raw.hGet(`inloop:task:${kept.id}`, FIELD.hookPending)).toBeNull();
  }),
);

it.concurrent(
  'onUnseen runs for a task that has started others, and not for those; onOutcome runs for all',
  withHooks(async ({ app, startWorker, calls, idle }) => {
    await startWorker();
    const owner = 'user';
    const { id } = await app.tasks.start(pair, {}, { owner });
    await eventually(async () => (await calls(owner, 'unseen')).length > 0, {
      within: 20_000,
      that: 'the hook to run',
    });
    await idle(`unseen:${UNSEEN_AFTER_MS}`);
    expect((await calls(owner, 'unseen')).map((call) => call.id)).toEqual([id]);
    expect((await calls(owner)).map(({ status }) => status)).toEqual(Array(3).fill('succeeded'));
  }),
);

it.concurrent(
  'onUnseen is called for what its owner has not seen in time, and for nothing else',
  withHooks(async ({ app, startWorker, start, calls, idle }) => {
    await startWorker();
    const owner = 'user';
    const [unseen, seen, dismissed] = [await start(owner), await start(owner), await start(owner)];
    await eventually(async () => (await app.tasks.tasks.list(owner, { state: 'unseen' })).tasks.length === 3);
    await app.tasks.tasks.seen(owner, [seen]);
    await eventually(async () => (await calls(owner)).length === 3);
    await app.tasks.tasks.dismiss(owner, dismissed);
    await idle(`unseen:${UNSEEN_AFTER_MS}`);
    const [call, ...others] = await calls(owner, 'unseen');
    expect([call?.id, others]).toEqual([unseen, []]);
    const { finishedAt } = await app.tasks.tasks.get(owner, unseen);
    expect(Date.now() - Date.parse(String(finishedAt))).toBeGreaterThanOrEqual(UNSEEN_AFTER_MS);
  }),
);
