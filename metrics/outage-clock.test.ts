import { expect, it } from '@jest/globals';
import { OutageClock } from './outage-clock.ts';

it('adds up the outages, the one that is under way included', () => {
  let now = 0;
  const clock = new OutageClock(() => now);
  now = 5_000;
  expect(clock.seconds).toBe(0);
  clock.begin();
  now = 7_000;
  expect(clock.seconds).toBe(2);
  // It is told again that the same outage began.
  clock.begin();
  now = 8_000;
  clock.end();
  now = 60_000;
  expect(clock.seconds).toBe(3);
  clock.begin();
  now = 61_000;
  expect(clock.seconds).toBe(4);
});
