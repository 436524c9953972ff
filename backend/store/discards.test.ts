import { describe, expect, it } from '@jest/globals';
import { eventually } from '../../test/support/eventually.ts';
import { Discards } from './discards.ts';

/** A store that is away until told otherwise. */
function startStore() {
  const store = { isAway: true, underWay: 0, most: 0, tries: 0, discarded: [] as string[] };
  const discards = new Discards(async (id) => {
    store.tries += 1;
    store.underWay += 1;
    store.most = Math.max(store.most, store.underWay);
    await new Promise(setImmediate);
    store.underWay -= 1;
    if (store.isAway) throw new Error('away');
    store.discarded.push(id);
  });
  return { store, discards };
}

describe('tasks that are removed since their creation got no answer', () => {
  it('are tried a few at once, however many there are, and all in the end', async () => {
    const { store, discards } = startStore();
    const ids = Array.from({ length: 1_000 }, (_, n) => String(n));
    const done = ids.map((id) => discards.add(id, 'ada'));
    await eventually(() => store.tries >= 50);
    store.isAway = false;
    await Promise.all(done);
    expect(store.discarded.sort()).toEqual(ids.sort());
    expect(store.most).toBeLessThanOrEqual(50);
  });

  it('are no more than 10,000 while the store is away', async () => {
    const { store, discards } = startStore();
    const done = Array.from({ length: 12_000 }, (_, n) => discards.add(String(n), 'ada'));
    store.isAway = false;
    await Promise.all(done);
    expect(store.discarded.length).toBeLessThanOrEqual(10_050);
    expect(store.discarded).toContain('0');
  });

  it('that nobody stores are tried once each', async () => {
    const { store, discards } = startStore();
    store.isAway = false;
    for (const id of ['a', 'b', 'c']) await discards.add(id, 'ada');
    expect([store.tries, store.discarded]).toEqual([3, ['a', 'b', 'c']]);
  });
});
