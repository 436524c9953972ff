// Lets tests that run at the same time load modules. Jest refuses `require` while no test of a file runs. It believes that
// none runs as soon as one has ended, even if others still run. If one of those then loads a module, it fails: Express, for example,
// loads one when it reads its first form. For test-environment.cjs.
'use strict';

/**
 * Counts the tests that run. From now on Jest believes that no test of a file runs only when that is so.
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
