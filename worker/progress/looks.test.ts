import { describe, expect, it } from '@jest/globals';
import { FakeTime } from '../../test/support/fakes/fake-time.ts';
import { Looks } from './looks.ts';

/** A looker that wants `wanted` looks. */
function looker(wanted: number) {
  const seen: number[] = [];
  return { seen, look: (now: number) => seen.push(now) < wanted };
}

describe('looks', () => {
  it('come every 100 ms until the looker wants no more; then no timer runs', async () => {
    const time = new FakeTime();
    const looks = new Looks(time);
    const a = looker(2);
    const b = looker(3);
    looks.add(a);
    looks.add(a);
    looks.add(b);
    await time.advance(1_000);
    expect([a.seen, b.seen]).toEqual([
      [100, 200],
      [100, 200, 300],
    ]);
    expect(time.waiting).toBe(0);
  });

  it('come within 10 ms where one is wanted soon', async () => {
    const time = new FakeTime();
    const looks = new Looks(time);
    const [a, b] = [looker(2), looker(2)];
    looks.addSoon(a);
    await time.advance(5);
    looks.addSoon(b);
    await time.advance(1_000);
    expect([a.seen, b.seen]).toEqual([
      [10, 100],
      [10, 100],
    ]);
  });

  it('do not come any more once the looker has gone', async () => {
    const time = new FakeTime();
    const looks = new Looks(time);
    const a = looker(9);
    looks.addSoon(a);
    looks.delete(a);
    await time.advance(1_000);
    expect([a.seen, time.waiting]).toEqual([[], 0]);
  });

  it('come as often with very many lookers, but ask for fewer estimates: 20,000 a second at most', async () => {
    const time = new FakeTime();
    const looks = new Looks(time);
    const seen: [number, number][] = [];
    const wants = { look: () => true };
    const one = { look: (now: number, every: number) => seen.push([now, every]) < 4 };
    looks.add(one);
    await time.advance(100);
    for (let n = 0; n < 9_999; n++) looks.add({ ...wants });
    looks.addSoon(one);
    await time.advance(200);
    expect(seen).toEqual([
      [100, 0],
      [200, 500],
      [300, 500],
    ]);
  });
});
