/**
 * How many messages and writes a user's tasks cost, on real parts: the number grows with time, not with elements, and all tasks
 * of a user share one limit.
 *
 * @at-once 5
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { v7 as uuid } from 'uuid';
import { z } from 'zod';
import type { Backend } from '../../../backend/backend.ts';
import { defineTask } from '../../../core/tasks/definition.ts';
import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import { createTaskWorker, type TaskWorker } from '../../../worker/task-worker.ts';
import { cpuMsOf } from '../../support/cpu-time.ts';
import { eventually } from '../../support/eventually.ts';
import { backendOn, type Follower, startApp, startBus, type TestApp, type TestBus } from '../../support/parts.ts';

/** Does ten elements a millisecond by the clock, even if the machine is busy and the handler gets its turn late. */
const move = defineTask({ name: 'move', input: z.object({ ms: z.number() }) });
/** Doubles what is done every 60 ms, so each look finds the bar wrong. Without a limit a step would be pushed at every look. */
const jump = defineTask({ name: 'jump', input: z.object({ ms: z.number() }) });
const report = defineTask({ name: 'report', input: z.object({ times: z.number() }) });

let bus: TestBus;

beforeAll(async () => {
  bus = await startBus();
}, 60_000);
afterAll(() => bus.stop(), 30_000);

/** What a test has: the bus is shared, and the keys in Redis are its own. */
interface Parts {
  readonly server: Backend;
  readonly app: TestApp;
  /** Starts a worker in this process. It is stopped after the test. */
  startWorker(settings?: { readonly pushesPerSecond?: number }, concurrency?: number): Backend;
}

/** The body of a test with parts of its own. Each test has owners of its own too, since all share the channels of one bus. */
const withParts = (test: (own: Parts) => Promise<void>) => async () => {
  const prefix = `b${uuid()}:`;
  const server = backendOn(bus.env, { prefix });
  const app = await startApp(server, [move, jump, report]);
  const stop = new AbortController();
  const workers: { readonly backend: Backend; readonly running: Promise<void> }[] = [];
  const startWorker: Parts['startWorker'] = (settings = {}, concurrency = 10) => {
    const backend = backendOn(bus.env, { prefix, ...settings });
    const worker = createTaskWorker({ backend, concurrency, drain: '1s' });
    handleAll(worker);
    workers.push({ backend, running: worker.run({ signal: stop.signal }) });
    return backend;
  };
  try {
    await test({ server, app, startWorker });
  } finally {
    stop.abort();
    for (const { backend, running } of workers) {
      await running;
      await backend.close();
    }
    await app.close();
    await server.close();
  }
};

function handleAll(worker: TaskWorker): void {
  worker.handle(move, async (input, task) => {
    const began = performance.now();
    const total = input.ms * 10;
    for (let done = 0; done < total; ) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      const due = Math.min((performance.now() - began) * 10, total);
      while (done < due) task.progress({ done: ++done, total });
    }
    return null;
  });
  worker.handle(jump, async (input, task) => {
    const end = performance.now() + input.ms;
    for (let done = 1; performance.now() < end; done *= 2) {
      await new Promise((resolve) => setTimeout(resolve, 60));
      task.progress({ done });
    }
    return null;
  });
  worker.handle(report, async (input, task) => {
    const heap = process.memoryUsage().heapUsed;
    const spent = cpuMsOf(() => {
      for (let done = 0; done < input.times; done++) task.progress({ done, total: input.times, skipped: 1 });
    });
    return { microseconds: (spent * 1_000) / input.times, grown: process.memoryUsage().heapUsed - heap };
  });
}

const outcome = (follower: Follower, id: string) =>
  eventually(() => follower.events.find(({ data }) => data.id === id && data.finishedAt !== null)?.data, {
    within: 15_000,
    that: 'the outcome',
  });

/** The steps that were pushed. */
const pushedSteps = (follower: Follower) =>
  follower.events.map(({ data }) => data).filter(({ status }) => status === 'running');

