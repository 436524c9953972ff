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
    /** Lets the frame come, if one is awaited. Returns how many drawings there were in all. */
    comeFrame: () => {
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
  const { loop, comeFrame, isWaiting } = setUp();
  loop.request();
  loop.drawNow();
  expect([isWaiting(), comeFrame()]).toEqual([false, 0]);
  loop.start();
  expect(comeFrame()).toBe(1);
  expect(isWaiting()).toBe(false);
});

it('draws once for many requests within a frame', () => {
  const { loop, comeFrame } = setUp();
  loop.start();
  for (let request = 0; request < 100; request++) loop.request();
  expect(comeFrame()).toBe(1);
  expect(comeFrame()).toBe(1);
});

it('draws again when the last drawing said: with the next frame, after some ms, or never', () => {
  const { loop, comeFrame, isWaiting, drawAgainIn } = setUp();
  drawAgainIn(0);
  loop.start();
  comeFrame();
  expect(isWaiting()).toBe(true);
  drawAgainIn(200);
  comeFrame();
  jest.advanceTimersByTime(199);
  expect(isWaiting()).toBe(false);
  jest.advanceTimersByTime(1);
  expect(isWaiting()).toBe(true);
  drawAgainIn(NEVER);
  expect(comeFrame()).toBe(3);
  jest.advanceTimersByTime(1_000_000);
  expect(isWaiting()).toBe(false);
});

it('replaces the wait of an earlier drawing', () => {
  const { loop, comeFrame, isWaiting, drawAgainIn } = setUp();
  drawAgainIn(1_000);
  loop.start();
  comeFrame();
  drawAgainIn(NEVER);
  loop.drawNow();
  jest.advanceTimersByTime(2_000);
  expect(isWaiting()).toBe(false);
});

it('asks for another frame when it is stopped and started: the one before may never come, on a page that was hidden', () => {
  const { loop, comeFrame, isWaiting, cancelled } = setUp();
  loop.start();
  loop.stop();
  loop.start();
  expect([isWaiting(), cancelled()]).toEqual([true, 1]);
  expect(comeFrame()).toBe(1);
});

it('draws nothing after it was stopped, whatever was pending', () => {
  const { loop, comeFrame, isWaiting, drawAgainIn, drawn } = setUp();
  drawAgainIn(100);
  loop.start();
  comeFrame();
  loop.stop();
  jest.advanceTimersByTime(1_000);
  expect(isWaiting()).toBe(false);
  loop.start();
  loop.stop();
  comeFrame();
  loop.drawNow();
  expect(drawn()).toBe(1);
});
