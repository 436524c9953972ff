import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { createFrameLoop } from './frame-loop.ts';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const NEVER = Number.POSITIVE_INFINITY;

/** A loop whose frames come when the test says so. */
function setUp() {
  let frame: (() => void) | undefined;
  let cancelled = 0;
  let again = NEVER;
  let drawn = 0;
  const loop = createFrameLoop(
    () => {
      drawn++;
      return again;
    },
    (callback) => {
      frame = callback;
      return () => {
        frame = undefined;
        cancelled++;
      };
    },
  );
  return {
    loop,
    /** Runs the frame that was asked for, if there is one. Returns how many drawings there were in all. */
    runFrame: () => {
      const come = frame;
      frame = undefined;
      come?.();
      return drawn;
    },
    isWaiting: () => frame !== undefined,
    drawAgainIn: (ms: number) => {
      again = ms;
    },
    drawn: () => drawn,
    cancelled: () => cancelled,
  };
}

it('draws nothing before it is started, and with the next frame from then on', () => {
  const { loop, runFrame, isWaiting } = setUp();
  loop.request();
  loop.drawNow();
  expect([isWaiting(), runFrame()]).toEqual([false, 0]);
  loop.start();
  expect(runFrame()).toBe(1);
  expect(isWaiting()).toBe(false);
});

it('draws once for many requests within a frame', () => {
  const { loop, runFrame } = setUp();
  loop.start();
  for (let request = 0; request < 100; request++) loop.request();
  expect(runFrame()).toBe(1);
  expect(runFrame()).toBe(1);
});

it('draws again when the last drawing said: with the next frame, after some ms, or never', () => {
  const { loop, runFrame, isWaiting, drawAgainIn } = setUp();
  drawAgainIn(0);
  loop.start();
  runFrame();
  expect(isWaiting()).toBe(true);
  drawAgainIn(200);
  runFrame();
  jest.advanceTimersByTime(199);
  expect(isWaiting()).toBe(false);
  jest.advanceTimersByTime(1);
  expect(isWaiting()).toBe(true);
  drawAgainIn(NEVER);
  expect(runFrame()).toBe(3);
  jest.advanceTimersByTime(1_000_000);
  expect(isWaiting()).toBe(false);
});

it('replaces the wait of an earlier drawing', () => {
  const { loop, runFrame, isWaiting, drawAgainIn } = setUp();
  drawAgainIn(1_000);
  loop.start();
  runFrame();
  drawAgainIn(NEVER);
  loop.drawNow();
  jest.advanceTimersByTime(2_000);
  expect(isWaiting()).toBe(false);
});

it('asks for another frame when it is stopped and started: the one before may never come, on a page that was hidden', () => {
  const { loop, runFrame, isWaiting, cancelled } = setUp();
  loop.start();
  loop.stop();
  loop.start();
  expect([isWaiting(), cancelled()]).toEqual([true, 1]);
  expect(runFrame()).toBe(1);
});

it('draws nothing after it was stopped, whatever was pending', () => {
  const { loop, runFrame, isWaiting, drawAgainIn, drawn } = setUp();
  drawAgainIn(100);
  loop.start();
  runFrame();
  loop.stop();
  jest.advanceTimersByTime(1_000);
  expect(isWaiting()).toBe(false);
  loop.start();
  loop.stop();
  runFrame();
  loop.drawNow();
  expect(drawn()).toBe(1);
});
