import { beforeEach, describe, expect, it } from '@jest/globals';
import { TrafficMeter } from './traffic-meter.ts';

let traffic: TrafficMeter;

beforeEach(() => {
  traffic = new TrafficMeter();
});

describe('traffic', () => {
  it('is low if one event leaves each 20 ms, for any time', () => {
    for (let now = 0; now < 60_000; now += 20) {
      expect(traffic.isLow(now)).toBe(true);
      traffic.count(1, now);
    }
  });

  it('is not low if two leave each 20 ms, once 10 events have gathered', () => {
    for (let now = 0; now < 200; now += 20) traffic.count(2, now);
    expect(traffic.isLow(200)).toBe(false);
  });

  it('is low until 10 events have left at once after a pause', () => {
    traffic.count(9, 5_000);
    expect(traffic.isLow(5_000)).toBe(true);
    traffic.count(1, 5_000);
    expect(traffic.isLow(5_000)).toBe(false);
    expect(traffic.isLow(5_021)).toBe(true);
  });

  it.each([20, 2_000])('is low again 200 ms after a burst of %d events', (events) => {
    traffic.count(events, 0);
    expect(traffic.isLow(199)).toBe(false);
    expect(traffic.isLow(201)).toBe(true);
  });
});
