import { expect, it } from '@jest/globals';
import { createFrameGate } from './frame-gate.ts';
import { ManualTiming } from './test-support/manual-timing.ts';

function setUp() {
  const timing = new ManualTiming();
  let runs = 0;
  const gate = createFrameGate(
    (frame) => {
      const handle = timing.setTimeout(frame, 16);
      return () => timing.clearTimeout(handle);
    },
    () => runs++,
  );
  return { timing, gate, runs: () => runs };
}

it('runs once for many requests within a frame, and again for one after it', async () => {
  const { timing, gate, runs } = setUp();
  gate.request();
  gate.request();
  expect(runs()).toBe(0);
  await timing.advance(16);
  expect(runs()).toBe(1);
  gate.request();
  await timing.advance(16);
  expect(runs()).toBe(2);
});

it('does not run what was cancelled, and takes new requests after that', async () => {
  const { timing, gate, runs } = setUp();
  gate.request();
  gate.cancel();
  await timing.advance(100);
  expect([runs(), timing.pending]).toEqual([0, 0]);
  gate.request();
  await timing.advance(16);
  expect(runs()).toBe(1);
});
