import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { z } from 'zod';
import { TaskError } from '../core/error.ts';
import { defineTask } from '../core/tasks/definition.ts';
import type { Handler } from '../worker/context.ts';
import { runTask } from './run-task.ts';
import { createTestClock } from './time/test-clock.ts';

// Only the tests about Node's timers and files take real time. The virtual waits of 31 s to two hours would run into Jest's
// limit of 30 s if they took real time.
const count = defineTask({
  name: 'count',
  input: z.object({ to: z.number() }),
  output: z.object({ counted: z.number() }),
  title: ({ to }) => `Count to ${to}`,
  stages: { read: 1, save: 9 },
  attempts: 3,
  deadline: '10m',
});
const countUp: Handler<typeof count> = async ({ to }, task) => {
  for (let done = 1; done <= to && !task.signal.aborted; done++) task.progress({ done, total: to });
  return { counted: to };
};
/** Waits for its signal, as code does that passes it on. */
const untilStopped: Handler<typeof count> = (_input, { signal }) =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

describe('a run', () => {
  it('gives the outcome, every report, and how long it took', async () => {
    const run = await runTask(count, countUp, { to: 3 });
    expect(run.outcome).toMatchObject({
      status: 'succeeded',
      title: 'Count to 3',
      result: { counted: 3 },
      progress: { done: 3, total: 3 },
    });
    expect(run.reports).toEqual([1, 2, 3].map((done) => ({ attempt: 1, atMs: 0, done, total: 3 })));
    expect(run.attempts).toEqual([{ attempt: 1, startMs: 0, endMs: 0, thrown: undefined }]);
    expect(run.timing).toEqual({ totalMs: 0, runningMs: 0 });
    expect(run.snapshots.map(({ status }) => status)).toEqual(['queued', 'running', 'succeeded']);
  });

  it('rejects an input that `start` would refuse, and the handler is not called', async () => {
    const handler = jest.fn<Handler<typeof count>>();
    const input = { to: 'many' } as never;
    await expect(runTask(count, handler, input)).rejects.toMatchObject({ code: 'invalid_input', status: 422 });
    expect(handler).not.toHaveBeenCalled();
  });

  it('gives the handler the input as it comes out of JSON', async () => {
    const dated = defineTask({ name: 'dated', input: z.object({ at: z.date().transform((at) => at.toISOString()) }) });
    const run = await runTask(dated, ({ at }) => at, { at: new Date(0) });
    expect(run.outcome.result).toBe('1970-01-01T00:00:00.000Z');
  });

  it.each([
    ['another shape', { sum: 1 }, 'invalid_output'],
    ['no JSON', { counted: Number.NaN }, 'invalid_output'],
  ])('fails with a result of %s, as in production', async (_what, result, code) => {
    const { outcome } = await runTask(count, async () => result as never, { to: 1 });
    expect(outcome).toMatchObject({ status: 'failed', error: { code, retryable: false }, attempt: 1 });
  });

  it('keeps the rules of progress: what is shown never goes back within an attempt, whatever is reported', async () => {
    const handler: Handler<typeof count> = (_input, task) => {
      task.stage('read');
      task.progress({ done: 5, total: 10 });
      task.progress({ done: 2, total: 10 });
      throw new TaskError('enough', 'Enough.', { retryable: false });
    };
    const run = await runTask(count, handler, { to: 1 });
    expect(run.reports.map(({ stage, done }) => stage ?? done)).toEqual(['read', 5, 2]);
    expect(run.outcome.progress).toMatchObject({ stage: 'read', total: 10 });
  });
});

