// Jest's `--filter` for `npm run test:unit`: of the test files that Jest found, it keeps those that run-tests.ts has chosen.
'use strict';

const { readFileSync } = require('node:fs');

/** @param {string[]} found absolute paths */
module.exports = function keepChosen(found) {
  const file = process.env.INLOOP_CHOSEN_TESTS;
  if (file === undefined) throw new Error('INLOOP_CHOSEN_TESTS must name a JSON file with a list of test files.');
  const chosen = new Set(JSON.parse(readFileSync(file, 'utf8')));
  return { filtered: found.filter((path) => chosen.has(path)) };
};
