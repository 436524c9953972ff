import { AsyncLocalStorage } from 'node:async_hooks';
import { expect, it } from '@jest/globals';
import watchStorages from './async-storages.cjs';

it('the storages that a test file used are disabled at its end, others are not, and each can be used again', () => {
  class Storage<T> extends AsyncLocalStorage<T> {}
  const [first, second, idle] = [new Storage<number>(), new Storage<number>(), new Storage<number>()];
  const runInBoth = <R>(callback: () => R): R => first.run(1, () => second.run(2, callback));
  const read = () => [first, second, idle].map((storage) => storage.getStore());

  idle.run(3, () => {
    const disable = watchStorages(Storage);
    runInBoth(() => {
      expect(read()).toEqual([1, 2, 3]);
      disable();
      expect(read()).toEqual([undefined, undefined, 3]);
    });
    runInBoth(() => expect(read()).toEqual([1, 2, 3]));
  });
});
