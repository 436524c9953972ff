/** How messages wait for the next HTTP answer of the fallback, and when there are too many. */

import { describe, expect, it } from '@jest/globals';
import { MAX_LINE_LENGTH } from './framing.ts';
import { WaitingMessages, type WaitingTotal } from './waiting-messages.ts';

const waitingTotal = (): WaitingTotal => ({ used: 0 });
const limits = { buffered: 10, bufferedInAll: 15 };

describe('the messages that wait for a client', () => {
  it('leave in their order, and first those that did not get through', () => {
    const waiting = new WaitingMessages(limits, waitingTotal());
    for (const message of ['a', 'b', 'c']) waiting.add(message);
    const line = waiting.takeLine();
    expect(line).toEqual(['a', 'b', 'c']);
    expect(waiting.isEmpty).toBe(true);
    waiting.add('d');
    waiting.putBack(['b', 'c']);
    expect(waiting.takeLine()).toEqual(['b', 'c', 'd']);
  });

  it('leave together as far as they fit into a line, at least one', () => {
    const waiting = new WaitingMessages({ buffered: 1e9, bufferedInAll: 1e9 }, waitingTotal());
    const big = 'x'.repeat(MAX_LINE_LENGTH + 1);
    const small = 'y';
    for (const message of [big, small]) waiting.add(message);
    expect(waiting.takeLine()).toEqual([big]);
    expect(waiting.takeLine()).toEqual([small]);
  });

  it('are too many beyond the limit of one client, until they are cleared', () => {
    const waiting = new WaitingMessages(limits, waitingTotal());
    waiting.add('x'.repeat(10));
    expect(waiting.isOverfull).toBe(false);
    waiting.add('x');
    expect(waiting.isOverfull).toBe(true);
    waiting.clear();
    expect([waiting.isOverfull, waiting.isEmpty]).toEqual([false, true]);
  });

  it('are too many where some wait and all clients together have too many', () => {
    const all = waitingTotal();
    const [one, other] = [new WaitingMessages(limits, all), new WaitingMessages(limits, all)];
    one.add('x'.repeat(9));
    other.add('x'.repeat(9));
    expect([one.isOverfull, other.isOverfull, new WaitingMessages(limits, all).isOverfull]).toEqual([
      true,
      true,
      false,
    ]);
    one.takeLine();
    expect(other.isOverfull).toBe(false);
    other.clear();
    expect(all.used).toBe(0);
  });
});
