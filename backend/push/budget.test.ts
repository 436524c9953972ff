import { beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Budget } from './budget.ts';

let budget: Budget;

beforeEach(() => {
  budget = new Budget(10);
});

describe('a budget of ten messages a second', () => {
  it('gives an unknown owner all ten', () => {
    expect(budget.left('ada', 0)).toBe(10);
    expect(budget.nextAt('ada', 0)).toBe(Number.POSITIVE_INFINITY);
  });

  it('counts a message for one second, of its owner alone', () => {
    for (let n = 0; n < 10; n++) budget.spend('ada', false, n * 10);
    expect(budget.left('ada', 100)).toBe(0);
    expect(budget.left('bob', 100)).toBe(10);
    expect(budget.nextAt('ada', 100)).toBe(1_000);
    expect(budget.left('ada', 999)).toBe(0);
    expect(budget.left('ada', 1_000)).toBe(1);
    expect(budget.nextAt('ada', 1_000)).toBe(1_010);
    expect(budget.left('ada', 1_090)).toBe(10);
  });

  it('counts outcomes too, up to nine of them, so that one message is left for progress', () => {
    for (let n = 0; n < 4; n++) budget.spend('ada', true, 0);
    expect(budget.left('ada', 0)).toBe(6);
    for (let n = 0; n < 100; n++) budget.spend('ada', true, 0);
    expect(budget.left('ada', 0)).toBe(1);
    budget.spend('ada', false, 0);
    expect(budget.left('ada', 0)).toBe(0);
  });

  it('never has less than nothing left', () => {
    for (let n = 0; n < 15; n++) budget.spend('ada', n % 2 === 0, 0);
    expect(budget.left('ada', 0)).toBe(0);
  });
});

describe('a budget of one message a second', () => {
  it('is not used up by outcomes', () => {
    budget = new Budget(1);
    for (let n = 0; n < 5; n++) budget.spend('ada', true, 0);
    expect(budget.left('ada', 0)).toBe(1);
    budget.spend('ada', false, 0);
    expect(budget.left('ada', 999)).toBe(0);
    expect(budget.left('ada', 1_000)).toBe(1);
  });
});

describe('a budget that several workers share', () => {
  it.each([
    [1, 10, 1_000],
    [3, 3, 1_000],
    [4, 2, 1_000],
    [10, 1, 1_000],
    [20, 1, 2_000],
    [1_000, 1, 100_000],
  ])('among %p gives each of them %p in %p ms', (among, count, ms) => {
    budget.share('ada', among, 0);
    expect(budget.left('ada', 0)).toBe(count);
    for (let n = 0; n < count; n++) budget.spend('ada', false, 0);
    // What `share` said is believed for 15 s, so it is said again.
    const last = ms - 1;
    budget.share('ada', among, last);
    expect(budget.left('ada', last)).toBe(0);
    expect(budget.nextAt('ada', last)).toBe(ms);
    expect(budget.left('ada', ms)).toBe(count);
  });

  it('is divided from the moment that another worker comes, whatever was sent before', () => {
    for (let n = 0; n < 8; n++) budget.spend('ada', false, n * 10);
    budget.share('ada', 3, 100);
    expect(budget.left('ada', 100)).toBe(0);
    // Three of the eight messages count: the sixth is the oldest of them.
    expect(budget.nextAt('ada', 100)).toBe(1_050);
    expect(budget.left('ada', 1_049)).toBe(0);
    expect(budget.left('ada', 1_050)).toBe(1);
  });

  it('belongs to one worker again when nothing was heard of others for 15 s, or when they are known to be gone', () => {
    budget.share('ada', 5, 0);
    budget.share('bob', 5, 0);
    budget.share('bob', 1, 100);
    expect([budget.left('ada', 14_999), budget.left('bob', 100)]).toEqual([2, 10]);
    expect(budget.left('ada', 15_000)).toBe(10);
  });

  it('is not used up by outcomes', () => {
    budget.share('ada', 5, 0);
    for (let n = 0; n < 20; n++) budget.spend('ada', true, n);
    expect(budget.left('ada', 20)).toBe(1);
    budget.spend('ada', false, 20);
    expect(budget.left('ada', 20)).toBe(0);
    expect(budget.left('ada', budget.nextAt('ada', 20))).toBe(1);
  });
});

describe('over any course of messages', () => {
  it('whoever sends only while something is left sends at most ten in any second', () => {
    const anyTries = fc.array(fc.record({ wait: fc.nat(300), isUrgent: fc.boolean() }), { maxLength: 200 });
    fc.assert(
      fc.property(anyTries, (tries) => {
        budget = new Budget(10);
        let now = 0;
        const sent: number[] = [];
        for (const { wait, isUrgent } of tries) {
          now += wait;
          if (isUrgent) budget.spend('ada', true, now);
          else if (budget.left('ada', now) > 0) {
            budget.spend('ada', false, now);
            sent.push(now);
          } else expect(budget.left('ada', budget.nextAt('ada', now))).toBeGreaterThan(0);
        }
        for (const end of sent)
          expect(sent.filter((at) => at > end - 1_000 && at <= end).length).toBeLessThanOrEqual(10);
      }),
    );
  });
});

describe('four workers that know of each other', () => {
  it('send at most ten in any second together', () => {
    const anyTries = fc.array(fc.record({ wait: fc.nat(150), worker: fc.nat(3) }), { maxLength: 300 });
    fc.assert(
      fc.property(anyTries, (tries) => {
        const workers = Array.from({ length: 4 }, () => new Budget(10));
        let now = 0;
        const sent: number[] = [];
        for (const { wait, worker } of tries) {
          now += wait;
          const own = workers[worker] as Budget;
          own.share('ada', workers.length, now);
          if (own.left('ada', now) === 0) continue;
          own.spend('ada', false, now);
          sent.push(now);
        }
        const most = Math.max(0, ...sent.map((end) => sent.filter((at) => at > end - 1_000 && at <= end).length));
        expect(most).toBeLessThanOrEqual(10);
      }),
    );
  });
});

describe('owners without a message', () => {
  it('are forgotten after a second, when another one comes', () => {
    for (let n = 0; n < 5_000; n++) budget.spend(`user-${n}`, n % 3 === 0, n * 10);
    // Two seconds of new owners, at a hundred a second.
    expect(budget.owners).toBeLessThanOrEqual(201);
  });
});
