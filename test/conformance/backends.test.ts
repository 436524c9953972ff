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
import { backendOn, NO_BUS } from '../support/parts.ts';
import { startRedis } from '../support/redis/redis.ts';
import { useStore } from '../support/redis/store-world.ts';
import { anyEventSeed, eventFor, newTask } from '../support/task-events.ts';
import { type BackendKind, HANDLINGS, itObeysTheBackendCases } from './backend-cases.ts';
import { FAMILY_HANDLINGS, itObeysTheFamilyCases } from './family-cases.ts';

const ALL_HANDLINGS = [...HANDLINGS, ...FAMILY_HANDLINGS];

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
  skips: { 'a finished task is forgotten when its time is over': 'in memory nothing expires' },
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
          // Each store tells by its own clock when a run began, so that is not compared.
          return record && { ...record, begunAt: 0 };
        };
        let before = await read(memory.store);
        // What the caller knows, by `staleness`: 0 an older run, 1 no run, 2 an older snapshot, 3 both older, 4 to 7 the newest.
        for (const [seed, staleness] of seeds) {
          const current = await read(memory.store);
          if (!current || !before) throw new Error('the task is gone');
          const known = staleness === 2 || staleness === 3 ? { ...current, snapshot: before.snapshot } : current;
          before = current;
          const event = eventFor(known.snapshot, seed);
          // `apply` takes no `see`: another call marks outcomes as seen.
          if (event.type === 'see') continue;
          const run = known.run + (staleness === 0 || staleness === 3 ? -1 : 0);
          const start = event.type === 'start' ? { start: { worker: 'w1', isolation: 'free' as const } } : {};
          const options = staleness === 1 && event.type !== 'start' ? {} : { run, ...start };
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
