import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from '@jest/globals';
import { DeadlineError, runOutside, withDeadline } from './async.ts';
import { systemTime } from './time.ts';

describe('withDeadline', () => {
  it('resolves to an answer that came in time, and passes errors on', async () => {
    await expect(withDeadline(Promise.resolve(7), 1_000)).resolves.toBe(7);
    await expect(withDeadline(Promise.reject(new Error('refused')), 1_000)).rejects.toThrow('refused');
  });

  it('rejects if no answer comes in time', async () => {
    await expect(withDeadline(new Promise(() => undefined), 20)).rejects.toEqual(
      new DeadlineError('no answer within 20 ms'),
    );
  });

  it('takes an answer that arrived in time while this process was busy', async () => {
    const echo = new Worker(
      'const { parentPort } = require("node:worker_threads"); parentPort.on("message", (m) => parentPort.postMessage(m));',
      { eval: true },
    );
    try {
      await once(echo, 'online');
      const answer = once(echo, 'message').then(([message]) => message);
      echo.postMessage('answer');
      const inTime = withDeadline(answer, 50);
      // Blocks this process for 300 ms: the answer waits unread, and the timer of the deadline fires before the answer is read.
      setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300));
      await expect(inTime).resolves.toBe('answer');
    } finally {
      await echo.terminate();
    }
  });
});

describe('work for many tasks that one of them begins', () => {
  const request = new AsyncLocalStorage<string>();

  it('does not belong to the request that began it, and neither does what it does later', async () => {
    const seen = request.run('of ada', () =>
      runOutside(async () => {
        const first = request.getStore();
        await Promise.resolve();
        return [first, request.getStore()];
      }),
    );
    expect(await seen).toEqual([undefined, undefined]);
    expect(request.run('of ada', () => [runOutside(() => 7), request.getStore()])).toEqual([7, 'of ada']);
  });

  it('does not belong to that request when it is repeated, either', async () => {
    const seen = await new Promise((resolve) => {
      const stop = request.run('of ada', () =>
        systemTime.every(1, () => {
          stop();
          resolve(request.getStore());
        }),
      );
    });
    expect(seen).toBeUndefined();
  });
});
