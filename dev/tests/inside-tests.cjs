// Jest refuses `require` between two tests, and takes the end of any test for such a time: also while other tests run at the same
// time. One of them that then loads a module for the first time fails, as Express does with its first form. For
// test-environment.cjs.
'use strict';

/**
 * Makes a test file count as being between two tests only while none of its tests runs.
 *
 * @param {{ prototype: { enterTestCode(): void, leaveTestCode(): void } }} Runtime Jest's, of which each test file has one
 */
module.exports = function countTests(Runtime) {
  /** How many tests and hooks run. @type {WeakMap<object, number>} */
  const running = new WeakMap();
  const { enterTestCode, leaveTestCode } = Runtime.prototype;
  Runtime.prototype.enterTestCode = function enter() {
    running.set(this, (running.get(this) ?? 0) + 1);
    enterTestCode.call(this);
  };
  Runtime.prototype.leaveTestCode = function leave() {
    const left = Math.max((running.get(this) ?? 0) - 1, 0);
    running.set(this, left);
    if (left === 0) leaveTestCode.call(this);
  };
};
