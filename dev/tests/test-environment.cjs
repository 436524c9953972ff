// Jest's `testEnvironment`: the usual one for Node, made cheaper for many small test files. `jest.config.mjs` names it.
'use strict';

const { AsyncLocalStorage } = require('node:async_hooks');
const vm = require('node:vm');
const { TestEnvironment } = require('jest-environment-node');
const watchStorages = require('./async-storages.cjs');
const compileOnce = require('./compile-once.cjs');

vm.compileFunction = compileOnce(vm.compileFunction);
const disableStorages = watchStorages(AsyncLocalStorage);

module.exports = class CheapEnvironment extends TestEnvironment {
  /** @override */
  async teardown() {
    await super.teardown();
    disableStorages();
  }
};
