import { beforeEach, describe, expect, it } from '@jest/globals';
import { BusError } from './bus.ts';
import { BusOutage } from './bus-outage.ts';

const AWAY = new BusError('no answer from the bus: ECONNREFUSED', null);
const OVER_QUOTA = new BusError('the bus answered 403: over its message quota', 403);

let outage: BusOutage;

beforeEach(() => {
  // The longest wait of each backoff.
  outage = new BusOutage(() => 1);
});

describe('the wait after a failure', () => {
  it('doubles from 100 ms up to 2 s', () => {
    const waits: number[] = [];
    for (let now = 0; waits.length < 7; now = outage.retryAt) {
      outage.failed(AWAY, now, now + 1);
      waits.push(outage.retryAt - (now + 1));
    }
    expect(waits).toEqual([100, 200, 400, 800, 1_600, 2_000, 2_000]);
  });

  it('is shortened at random, by half at most', () => {
    outage = new BusOutage(() => 0);
    outage.failed(AWAY, 0, 1);
    expect(outage.retryAt).toBe(51);
  });

  it('counts the failures of requests that were under way together as one', () => {
    for (let n = 0; n < 4; n++) outage.failed(AWAY, n, 10 + n);
    expect(outage.retryAt).toBe(113);
  });

  it('is 30 to 33 s if the quota is used up, and no later failure makes it shorter', () => {
    outage.failed(OVER_QUOTA, 0, 10);
    expect(outage.retryAt).toBeCloseTo(33_010);
    outage.failed(AWAY, 5, 20);
    expect(outage.retryAt).toBeCloseTo(33_010);
  });

  it('begins at 100 ms again after a success', () => {
    outage.failed(AWAY, 0, 1);
    outage.failed(AWAY, 101, 102);
    outage.succeeded(302, 303);
    outage.failed(AWAY, 400, 401);
    expect(outage.retryAt).toBe(501);
  });
});

describe('an outage', () => {
  it('is on from a failure to the next success', () => {
    expect(outage.isOn).toBe(false);
    outage.failed(AWAY, 0, 1);
    expect(outage.isOn).toBe(true);
    expect(outage.succeeded(101, 102)).toBe(true);
    expect(outage.isOn).toBe(false);
  });

  it('is not over because of a request that left before the failure', () => {
    outage.failed(AWAY, 5, 10);
    expect(outage.succeeded(3, 50)).toBe(false);
    expect(outage.isOn).toBe(true);
  });

  it('counts as too long after 2 s, or at once if the next request comes more than 2 s later', () => {
    outage.failed(AWAY, 0, 0);
    expect(outage.isTooLong(2_000)).toBe(false);
    expect(outage.isTooLong(2_001)).toBe(true);
    outage = new BusOutage(() => 1);
    outage.failed(OVER_QUOTA, 0, 0);
    expect(outage.isTooLong(1)).toBe(true);
  });
});

describe('a bus', () => {
  it('is known to be up for a while after a success, unless a request fails', () => {
    expect(outage.isKnownUp(0, Number.POSITIVE_INFINITY)).toBe(false);
    outage.succeeded(0, 1);
    expect(outage.isKnownUp(60_000, 60_000)).toBe(true);
    expect(outage.isKnownUp(60_001, 60_000)).toBe(false);
    expect(outage.isKnownUp(60_001, Number.POSITIVE_INFINITY)).toBe(true);
    outage.succeeded(70_000, 70_001);
    outage.failed(AWAY, 70_002, 70_003);
    expect(outage.isKnownUp(70_004, Number.POSITIVE_INFINITY)).toBe(false);
  });
});
