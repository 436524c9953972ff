// Jest's `testSequencer`: the files that take longest start first, so that none of them is left alone at the end.
'use strict';

const { default: Sequencer } = require('@jest/test-sequencer');

/** What a file with real services may take where it has not run yet, in ms; others take a second. */
const GUESS_MS = 30_000;
const WITH_SERVICES = /[\\/]test[\\/](attack|chaos|e2e|integration)[\\/]/;

module.exports = class LongestFirst extends Sequencer {
  /**
   * @param {Parameters<Sequencer['sort']>[0]} tests
   * @override
   */
  async sort(tests) {
    // Sets `duration` where Jest remembers one, and puts larger files first where it does not.
    const sorted = [...(await super.sort(tests))];
    /** @param {{ path: string, duration?: number }} test */
    const expected = (test) => test.duration ?? (WITH_SERVICES.test(test.path) ? GUESS_MS : 0);
    return sorted.sort((a, b) => expected(b) - expected(a));
  }
};
