// Jest makes an AsyncLocalStorage for each test file and leaves it enabled. Up to Node 22, each new promise is told of the
// value of every enabled one, so a promise in the 70th test file of a process pays for 70. For test-environment.cjs.
'use strict';

/**
 * Watches which storages run something from now on. Returns a function that disables those that did since it was last
 * called. A disabled storage enables itself again when it runs something.
 *
 * @param {typeof import('node:async_hooks').AsyncLocalStorage} Storage its method `run` is replaced
 * @returns {() => void}
 */
module.exports = function watchStorages(Storage) {
  /** @type {Set<{ disable(): void }>} */
  const used = new Set();
  const { run } = Storage.prototype;
  Storage.prototype.run = new Proxy(run, {
    apply(target, storage, args) {
      used.add(storage);
      return Reflect.apply(target, storage, args);
    },
  });
  return () => {
    for (const storage of used) storage.disable();
    used.clear();
  };
};
