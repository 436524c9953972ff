// Jest's `testSequencer`: the test files that take longest start first. Otherwise a long one may still run alone when all
// others are done.
'use strict';

const { default: Sequencer } = require('@jest/test-sequencer');

/** Assumed duration of a test file with real services that Jest has not timed yet, in ms. Others without a time count as 0. */
const ASSUMED_MS = 30_000;
const WITH_SERVICES = /[\\/]test[\\/](attack|chaos|e2e|integration)[\\/]/;

module.exports = class LongestFirst extends Sequencer {
  /**
   * @param {Parameters<Sequencer['sort']>[0]} tests
   * @override
   */
  async sort(tests) {
    // Jest's own sort sets `duration` for files that it has timed, and puts larger files first among the others.
    const sorted = [...(await super.sort(tests))];
    /** @param {{ path: string, duration?: number }} test */
    const expected = (test) => test.duration ?? (WITH_SERVICES.test(test.path) ? ASSUMED_MS : 0);
    return sorted.sort((a, b) => expected(b) - expected(a));
  }
};
