import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Outage } from './outage.ts';

/** An outage, and what it told. */
function setUp(calmMs?: number) {
  const told: unknown[] = [];
  const outage = new Outage(
    {
      began: ({ reason }, kind) => told.push(`${kind}: ${reason}`),
      ended: ({ failures }) => told.push(`over after ${failures}`),
    },
    calmMs,
  );
  return { outage, told };
}

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

describe('an outage', () => {
  it('is told once when it begins and once when it ends, with since when and how many calls failed', () => {
    const told: unknown[] = [];
    const outage = new Outage({ began: (news) => told.push(news), ended: (news) => told.push(news) });
    outage.succeeded();
    expect(outage.since).toBeNull();
    for (let n = 0; n < 3; n++) outage.failed('ECONNREFUSED');
    const since = new Date(outage.since ?? Number.NaN).toISOString();
    jest.advanceTimersByTime(2_500);
    outage.succeeded();
    outage.succeeded();
    expect(outage.since).toBeNull();
    expect(told).toEqual([
      { reason: 'ECONNREFUSED', since },
      { since, seconds: 2.5, failures: 3 },
    ]);
    outage.failed('again');
    expect(told).toHaveLength(3);
  });

  it('that ends only after some calm is not over between two failures', () => {
    const { outage, told } = setUp(3_000);
    for (let n = 0; n < 5; n++) {
      outage.failed('READONLY');
      for (let tries = 0; tries < 5; tries++) {
        outage.succeeded();
        jest.advanceTimersByTime(500);
      }
    }
    expect(told).toEqual(['silent: READONLY']);
    for (let tries = 0; tries < 3; tries++) {
      outage.succeeded();
      jest.advanceTimersByTime(500);
    }
    expect(told).toEqual(['silent: READONLY', 'over after 5']);
    expect(outage.since).toBeNull();
  });

  it('is told once of each kind, and so is the next outage', () => {
    const { outage, told } = setUp();
    for (let n = 0; n < 2; n++) {
      for (const kind of ['silent', 'unusable', 'silent', 'unusable'] as const) outage.failed('why', kind);
      outage.succeeded();
    }
    const once = ['silent: why', 'unusable: why', 'over after 4'];
    expect(told).toEqual([...once, ...once]);
  });
});