/** How many steps of an ended task were stored. Three of its revisions are no steps: queued, started, ended. */
const storedSteps = (task: Snapshot) => task.revision - 3;

/** How many steps `perSecond` allows in the time that `tasks` ran. On a busy machine they run longer than they were told to. */
const allowed = (perSecond: number, ...tasks: readonly Snapshot[]) => {
  const times = (field: 'startedAt' | 'finishedAt') => tasks.map((task) => Date.parse(task[field] ?? ''));
  return Math.ceil((perSecond * (Math.max(...times('finishedAt')) - Math.min(...times('startedAt')))) / 1_000);
};

/** How many steps may be stored and not pushed: the last one may still wait when the outcome replaces it. */
const OVERTAKEN = 1;

describe('a task that moves evenly', () => {
  it(
    'is told a few times, with the rate by which its page goes on, and stored no more often',
    withParts(async ({ app, startWorker }) => {
      const backend = startWorker();
      const follower = await app.follow('ada');
      const { id } = await app.tasks.start(move, { ms: 3_000 }, { owner: 'ada' });
      const task = await outcome(follower, id);
      const steps = pushedSteps(follower);
      // Ten a second would be 30. An even pace needs a few; a handler that is late by more than 1 % of its time causes more.
      expect(steps.length).toBeLessThanOrEqual(20);
      expect(steps.length).toBeGreaterThanOrEqual(1);
      expect(storedSteps(task)).toBeLessThanOrEqual(steps.length + OVERTAKEN);
      for (const { progress } of steps) expect(progress?.done).toBeGreaterThan(0);
      expect(steps.filter(({ progress }) => progress?.rate !== undefined).length).toBeGreaterThanOrEqual(1);
      expect(task.progress?.rate).toBeUndefined();
      expect(backend.eventCounters().progress.sent).toBe(steps.length);
    }),
    30_000,
  );
});