describe('attempts', () => {
  it('are repeated after waits that take no time', async () => {
    const fault = new Error('the database is away');
    const handler: Handler<typeof count> = async (_input, task) => {
      if (task.attempt < 6) throw fault;
      return { counted: task.attempt };
    };
    const run = await runTask({ ...count, attempts: 6 }, handler, { to: 1 });
    expect(run.outcome).toMatchObject({ status: 'succeeded', result: { counted: 6 }, attempt: 6 });
    const times = [0, 1_000, 3_000, 7_000, 15_000, 31_000];
    expect(run.attempts).toEqual(
      times.map((at, n) => ({ attempt: n + 1, startMs: at, endMs: at, thrown: n < 5 ? fault : undefined })),
    );
    expect(run.timing).toEqual({ totalMs: 31_000, runningMs: 0 });
  });

  it('end with the last error, of which the owner sees only a TaskError', async () => {
    const handler = () => Promise.reject(new TaskError('no_email_column', 'There is no email.', { retryable: true }));
    const { outcome, attempts } = await runTask(count, handler, { to: 1 });
    expect(outcome).toMatchObject({ status: 'failed', error: { code: 'no_email_column' } });
    expect(attempts).toHaveLength(3);
    const hidden = await runTask(count, () => Promise.reject(new Error('password is hunter2')), { to: 1 });
    expect(JSON.stringify(hidden.outcome)).not.toContain('hunter2');
    expect(hidden.outcome.error?.code).toBe('internal');
  });
});

describe('a clock', () => {
  const clock = createTestClock('2026-03-01');

  it('passes hours of waits at once, and shows them', async () => {
    const start = clock.now();
    const handler: Handler<typeof count> = async ({ to }, task) => {
      for (let done = 1; done <= to; done++) {
        await clock.sleep('5m', undefined, { signal: task.signal });
        task.progress({ done, total: to });
      }
      return { counted: to };
    };
    const long = { ...count, deadline: null };
    const run = await runTask(long, handler, { to: 24 }, { clock });
    expect(run.outcome).toMatchObject({ status: 'succeeded', createdAt: '2026-03-01T00:00:00.000Z' });
    expect(run.reports.map(({ atMs }) => atMs / 300_000)).toEqual(Array.from({ length: 24 }, (_, n) => n + 1));
    expect(run.timing.totalMs).toBe(7_200_000);
    expect(clock.now() - start).toBe(7_200_000);
  });

  it('keeps the deadline of the definition where the handler waits by it', async () => {
    const handler: Handler<typeof count> = async (_input, { signal }) => {
      await clock.sleep('1h', undefined, { signal });
      return { counted: 1 };
    };
    const run = await runTask(count, handler, { to: 1 }, { clock });
    expect(run.outcome).toMatchObject({ status: 'failed', error: { code: 'deadline' } });
    expect(run.timing.totalMs).toBe(600_000);
    expect(run.attempts[0]?.thrown).toMatchObject({ code: 'deadline' });
  });

  it('is moved on by the test, and wakes who sleeps', async () => {
    const own = createTestClock();
    const before = own.now();
    const slept = own.sleep('1m', 'awake');
    const stop = new AbortController();
    const stopped = own.sleep('2m', undefined, { signal: stop.signal });
    await own.advance('1m');
    expect([await slept, own.now() - before]).toEqual(['awake', 60_000]);
    stop.abort(new Error('stopped'));
    await expect(stopped).rejects.toThrow('stopped');
  });

  it('must come from createTestClock', async () => {
    await expect(runTask(count, countUp, { to: 1 }, { clock: { now: Date.now } as never })).rejects.toThrow(
      'runTask: clock must be what createTestClock gives, got an object.',
    );
  });
});

