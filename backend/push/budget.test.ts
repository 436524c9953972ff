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
    expect(budget.nextAt('ada')).toBe(Number.POSITIVE_INFINITY);
  });

  it('counts a message for one second, of its owner alone', () => {
    for (let n = 0; n < 10; n++) budget.spend('ada', false, n * 10);
    expect(budget.left('ada', 100)).toBe(0);
    expect(budget.left('bob', 100)).toBe(10);
    expect(budget.nextAt('ada')).toBe(1_000);
    expect(budget.left('ada', 999)).toBe(0);
    expect(budget.left('ada', 1_000)).toBe(1);
    expect(budget.nextAt('ada')).toBe(1_010);
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
          } else expect(budget.left('ada', budget.nextAt('ada'))).toBeGreaterThan(0);
        }
        for (const end of sent)
          expect(sent.filter((at) => at > end - 1_000 && at <= end).length).toBeLessThanOrEqual(10);
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
