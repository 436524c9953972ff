import { expect, it } from '@jest/globals';
import { OnDemand } from './on-demand.ts';

it('is fetched when it is first wanted, and made once for everybody who wants it', async () => {
  let fetched = 0;
  const part = new OnDemand(async () => {
    fetched++;
    return () => ({});
  });
  expect([part.value, part.isWanted, fetched]).toEqual([undefined, false, 0]);
  const [one, other] = await Promise.all([part.load(), part.load()]);
  expect(one).toBeDefined();
  expect(other).toBe(one);
  expect([part.value, await part.load()]).toEqual([one, one]);
});

it('is undefined where it cannot be fetched, and is tried again by the next who wants it', async () => {
  let isOnline = false;
  const part = new OnDemand(async () => {
    if (!isOnline) throw new Error('offline');
    return () => 'part';
  });
  expect(await part.load()).toBeUndefined();
  expect(part.isWanted).toBe(true);
  isOnline = true;
  expect(await part.load()).toBe('part');
});