describe('a handler is stopped', () => {
  it('at the deadline that the test sets, without waiting for it', async () => {
    const run = await runTask(count, untilStopped, { to: 1 }, { deadline: '1h' });
    expect(run.outcome).toMatchObject({ status: 'failed', error: { code: 'deadline' } });
    expect(run.timing).toEqual({ totalMs: 3_600_000, runningMs: 3_600_000 });
  });

  it('when the owner cancels, and its result counts if it returns one all the same', async () => {
    const cancelled = await runTask(count, untilStopped, { to: 1 }, { cancelAfter: '5s' });
    expect(cancelled.outcome).toMatchObject({ status: 'cancelled', finishedAt: expect.stringContaining(':05.000Z') });
    expect(cancelled.snapshots.map(({ status }) => status)).toContain('cancelling');
    const handler: Handler<typeof count> = (_input, { signal }) =>
      new Promise((resolve) => signal.addEventListener('abort', () => resolve({ counted: 7 })));
    const done = await runTask(count, handler, { to: 1 }, { cancelAfter: '5s' });
    expect(done.outcome).toMatchObject({ status: 'succeeded', result: { counted: 7 } });
  });

  it('when the owner cancels at a report', async () => {
    const handler: Handler<typeof count> = async ({ to }, task) => {
      for (let done = 1; done <= to; done++) {
        task.progress({ done, total: to });
        await new Promise(setImmediate);
        task.signal.throwIfAborted();
      }
      return { counted: to };
    };
    const run = await runTask(count, handler, { to: 100 }, { cancelWhen: ({ done }) => done === 3 });
    expect(run.outcome).toMatchObject({ status: 'cancelled', progress: { done: 3 } });
    expect(run.reports.at(-1)).toMatchObject({ done: 3 });
  });

  it('between two attempts', async () => {
    const run = await runTask(count, () => Promise.reject(new Error('no')), { to: 1 }, { cancelAfter: 1_500 });
    expect(run.outcome).toMatchObject({ status: 'cancelled' });
    expect(run.attempts).toHaveLength(2);
  });

  it('and is cut off and called stuck if it does not return', async () => {
    const run = await runTask(count, () => new Promise<never>(() => undefined), { to: 1 }, { deadline: '1m' });
    expect(run).toMatchObject({ isStuck: true, outcome: { status: 'failed', error: { code: 'deadline' } } });
    expect(run.timing.totalMs).toBe(65_000);
    expect(run.attempts).toEqual([{ attempt: 1, startMs: 0, endMs: null, thrown: undefined }]);
  });

  it('in time by the timers of Node too, which take as long as they say', async () => {
    const handler: Handler<typeof count> = async ({ to }, { signal }) => {
      for (let n = 0; n < to; n++) await sleep(20, undefined, { signal });
      return { counted: to };
    };
    const whole = await runTask(count, handler, { to: 3 });
    expect(whole.outcome.status).toBe('succeeded');
    // Three real waits of 20 ms. Half of their 60 ms is enough to tell that they were not skipped.
    expect(whole.timing.totalMs).toBeGreaterThanOrEqual(30);
    const cut = await runTask(count, handler, { to: 500 }, { cancelAfter: 100 });
    expect(cut.outcome.status).toBe('cancelled');
    expect(cut.timing.totalMs).toBeLessThan(1_000);
  });

  it('not while it reads a file', async () => {
    const handler: Handler<typeof count> = async () => {
      const end = performance.now() + 200;
      while (performance.now() < end) await readFile('package-lock.json');
      return { counted: 50 };
    };
    const run = await runTask(count, handler, { to: 1 }, { deadline: '1h' });
    expect(run.outcome).toMatchObject({ status: 'succeeded', result: { counted: 50 } });
  });
});

describe('with timers that a test framework has faked', () => {
  afterEach(() => {
    jest.useRealTimers();
  });

  it('the test moves the time', async () => {
    jest.useFakeTimers();
    const handler: Handler<typeof count> = async (_input, { attempt }) => {
      await new Promise((resolve) => setTimeout(resolve, 60_000));
      if (attempt === 1) throw new Error('again');
      return { counted: attempt };
    };
    const running = runTask(count, handler, { to: 1 });
    await jest.advanceTimersByTimeAsync(130_000);
    const run = await running;
    expect(run.outcome).toMatchObject({ status: 'succeeded', result: { counted: 2 } });
    expect(run.timing.totalMs).toBe(121_000);
  });
});
