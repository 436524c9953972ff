// Code of the application that runs for outcomes, in real worker processes: once for each, and never not at all.
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { createClient } from '@redis/client';
import type { Backend } from '../../../backend/backend.ts';
import { eventually } from '../../support/eventually.ts';
import { backendOn, NO_BUS, startApp, type TestApp } from '../../support/parts.ts';
import { type Bundle, bundleScript, type ScriptProcess, startScript } from '../../support/processes/script-process.ts';
import { startRedis, type TestRedis } from '../../support/redis/redis.ts';
import { CALLS, ending, type HookCall, orphan, pair, UNSEEN_AFTER_MS } from './processes/hook-worker.ts';

jest.setTimeout(40_000);

let redis: TestRedis;
let raw: ReturnType<typeof createClient>;
let backend: Backend;
let app: TestApp;
let bundle: Bundle;
let workers: ScriptProcess[] = [];
let users = 0;

beforeAll(async () => {
  bundle = await bundleScript('test/integration/work/processes/hook-worker.ts');
  redis = await startRedis();
  raw = createClient({ url: redis.url });
  await raw.connect();
  backend = backendOn({ ...NO_BUS, REDIS_URL: redis.url });
  app = await startApp(backend, [ending, orphan, pair]);
}, 60_000);
afterEach(async () => {
  await Promise.all(workers.map((worker) => worker.kill()));
  workers = [];
});
afterAll(async () => {
  await app.close();
  await backend.close();
  raw.destroy();
  await redis.stop();
  bundle.remove();
}, 30_000);

const startWorker = async () => {
  const worker = await startScript(bundle, { ...NO_BUS, REDIS_URL: redis.url, HOOK_WORKER: '1' }, 'worker ready');
  workers.push(worker);
  return worker;
};
const newUser = (kind = 'user') => `${kind}-${++users}`;
const start = async (owner: string, how: 'well' | 'badly' = 'well') =>
  (await app.tasks.start(ending, { how }, { owner })).id;
const calls = async (owner: string, hook: HookCall['hook'] = 'outcome') =>
  (await raw.lRange(CALLS, 0, -1))
    .map((text) => JSON.parse(text) as HookCall)
    .filter((call) => call.owner === owner && call.hook === hook);
/** Waits until a hook has nothing left to do. */
const idle = (hook: string) =>
  eventually(async () => (await raw.zCard(`inloop:hook:${hook}`)) === 0, {
    within: 20_000,
    that: `${hook} to be idle`,
  });

describe('onOutcome', () => {
  it('is called once for each outcome, among two workers, with the whole result', async () => {
    await Promise.all([startWorker(), startWorker()]);
    const owner = newUser();
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
  });

  it('is called again elsewhere if its process is killed meanwhile', async () => {
    const victim = await startWorker();
    const owner = newUser('slow');
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
  });

  it('is called elsewhere at once if its worker is told to stop and it does not finish', async () => {
    const leaving = await startWorker();
    const owner = newUser('slow');
    await start(owner);
    await eventually(async () => (await calls(owner)).length === 1);
    await startWorker();
    expect(await leaving.stop()).toBe(0);
    await eventually(async () => (await calls(owner)).length === 2, { within: 10_000 });
    await idle('outcome:0');
  });

  it('is called until it succeeds', async () => {
    await startWorker();
    const owner = newUser('failing');
    await start(owner);
    await eventually(async () => (await calls(owner)).length === 3, { within: 20_000 });
    await idle('outcome:0');
    expect((await calls(owner)).map(({ tries }) => tries)).toEqual([1, 2, 3]);
  });

  it('gets what ended while no worker was there, and what its owner has dismissed before', async () => {
    // Registers the hook.
    await (await startWorker()).stop();
    const owner = newUser();
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
    expect(await raw.hGet(`inloop:task:${kept.id}`, 'H')).toBeNull();
  });
});

describe('onUnseen', () => {
  it('runs for a task that has started others, and not for those; onOutcome runs for all', async () => {
    await startWorker();
    const owner = newUser();
    const { id } = await app.tasks.start(pair, {}, { owner });
    await eventually(async () => (await calls(owner, 'unseen')).length > 0, {
      within: 20_000,
      that: 'the hook to run',
    });
    await idle(`unseen:${UNSEEN_AFTER_MS}`);
    expect((await calls(owner, 'unseen')).map((call) => call.id)).toEqual([id]);
    expect((await calls(owner)).map(({ status }) => status)).toEqual(Array(3).fill('succeeded'));
  });

  it('is called for what its owner has not seen in time, and for nothing else', async () => {
    await startWorker();
    const owner = newUser();
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
  });
});
