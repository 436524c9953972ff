// How an attempt is told to stop, ends and is tried again. No Redis, no waiting.
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { defineTask } from '../../core/tasks/definition.ts';
import { beginAttempt, GRACE_MS, runAttempt, type Setting } from '../../test/support/fakes/attempt-setup.ts';
import { settled } from '../../test/support/fakes/fake-time.ts';
import { unavailable } from '../../test/support/fakes/fake-worker-ports.ts';
import { time as at } from '../../test/support/task-events.ts';
import type { TaskContext } from '../context.ts';

const hasty = defineTask({ name: 'hasty', input: z.any(), attempts: 3, deadline: '60s' });

/** One attempt of a handler that works for `ms`, and stops when it is told to. */
function beginWork(ms: number, setting: Setting = {}) {
  const running: ReturnType<typeof beginAttempt> = beginAttempt(async (_input, task) => {
    await running.time.delay(ms, task.signal);
    task.signal.throwIfAborted();
    return 'done';
  }, setting);
  return running;
}

/** One attempt of a handler that does not look at its signal, and returns when the test says so. */
function beginDeaf(setting: Setting = {}) {
  let stop: () => void = () => undefined;
  const returned = new Promise<void>((resolve) => {
    stop = resolve;
  });
  return Object.assign(
    beginAttempt(async () => {
      await returned;
      return 'late';
    }, setting),
    { return: () => stop() },
  );
}

describe('an attempt that is told to stop', () => {
  it.each([
    ['cancelled', { status: 'cancelled' }],
    ['deadline', { status: 'failed', error: { code: 'deadline', retryable: false } }],
    ['worker_stopped', { status: 'retrying', attempt: 1 }],
  ] as const)('with %s ends as that reason says, as soon as its handler has stopped', async (reason, end) => {
    const running = beginWork(60_000);
    if (reason === 'cancelled') {
      await running.changes.apply({ owner: 'ada' }, { type: 'cancel', at: at(1) }, {});
    }
    running.attempt.stop(reason);
    await settled();
    expect(running.isDone).toBe(true);
    expect(running.snapshot).toMatchObject(end);
  });

  it('since another one has taken over writes nothing more', async () => {
    const running = beginWork(60_000);
    running.attempt.stop('stale');
    await settled();
    expect(running.isDone).toBe(true);
    expect(running.changes.events).toEqual([]);
  });

  it('ends by the first of several reasons', async () => {
    const running = beginWork(60_000);
    running.attempt.stop('worker_stopped');
    running.attempt.stop('deadline');
    await settled();
    expect(running.snapshot.status).toBe('retrying');
  });

  it('tells its handler why', async () => {
    let context: TaskContext | undefined;
    const running = beginAttempt(async (_input, task) => {
      context = task;
      await running.time.delay(60_000, task.signal);
    });
    await settled();
    running.attempt.stop('cancelled');
    expect(context?.signal.reason).toMatchObject({ code: 'cancelled' });
  });

  it('has succeeded if its handler returns: the work is done', async () => {
    const running = beginDeaf();
    running.attempt.stop('worker_stopped');
    running.return();
    await settled();
    expect(running.snapshot).toMatchObject({ status: 'succeeded', result: 'late' });
  });

  it('is cut off after the grace: the task moves on, its room in the worker stays taken until the handler returns', async () => {
    const running = beginDeaf();
    running.attempt.stop('deadline');
    await running.time.advance(GRACE_MS - 1);
    expect(running.snapshot.status).toBe('running');
    await running.time.advance(1);
    expect(running.snapshot).toMatchObject({ status: 'failed', error: { code: 'deadline' } });
    expect(running.isDone).toBe(false);
    running.return();
    await settled();
    expect(running.isDone).toBe(true);
    expect(running.stuck).toEqual([]);
  });

  it('is stuck after a second grace', async () => {
    const running = beginDeaf();
    running.attempt.stop('deadline');
    await running.time.advance(2 * GRACE_MS - 1);
    expect(running.isDone).toBe(false);
    await running.time.advance(1);
    expect(running.isDone).toBe(true);
    expect(running.stuck).toMatchObject([{ code: 'handler_stuck' }]);
  });
});

describe('a store that is away when an attempt ends', () => {
  it('is asked again until it answers', async () => {
    let isAway = true;
    const running = beginAttempt(() => 1, {
      before: () => {
        if (isAway) throw unavailable();
      },
    });
    await running.time.advance(60_000);
    expect(running.isDone).toBe(false);
    isAway = false;
    // The store is asked again every 250 ms.
    await running.time.advance(250);
    expect(running.isDone).toBe(true);
    expect(running.snapshot.status).toBe('succeeded');
  });

  it('is given up on when the process must not wait any longer', async () => {
    const running = beginAttempt(() => 1, {
      before: () => {
        throw unavailable();
      },
    });
    await running.time.advance(60_000);
    running.giveUp.abort();
    await settled();
    expect(running.isDone).toBe(true);
    expect(running.snapshot.status).toBe('running');
  });
});

describe('an attempt that fails', () => {
  const patient = defineTask({
    ...{ name: 'patient', input: z.any(), attempts: 2 },
    backoff: { initial: '10s', factor: 2, max: '1h' },
  });

  it.each([
    [0, 5],
    [0.5, 7.5],
  ])('is tried again after the backoff, spread by chance: %s gives %s s', async (random, seconds) => {
    const { snapshot } = await runAttempt(
      () => {
        throw new Error('trap');
      },
      { definition: patient, random },
    );
    expect(snapshot).toMatchObject({ status: 'retrying', attempt: 2, expectedAt: at(seconds) });
  });
});

describe('the deadline', () => {
  it('ends an attempt, and no sooner', async () => {
    const running = beginWork(90_000, { definition: hasty });
    await running.time.advance(59_999);
    expect(running.isDone).toBe(false);
    await running.time.advance(1);
    expect(running.isDone).toBe(true);
    expect(running.snapshot).toMatchObject({ status: 'failed', attempt: 1, error: { code: 'deadline' } });
  });

  it('is forgotten once the attempt has ended', async () => {
    let signal: AbortSignal | undefined;
    const running = beginAttempt(
      async (_input, task) => {
        signal = task.signal;
        await running.time.delay(1_000, task.signal);
      },
      { definition: hasty },
    );
    await running.time.advance(1_000);
    expect(running.snapshot.status).toBe('succeeded');
    expect(running.time.waiting).toBe(0);
    await running.time.advance(120_000);
    expect(signal?.aborted).toBe(false);
  });

  it('is extended by the time for which the event loop was blocked while other tasks ran', async () => {
    // What was blocked before the attempt began does not count.
    let blocked = 5_000;
    const running = beginWork(68_000, { definition: hasty, sharedBlockMs: () => blocked });
    blocked += 9_000;
    await running.time.advance(68_000);
    expect(running.snapshot).toMatchObject({ status: 'succeeded', result: 'done' });
    expect(running.moreTime).toEqual([9_000]);
  });

  it('is extended once, and by its own length at most: this attempt may be the one that blocks', async () => {
    let blocked = 0;
    const running = beginWork(600_000, { definition: hasty, sharedBlockMs: () => blocked });
    blocked += 100_000;
    await running.time.advance(119_999);
    expect(running.isDone).toBe(false);
    blocked += 100_000;
    await running.time.advance(1);
    expect(running.snapshot).toMatchObject({ status: 'failed', error: { code: 'deadline' } });
    expect(running.moreTime).toEqual([60_000]);
  });
});
