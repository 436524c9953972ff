/** How messages wait for the next HTTP answer of the fallback, and when there are too many. */

import { describe, expect, it } from '@jest/globals';
import { MAX_LINE_LENGTH } from './framing.ts';
import { type Budget, Outbox } from './outbox.ts';

const budget = (): Budget => ({ used: 0 });
const limits = { buffered: 10, bufferedInAll: 15 };

describe('the outbox of a client', () => {
  it('gives messages in their order, and first those that did not get through', () => {
    const outbox = new Outbox(limits, budget());
    for (const message of ['a', 'b', 'c']) outbox.add(message);
    const line = outbox.takeLine();
    expect(line).toEqual(['a', 'b', 'c']);
    expect(outbox.isEmpty).toBe(true);
    outbox.add('d');
    outbox.putBack(['b', 'c']);
    expect(outbox.takeLine()).toEqual(['b', 'c', 'd']);
  });

  it('gives no more at once than goes into a line, and at least one message', () => {
    const outbox = new Outbox({ buffered: 1e9, bufferedInAll: 1e9 }, budget());
    const big = 'x'.repeat(MAX_LINE_LENGTH + 1);
    const small = 'y';
    for (const message of [big, small]) outbox.add(message);
    expect(outbox.takeLine()).toEqual([big]);
    expect(outbox.takeLine()).toEqual([small]);
  });

  it('is overfull beyond the limit of one client, until it is emptied', () => {
    const outbox = new Outbox(limits, budget());
    outbox.add('x'.repeat(10));
    expect(outbox.isOverfull).toBe(false);
    outbox.add('x');
    expect(outbox.isOverfull).toBe(true);
    outbox.clear();
    expect([outbox.isOverfull, outbox.isEmpty]).toEqual([false, true]);
  });

  it('is overfull where something waits in it and all together have too much', () => {
    const all = budget();
    const [one, other] = [new Outbox(limits, all), new Outbox(limits, all)];
    one.add('x'.repeat(9));
    other.add('x'.repeat(9));
    expect([one.isOverfull, other.isOverfull, new Outbox(limits, all).isOverfull]).toEqual([true, true, false]);
    one.takeLine();
    expect(other.isOverfull).toBe(false);
    other.clear();
    expect(all.used).toBe(0);
  });
});
