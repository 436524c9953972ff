// Jest's `testSequencer`: the test files that take longest start first. Otherwise a long one may still run alone when all
// others are done.
'use strict';

const { default: Sequencer } = require('@jest/test-sequencer');

/**
 * How long test files take that Jest has not timed yet, in ms. Files that are not named here count as 0.
 * @type {[files: RegExp, ms: number][]}
 */
const ASSUMED = [
  // The first two start together. The second one needs little CPU time, so the stacks of the first one start on a quiet machine.
  [/[\\/]e2e[\\/]lasting\.test/, 100_000],
  [/[\\/]push[\\/]waits\.test/, 90_000],
  [/[\\/]test[\\/](chaos|e2e)[\\/]/, 60_000],
  [/[\\/]operator[\\/]page[\\/]page\.test/, 45_000],
  [/[\\/]bench[\\/]soak[\\/]|[\\/]moving-bar\.test/, 30_000],
  [/[\\/]test[\\/](attack|examples|integration|package)[\\/]/, 30_000],
  [
    /[\\/]test[\\/](conformance|repository)[\\/]|[\\/]client[\\/]element[\\/]|[\\/]dev[\\/]trouble[\\/]|-outages\.test/,
    10_000,
  ],
];

module.exports = class LongestFirst extends Sequencer {
  /**
   * @param {Parameters<Sequencer['sort']>[0]} tests
   * @override
   */
  async sort(tests) {
    // Jest's own sort sets `duration` for files that it has timed, and puts larger files first among the others.
    const sorted = [...(await super.sort(tests))];
    /** @param {{ path: string, duration?: number }} test */
    const expected = ({ path, duration }) => duration ?? ASSUMED.find(([files]) => files.test(path))?.[1] ?? 0;
    return sorted.sort((a, b) => expected(b) - expected(a));
  }
};
