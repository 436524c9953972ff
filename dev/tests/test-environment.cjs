// Jest's `testEnvironment`: the usual one for Node, made cheaper for many small test files. `jest.config.mjs` names it.
'use strict';

const vm = require('node:vm');
const { TestEnvironment } = require('jest-environment-node');
const compileOnce = require('./compile-once.cjs');

vm.compileFunction = compileOnce(vm.compileFunction);

module.exports = TestEnvironment;
