import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Budget } from './budget.ts';
import { Pacer } from './pacer.ts';
import { TurnWaiters } from './turn-waiters.ts';

let waiters: TurnWaiters;

beforeEach(() => {
  jest.useFakeTimers();
  waiters = new TurnWaiters(new Pacer(new Budget(10)));
});

afterEach(() => {
  waiters.close();
  jest.useRealTimers();
});

const never = new AbortController().signal;

/**
 * Takes turn after turn, each of which stores for `storeMs`. The first is wanted in `after` ms, each other one at once.
 * Returns when they were given, in ms from now.
 */
function keepMoving(storeMs: number, after = 0): number[] {
  const times: number[] = [];
  const began = performance.now();
  const moveOn = async () => {
    for (;;) {
      const turn = await waiters.waitForTurn('ada', 'a', { after: times.length === 0 ? after : 0, signal: never });
      if (turn === null) return;
      times.push(Math.round(performance.now() - began));
      if (storeMs > 0) await new Promise((resolve) => setTimeout(resolve, storeMs));
      turn.end();
    }
  };
  void moveOn();
  return times;
}

describe('a turn', () => {
  it('comes as soon as it is wanted, then once in a window', async () => {
    const times = keepMoving(0, 200);
    await jest.advanceTimersByTimeAsync(10_200);
    expect(times[0]).toBeGreaterThanOrEqual(200);
    expect(times[0]).toBeLessThanOrEqual(202);
    expect(times.length).toBeGreaterThanOrEqual(95);
    expect(times.length).toBeLessThanOrEqual(102);
  });

  it('comes less often while the store is slow', async () => {
    const times = keepMoving(150);
    await jest.advanceTimersByTimeAsync(20_000);
    const late = times.filter((at) => at > 10_000);
    expect(late.length).toBeGreaterThanOrEqual(8);
    expect(late.length).toBeLessThanOrEqual(11);
  });

  it('goes to whoever waits, once the turn before it has ended', async () => {
    const first = waiters.waitForTurn('ada', 'a', { after: 0, signal: never });
    const second = waiters.waitForTurn('ada', 'b', { after: 0, signal: never });
    await jest.advanceTimersByTimeAsync(10);
    (await first)?.end();
    await jest.advanceTimersByTimeAsync(200);
    expect(await second).not.toBeNull();
  });

  it('may be ended twice, which counts once', async () => {
    waiters.close();
    waiters = new TurnWaiters(new Pacer(new Budget(1)));
    const first = waiters.waitForTurn('ada', 'a', { after: 0, signal: never });
    const second = waiters.waitForTurn('ada', 'b', { after: 0, signal: never });
    const third = waiters.waitForTurn('ada', 'c', { after: 0, signal: never });
    await jest.advanceTimersByTimeAsync(10);
    const turn = await first;
    turn?.end();
    turn?.end();
    let isThird = false;
    void third.then(() => {
      isThird = true;
    });
    await jest.advanceTimersByTimeAsync(5_000);
    expect(await second).not.toBeNull();
    // The second turn is open, and the budget is one message.
    expect(isThird).toBe(false);
  });
});

describe('a wait for a turn', () => {
  it('ends with null when its signal aborts, and holds up nobody', async () => {
    const abort = new AbortController();
    waiters = new TurnWaiters(new Pacer(new Budget(1)));
    const given = waiters.waitForTurn('ada', 'a', { after: 100, signal: abort.signal });
    abort.abort();
    expect(await given).toBeNull();
    expect(await waiters.waitForTurn('ada', 'a', { after: 0, signal: abort.signal })).toBeNull();
    // A turn that nobody ends would keep the one message of the budget.
    const other = waiters.waitForTurn('ada', 'b', { after: 200, signal: never });
    await jest.advanceTimersByTimeAsync(210);
    expect(await other).not.toBeNull();
  });

  it('ends with null when another one begins under its key, of any owner', async () => {
    const first = waiters.waitForTurn('ada', 'a', { after: 0, signal: never });
    const second = waiters.waitForTurn('bob', 'a', { after: 0, signal: never });
    expect(await first).toBeNull();
    await jest.advanceTimersByTimeAsync(10);
    expect(await second).not.toBeNull();
  });

  it('ends with null at the close, and so does each later one', async () => {
    const given = waiters.waitForTurn('ada', 'a', { after: 0, signal: never });
    waiters.close();
    expect(await given).toBeNull();
    expect(await waiters.waitForTurn('ada', 'a', { after: 0, signal: never })).toBeNull();
  });

  it('leaves nothing behind at a signal that many turns share', async () => {
    const abort = new AbortController();
    const add = jest.spyOn(abort.signal, 'addEventListener');
    const remove = jest.spyOn(abort.signal, 'removeEventListener');
    for (let n = 0; n < 5; n++) {
      const step = waiters.waitForTurn('ada', 'a', { after: 0, signal: abort.signal }).then((turn) => turn?.end());
      await jest.advanceTimersByTimeAsync(200);
      await step;
    }
    expect(add).toHaveBeenCalledTimes(5);
    expect(remove).toHaveBeenCalledTimes(5);
  });
});
