import { availableParallelism } from 'node:os';

// Tests run from source: swc turns TypeScript, and the few packages that ship only ES modules, into CommonJS.

/** The published entries that are `index.ts` of a house of the same name. */
const entries = ['backend', 'server', 'worker', 'client', 'testing', 'metrics', 'operator', 'tracing'];

export default {
  testEnvironment: '<rootDir>/dev/tests/test-environment.cjs',
  testMatch: [
    '<rootDir>/{core,backend,server,worker,client,testing,metrics,operator,tracing,cli,demo,dev,soketi,bench,test}/**/*.test.ts',
  ],
  transform: {
    '\\.[cm]?[jt]sx?$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript', tsx: false }, target: 'es2022' }, module: { type: 'commonjs' } },
    ],
  },
  transformIgnorePatterns: ['/node_modules/(?!(@noble/ciphers|@noble/hashes|uuid)/)'],
  moduleNameMapper: {
    '^inloop$': '<rootDir>/core/index.ts',
    '^inloop/(element|headless)$': '<rootDir>/client/$1/index.ts',
    '^inloop/tasks$': '<rootDir>/server/tasks/index.ts',
    '^inloop/testing/feed$': '<rootDir>/testing/feed/index.ts',
    [`^inloop/(${entries.join('|')})$`]: '<rootDir>/$1/index.ts',
  },
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/\\.inloop/'],
  // How many test files run at the same time. Many start a Redis, a Soketi or a Chromium and mostly wait for it, so with more than
  // one file for each core the suite would end sooner. But then some tests would look at the clock too late.
  maxWorkers: Math.max(availableParallelism(), 2),
  // How many tests of one file run at the same time, if they are made by `it.concurrent`. Each of them waits for parts of its own.
  // A file whose tests do little but wait may ask for more: `@at-once 6` in the comment at its top (test-environment.cjs).
  maxConcurrency: 3,
  testSequencer: '<rootDir>/dev/tests/longest-first.cjs',
  // A limit for tests that hang, not a promise of the code: on a slow machine Chromium may need 10 s for what takes 1 s elsewhere.
  // A test that promises less gives a limit of its own.
  testTimeout: 30_000,
};
