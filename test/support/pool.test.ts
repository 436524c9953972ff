// Things that tests share: one test at a time uses each.
import { expect, it } from '@jest/globals';
import { Pool } from './pool.ts';

it('each item is used by one at a time, and whoever finds none waits for the next that is free', async () => {
  const pool = new Pool<string>();
  pool.add('a');
  pool.add('b');
  const ends: (() => void)[] = [];
  const used: string[] = [];
  const use = () =>
    pool.use(async (item) => {
      used.push(item);
      await new Promise<void>((resolve) => ends.push(resolve));
    });
  const all = [use(), use(), use()];
  expect([...used].sort()).toEqual(['a', 'b']);
  ends[1]?.();
  await all[1];
  await new Promise(setImmediate);
  expect(used[2]).toBe(used[1]);
  for (const end of ends) end();
  await Promise.all(all);
});

it('an item is free again after its use has failed', async () => {
  const pool = new Pool<string>();
  pool.add('only');
  await expect(pool.use(() => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
  expect(await pool.use(async (item) => item)).toBe('only');
});
