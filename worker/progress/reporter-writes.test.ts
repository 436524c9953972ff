// What a reporter writes beside reports: signs of life and the end; and what it does while the store is away. No Redis, no waiting.
import { describe, expect, it } from '@jest/globals';
import { settled } from '../../test/support/fakes/fake-time.ts';
import { TURN_MS, unavailable } from '../../test/support/fakes/fake-worker-ports.ts';
import { hold, never, SIGN_MS, setUpReporter, succeed } from '../../test/support/fakes/reporter-setup.ts';
import { time as at, FAILURE, move } from '../../test/support/task-events.ts';

describe('a sign of life', () => {
  it('is stored if nothing was stored for a while', async () => {
    const { reporter, time, stored } = setUpReporter();
    await time.advance(SIGN_MS - 1);
    reporter.giveSignOfLife(SIGN_MS);
    await settled();
    expect(stored()).toEqual([]);
    await time.advance(1);
    reporter.giveSignOfLife(SIGN_MS);
    await settled();
    expect(stored()).toEqual(['alive']);
    reporter.report({ done: 1 });
    await time.advance(SIGN_MS - 1);
    reporter.giveSignOfLife(SIGN_MS);
    await settled();
    expect(stored()).toEqual(['alive', 1]);
  });

  it('is pushed whenever it is stored: what is stored is what was sent', async () => {
    const { time, changes, reporter } = setUpReporter();
    await time.advance(200);
    expect(changes.pushed).toHaveLength(1);
    // A sign of life is due after 5 s without a write (`SIGN_MS`). The first push, that the attempt runs, is no write.
    for (const [seconds, pushed] of [
      [4, 1],
      [5, 2],
      [9, 2],
      [10, 3],
    ] as const) {
      await time.advance(seconds * 1_000 - time.elapsed());
      reporter.giveSignOfLife(SIGN_MS);
      await settled();
      expect([seconds, changes.pushed.length]).toEqual([seconds, pushed]);
    }
    expect(changes.events).toHaveLength(2);
  });

  it('is not written beside another write', async () => {
    const { reporter, time, changes, stored } = setUpReporter();
    const store = hold(changes);
    reporter.report({ done: 1 });
    await time.advance(SIGN_MS);
    reporter.giveSignOfLife(SIGN_MS);
    store.open();
    await settled();
    expect(stored()).toEqual([1]);
  });

  it('is waited for by progress whose turn has come', async () => {
    const { reporter, time, changes, stored } = setUpReporter();
    await time.advance(SIGN_MS);
    const store = hold(changes);
    reporter.giveSignOfLife(SIGN_MS);
    reporter.report({ done: 1 });
    await time.advance(1_000);
    expect(changes.options).toHaveLength(1);
    store.open();
    await settled();
    expect(stored()).toEqual(['alive', 1]);
  });

  it('is still due if progress changed nothing', async () => {
    const { reporter, time, stored, told } = setUpReporter();
    reporter.report({ done: 1, total: 2 });
    await time.advance(4_000);
    reporter.report({ done: 1, total: 2 });
    // 5.2 s after the start, and 5 s after the only write.
    await time.advance(1_200);
    reporter.giveSignOfLife(SIGN_MS);
    await settled();
    expect([stored(), told]).toEqual([[1, 'alive'], []]);
  });
});

describe('a store that is away', () => {
  it('gets a report that it missed, once it is back', async () => {
    const { reporter, time, changes, stored } = setUpReporter();
    changes.before = () => {
      throw unavailable();
    };
    reporter.report({ done: 1 });
    await time.advance(10_000);
    changes.before = null;
    await time.advance(TURN_MS);
    expect(stored()).toEqual([1]);
  });

  it('gets the report that is the latest when it is back', async () => {
    const { reporter, time, changes, stored, turns } = setUpReporter();
    changes.before = () => {
      throw unavailable();
    };
    reporter.report({ done: 1 });
    await time.advance(10_000);
    reporter.report({ done: 5 });
    changes.before = null;
    await time.advance(TURN_MS);
    expect([stored(), turns.open]).toEqual([[5], 0]);
  });

  it('gets how the attempt ended, with the hint that an earlier try may have stored it', async () => {
    const { reporter, time, changes } = setUpReporter({ watched: false });
    let calls = 0;
    changes.before = () => {
      calls += 1;
      if (calls <= 2) throw unavailable();
    };
    const ended = reporter.end(succeed(time), never);
    await time.advance(500);
    await ended;
    expect(changes.options.map(({ isRepeated }) => isRepeated)).toEqual([false, true, true]);
    expect(changes.pushed).toMatchObject([{ status: 'succeeded' }]);
  });
});

describe('an answer of the store', () => {
  it('that the task was cancelled is passed on', async () => {
    const { reporter, time, changes, told } = setUpReporter();
    changes.snapshot = move(changes.snapshot, { type: 'cancel', at: at(1) });
    reporter.report({ done: 1 });
    await time.advance(200);
    expect(told).toEqual(['cancelling']);
  });

  it('that another attempt has taken over is passed on', async () => {
    const { reporter, time, changes, told } = setUpReporter();
    changes.snapshot = move(
      changes.snapshot,
      { type: 'fail', at: at(1), attempt: 1, error: FAILURE, retryAt: at(1) },
      { type: 'start', at: at(2) },
    );
    reporter.report({ done: 1 });
    await time.advance(200);
    expect(told).toEqual(['stale']);
  });
});

describe('a reporter that has ended', () => {
  it('has written how the attempt ended, after what was being written, and writes nothing more', async () => {
    const { reporter, time, changes, stored } = setUpReporter();
    const store = hold(changes);
    reporter.report({ done: 1 });
    await time.advance(200);
    reporter.report({ done: 2 });
    const ended = reporter.end(succeed(time), never);
    await settled();
    expect(changes.options).toHaveLength(1);
    store.open();
    await ended;
    reporter.report({ done: 3 });
    await time.advance(60_000);
    reporter.giveSignOfLife(SIGN_MS);
    await settled();
    expect(stored()).toEqual([1, 'succeed']);
  });

  it('waits for no turn', async () => {
    const { reporter, time, turns } = setUpReporter();
    reporter.report({ done: 1 });
    await time.advance(10);
    reporter.close();
    expect(time.waiting).toBe(0);
    for (let done = 2; done < 10; done++) reporter.report({ done });
    await time.advance(1_000);
    expect([turns.asked.length, turns.open]).toEqual([1, 0]);
  });
});
