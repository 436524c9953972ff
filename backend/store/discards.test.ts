import { describe, expect, it } from '@jest/globals';
import { eventually } from '../../test/support/eventually.ts';
import { Discards } from './discards.ts';

/** A store that is away until told otherwise. */
function startStore() {
  const store = { isAway: true, underWay: 0, mostUnderWay: 0, tries: 0, discarded: [] as string[] };
  const discards = new Discards(async (id) => {
    store.tries += 1;
    store.underWay += 1;
    store.mostUnderWay = Math.max(store.mostUnderWay, store.underWay);
    await new Promise(setImmediate);
    store.underWay -= 1;
    if (store.isAway) throw new Error('away');
    store.discarded.push(id);
  });
  return { store, discards };
}

describe('tasks that are removed since their creation got no answer', () => {
  it('are tried 50 at a time, however many there are, until all are removed', async () => {
    const { store, discards } = startStore();
    const ids = Array.from({ length: 1_000 }, (_, n) => String(n));
    const done = ids.map((id) => discards.add(id, 'ada'));
    await eventually(() => store.tries >= 50);
    store.isAway = false;
    await Promise.all(done);
    expect(store.discarded.sort()).toEqual(ids.sort());
    expect(store.mostUnderWay).toBeLessThanOrEqual(50);
  });

  it('wait in a list of 10,000 at most while the store is away, beside the 50 that are tried', async () => {
    const { store, discards } = startStore();
    const done = Array.from({ length: 12_000 }, (_, n) => discards.add(String(n), 'ada'));
    // All were added before the first try has ended. From here on the store answers, so that the test does not wait.
    store.isAway = false;
    await Promise.all(done);
    expect(store.discarded.length).toBeLessThanOrEqual(10_050);
    expect(store.discarded).toContain('0');
  });

  it('are tried once each while the store answers', async () => {
    const { store, discards } = startStore();
    store.isAway = false;
    for (const id of ['a', 'b', 'c']) await discards.add(id, 'ada');
    expect([store.tries, store.discarded]).toEqual([3, ['a', 'b', 'c']]);
  });
});
