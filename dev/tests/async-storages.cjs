// Disables the AsyncLocalStorages that a test file has used. Jest makes one for each test file and leaves it enabled. Up to Node 22
// every enabled one costs time for each new promise, so a promise in the 70th test file of a process pays for 70. For
// test-environment.cjs.
'use strict';

/**
 * Watches from now on which storages run something.
 *
 * @param {typeof import('node:async_hooks').AsyncLocalStorage} Storage its method `run` is replaced
 * @returns {() => void} disables the storages that have run something since its last call. Such a storage enables itself again
 * when it runs something
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
