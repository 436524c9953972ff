// Jest's `testEnvironment` (jest.config.mjs): the usual one for Node, with three changes. It costs less time for many small test files
// (compile-once.cjs, async-storages.cjs). Tests that run at the same time can load modules (inside-tests.cjs). And it knows the
// pragma `@at-once`.
'use strict';

const { AsyncLocalStorage } = require('node:async_hooks');
const vm = require('node:vm');
const { TestEnvironment } = require('jest-environment-node');
const watchStorages = require('./async-storages.cjs');
const { default: Runtime } = require('jest-runtime');
const compileOnce = require('./compile-once.cjs');
const countTests = require('./inside-tests.cjs');

vm.compileFunction = compileOnce(vm.compileFunction);
countTests(Runtime);
const disableStorages = watchStorages(AsyncLocalStorage);

module.exports = class CheapEnvironment extends TestEnvironment {
  /** How many tests of this file may run at the same time: 6 after `@at-once 6` in the comment at its top, 0 if it does not say. */
  #atOnce;

  /** @param {ConstructorParameters<typeof TestEnvironment>} args */
  constructor(...args) {
    super(...args);
    this.#atOnce = Number(args[1].docblockPragmas['at-once'] ?? 0);
  }

  /**
   * Jest calls this for each event of a test file.
   *
   * @param {{ name: string }} event
   * @param {{ maxConcurrency: number }} state
   */
  handleTestEvent(event, state) {
    if (event.name === 'run_start' && this.#atOnce > 0) state.maxConcurrency = this.#atOnce;
  }

  /** @override */
  async teardown() {
    await super.teardown();
    disableStorages();
  }
};