describe('a task that surprises all the time', () => {
  it.concurrent(
    'is shown ten times a second at most, and stored no more often than it is shown',
    withParts(async ({ app, startWorker }) => {
      const backend = startWorker();
      const follower = await app.follow('ann');
      const { id } = await app.tasks.start(jump, { ms: 3_000 }, { owner: 'ann' });
      const task = await outcome(follower, id);
      const steps = pushedSteps(follower);
      expect(steps.length).toBeLessThanOrEqual(allowed(10, task));
      // On an idle machine there are about 30, on a busy one far fewer.
      expect(steps.length).toBeGreaterThanOrEqual(4);
      expect(storedSteps(task)).toBeLessThanOrEqual(steps.length + OVERTAKEN);
      expect(backend.eventCounters().progress.sent).toBe(steps.length);
    }),
    30_000,
  );

  it.concurrent(
    'shares that limit with its owner’s other tasks, and all of them get progress',
    withParts(async ({ app, startWorker }) => {
      startWorker();
      const follower = await app.follow('bob');
      const tasks = await Promise.all(
        Array.from({ length: 5 }, () => app.tasks.start(jump, { ms: 3_000 }, { owner: 'bob' })),
      );
      const ended = await Promise.all(tasks.map(({ id }) => outcome(follower, id)));
      const steps = pushedSteps(follower);
      expect(steps.length).toBeLessThanOrEqual(allowed(10, ...ended));
      expect(new Set(steps.map(({ id }) => id)).size).toBe(5);
      expect(ended.reduce((sum, task) => sum + storedSteps(task), 0)).toBeLessThanOrEqual(
        steps.length + ended.length * OVERTAKEN,
      );
    }),
    30_000,
  );

  it.concurrent(
    'shares that limit with its owner’s tasks in other workers',
    withParts(async ({ app, startWorker }) => {
      const backends = [1, 2, 3].map(() => startWorker({}, 2));
      const follower = await app.follow('dot');
      const tasks = await Promise.all(
        Array.from({ length: 6 }, () => app.tasks.start(jump, { ms: 4_000 }, { owner: 'dot' })),
      );
      const ended = await Promise.all(tasks.map(({ id }) => outcome(follower, id)));
      const steps = pushedSteps(follower);
      // Each worker by itself would have sent up to ten a second.
      expect(steps.length).toBeLessThanOrEqual(allowed(10, ...ended));
      expect(new Set(steps.map(({ id }) => id)).size).toBe(6);
      for (const backend of backends) expect(backend.eventCounters().progress.sent).toBeGreaterThanOrEqual(1);
    }),
    30_000,
  );

  it.concurrent(
    'is shown once a second where that is the ceiling',
    withParts(async ({ app, startWorker }) => {
      startWorker({ pushesPerSecond: 1 });
      const follower = await app.follow('cyd');
      const { id } = await app.tasks.start(jump, { ms: 4_500 }, { owner: 'cyd' });
      const task = await outcome(follower, id);
      const steps = pushedSteps(follower);
      expect(steps.length).toBeGreaterThanOrEqual(3);
      expect(steps.length).toBeLessThanOrEqual(allowed(1, task));
      expect(storedSteps(task)).toBeLessThanOrEqual(steps.length + OVERTAKEN);
    }),
    30_000,
  );

  it.concurrent(
    'is not pushed while its owner is not watched, and is stored once a second',
    withParts(async ({ server, app, startWorker }) => {
      const backend = startWorker();
      await server.redis.noteWatched(server.channelOf('dan'), 'dan');
      // A time that is less than 5 s ahead is taken for the present, so it is not before the moment when the page was opened.
      await server.redis.noteWebhook(server.channelOf('dan'), 'vacated', Date.now() + 1_000);
      const { id } = await app.tasks.start(jump, { ms: 2_500 }, { owner: 'dan' });
      const task = await eventually(
        async () => {
          const snapshot = await app.tasks.tasks.get('dan', id);
          return snapshot.finishedAt !== null && snapshot;
        },
        { within: 15_000 },
      );
      await eventually(() => expect(backend.eventCounters().outcome.sent).toBe(1));
      expect(backend.counters().push_events).toBe(1);
      expect(storedSteps(task)).toBeGreaterThanOrEqual(1);
      expect(storedSteps(task)).toBeLessThanOrEqual(allowed(1, task));
    }),
    30_000,
  );
});

describe('a task that ends at once', () => {
  it(
    'costs two messages: queued and its outcome',
    withParts(async ({ app, startWorker }) => {
      startWorker();
      const follower = await app.follow('eve');
      const { id } = await app.tasks.start(move, { ms: 20 }, { owner: 'eve' });
      await outcome(follower, id);
      expect(follower.events.map(({ name }) => name)).toEqual(['task.queued', 'task.succeeded']);
    }),
    30_000,
  );
});

describe('task.progress', () => {
  it(
    'takes little time and keeps no memory',
    withParts(async ({ app, startWorker }) => {
      startWorker();
      const follower = await app.follow('fay');
      const { id } = await app.tasks.start(report, { times: 2_000_000 }, { owner: 'fay' });
      const { result } = await outcome(follower, id);
      const { microseconds, grown } = result as { microseconds: number; grown: number };
      // On an idle machine it is 0.1.
      expect(microseconds).toBeLessThan(2);
      expect(grown).toBeLessThan(50_000_000);
    }),
    60_000,
  );
});

describe('the accuracy', () => {
  it.each([0, 0.0009, 0.51, Number.NaN])('is refused where it is %p', (accuracy) => {
    expect(() => backendOn(bus.env, { accuracy })).toThrow(/accuracy must be a number from 0.001 to 0.5/);
  });
});

describe('the number of pushes', () => {
  it.each([0, 1.5, 101, Number.NaN])('is refused where it is %p', (pushesPerSecond) => {
    expect(() => backendOn(bus.env, { pushesPerSecond })).toThrow(
      /pushesPerSecond must be a whole number from 1 to 100/,
    );
  });
});
