// The cases of a backend, over each: Redis with a worker, and `inloop/testing` in memory. And random events, over both stores.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { v7 as uuid } from 'uuid';
import type { ServerBackend } from '../../backend/server-backend.ts';
import type { RunState } from '../../backend/store/record.ts';
import type { Duration } from '../../core/values/duration.ts';
import { createMemoryBackend } from '../../testing/backend/memory-backend.ts';
import { createTestClock } from '../../testing/time/test-clock.ts';
import { createTaskWorker } from '../../worker/task-worker.ts';
import { eventually } from '../support/eventually.ts';
import { backendOn } from '../support/parts.ts';
import { startRedis } from '../support/redis/redis.ts';
import { useStore } from '../support/redis/store-world.ts';
import { anyEventSeed, eventFor, newTask } from '../support/task-events.ts';
import { type BackendKind, HANDLINGS, itObeysTheBackendCases } from './backend-cases.ts';
import { FAMILY_HANDLINGS, itObeysTheFamilyCases } from './family-cases.ts';

const ALL_HANDLINGS = [...HANDLINGS, ...FAMILY_HANDLINGS];

/** Nothing listens there: pushes are lost, as they may be. */
const NO_BUS = {
  PUSHER_APP_ID: '1',
  PUSHER_KEY: 'key',
  PUSHER_SECRET: 'secret-of-the-test',
  PUSHER_HOST: '127.0.0.1',
  PUSHER_PORT: '1',
};

/** @param retention how long outcomes are kept */
const overRedis = (retention: Duration): BackendKind => ({
  async start() {
    const redis = await startRedis();
    const backend = backendOn({ ...NO_BUS, REDIS_URL: redis.url }, { retention });
    return {
      backend,
      async run(isIdle) {
        const stop = new AbortController();
        const worker = createTaskWorker({ backend, drain: '1s' });
        for (const [definition, handler] of ALL_HANDLINGS) worker.handle(definition, handler);
        const running = worker.run({ signal: stop.signal });
        await eventually(async () => expect(await isIdle()).toBe(true), { within: 8_000 });
        stop.abort();
        await running;
      },
      async close() {
        await backend.close();
        await redis.stop();
      },
    };
  },
  skips: {},
});

const inMemory: BackendKind = {
  async start() {
    const backend = createMemoryBackend();
    for (const [definition, handler] of ALL_HANDLINGS) backend.handle(definition, handler);
    return { backend, run: () => backend.runAll(), close: async () => undefined };
  },
  skips: { 'a finished task is forgotten when its time is over': 'a test is over before' },
};

describe('a backend over Redis', () => itObeysTheBackendCases(overRedis('3s')));
describe('a backend in memory', () => itObeysTheBackendCases(inMemory));
describe('families over Redis', () => itObeysTheFamilyCases(overRedis('1h')));
describe('families in memory', () => itObeysTheFamilyCases(inMemory));

describe('random events', () => {
  const world = useStore();

  it('have the same effect in both stores', async () => {
    const memory = createMemoryBackend({ clock: createTestClock(new Date()) });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(anyEventSeed, fc.nat(7)), { maxLength: 14 }), async (seeds) => {
        const snapshot = newTask({ id: uuid() });
        const owner = `owner-${snapshot.id}`;
        const stores: readonly ServerBackend['store'][] = [world.store, memory.store];
        const created = { snapshot, owner, input: { n: 1 }, raw: '{"n":"1"}' };
        await world.store.create(created, null);
        await memory.changes.create(created, null);
        const read = async (store: ServerBackend['store']) => {
          const record = await store.read(snapshot.id, { owner, run: true, input: true, result: true });
          // When a run began is told by each store's own clock.
          return record && { ...record, begunAt: 0 };
        };
        let before = await read(memory.store);
        // `luck`: 0 an old run, 1 no run, 2 an old snapshot, 3 both old, else neither.
        for (const [seed, luck] of seeds) {
          const current = await read(memory.store);
          if (!current || !before) throw new Error('the task is gone');
          // Callers may know an older snapshot than the one that is stored.
          const known = luck === 2 || luck === 3 ? { ...current, snapshot: before.snapshot } : current;
          before = current;
          const event = eventFor(known.snapshot, seed);
          if (event.type === 'see') continue;
          const run = known.run + (luck === 0 || luck === 3 ? -1 : 0);
          const start = event.type === 'start' ? { start: { worker: 'w1', isolation: 'free' as const } } : {};
          const options = luck === 1 && event.type !== 'start' ? {} : { run, ...start };
          const [one, two] = [
            await world.store.apply(known, event, options),
            await (memory.store as typeof world.store).apply(known, event, options),
          ];
          expect(two).toEqual(one);
          const [inRedis, here] = await Promise.all(stores.map(read));
          expect(here).toEqual(inRedis);
          expect((here as RunState).run).toBeGreaterThanOrEqual(0);
        }
        for (const state of ['all', 'active', 'unseen'] as const) {
          const [inRedis, here] = await Promise.all(stores.map((store) => store.list(owner, { state })));
          expect(here).toEqual(inRedis);
        }
      }),
      { numRuns: 60 },
    );
  });
});
