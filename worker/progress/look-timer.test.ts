import { describe, expect, it } from '@jest/globals';
import { FakeTime } from '../../test/support/fakes/fake-time.ts';
import { LookTimer } from './look-timer.ts';

/** A looker that wants `wanted` looks. */
function looker(wanted: number) {
  const seen: number[] = [];
  return { seen, look: (now: number) => seen.push(now) < wanted };
}

describe('looks', () => {
  it('come every 100 ms until the looker wants no more; then no timer runs', async () => {
    const time = new FakeTime();
    const timer = new LookTimer(time);
    const a = looker(2);
    const b = looker(3);
    timer.add(a);
    timer.add(a);
    timer.add(b);
    await time.advance(1_000);
    expect([a.seen, b.seen]).toEqual([
      [100, 200],
      [100, 200, 300],
    ]);
    expect(time.waiting).toBe(0);
  });

  it('come within 10 ms where one is wanted soon', async () => {
    const time = new FakeTime();
    const timer = new LookTimer(time);
    const [a, b] = [looker(2), looker(2)];
    timer.addSoon(a);
    await time.advance(5);
    timer.addSoon(b);
    await time.advance(1_000);
    expect([a.seen, b.seen]).toEqual([
      [10, 100],
      [10, 100],
    ]);
  });

  it('do not come any more once the looker has gone', async () => {
    const time = new FakeTime();
    const timer = new LookTimer(time);
    const a = looker(9);
    timer.addSoon(a);
    timer.delete(a);
    await time.advance(1_000);
    expect([a.seen, time.waiting]).toEqual([[], 0]);
  });

  it('come as often with very many lookers, but ask for fewer estimates: 10,000 of them for two a second each', async () => {
    const time = new FakeTime();
    const timer = new LookTimer(time);
    /** When it looked, and how many ms must lie between two estimates (0: no limit). 10,000 lookers × 2 a second are 20,000. */
    const seen: [number, number][] = [];
    const wants = { look: () => true };
    const one = { look: (now: number, every: number) => seen.push([now, every]) < 4 };
    timer.add(one);
    await time.advance(100);
    for (let n = 0; n < 9_999; n++) timer.add({ ...wants });
    timer.addSoon(one);
    await time.advance(200);
    expect(seen).toEqual([
      [100, 0],
      [200, 500],
      [300, 500],
    ]);
  });
});
