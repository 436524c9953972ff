/**
 * Moves a fake time while handlers run, so that a test with minutes of waiting takes milliseconds. It serves `runTask` and the
 * memory backend. What the handlers are at decides:
 *
 * | the handlers                                             | the time                                       |
 * |----------------------------------------------------------|------------------------------------------------|
 * | compute, or wait for promises                            | stands still                                   |
 * | wait for something outside: a timer of Node, a socket, a file | passes as usual                           |
 * | wait for the fake time and for nothing else              | jumps there                                    |
 * | have been waiting for nothing that can be seen for 50 ms | jumps to where a test wants to stop them       |
 *
 * "Outside" is what Node says to keep the process alive (`process.getActiveResourcesInfo`) and was not there before. Node
 * does not tell of work in its thread pool (zlib, crypto, native modules): hence the 50 ms.
 */

import process from 'node:process';
import type { FakeTime } from './fake-time.ts';
import { realDelay, realElapsed, settlePromises } from './real-timers.ts';

/** How long nothing must be seen before the time jumps to where a handler is to be stopped, in ms. */
const QUIET_MS = 50;
/** The time between two checks of what the handlers are at, in ms. */
const CHECK_MS = 2;

/** Moves `time` until `end` settles. Never rejects. */
export async function passTime(time: FakeTime, end: Promise<unknown>): Promise<void> {
  let isOver = false;
  const stop = () => {
    isOver = true;
  };
  end.then(stop, stop);
  const before = countResources();
  let checkedAt = realElapsed();
  let quietSince = checkedAt;
  while (!isOver) {
    await time.advance(0);
    // A handler that was woken may take a tick or two to get to what it waits for next.
    await settlePromises();
    const now = realElapsed();
    const real = now - checkedAt;
    checkedAt = now;
    if (hasMore(countResources(), before)) {
      quietSince = now;
      await time.advance(real);
      await realDelay(CHECK_MS);
      continue;
    }
    const next = time.nextJump;
    if (next !== null && (next.jump === 'asleep' || now - quietSince >= QUIET_MS)) {
      if (await jump(time, next.at)) quietSince = realElapsed();
      checkedAt = realElapsed();
    } else if (!isOver) await realDelay(CHECK_MS);
  }
}

/**
 * Moves `time` to the awaited alarm at `at`. Goes from one alarm to the next, and stops where one of them changes what is
 * awaited: a handler may end, or begin to wait for something else. Returns whether the awaited alarm rang.
 */
async function jump(time: FakeTime, at: number): Promise<boolean> {
  while (time.nextJump?.at === at) if (await time.step(at)) return true;
  return false;
}

type Counts = ReadonlyMap<string, number>;

/** How many of each kind of thing keep the process alive. */
function countResources(): Counts {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

function hasMore(counts: Counts, before: Counts): boolean {
  for (const [kind, count] of counts) if (count > (before.get(kind) ?? 0)) return true;
  return false;
}
