import { availableParallelism } from 'node:os';

// Tests run from source: swc turns TypeScript (and the few packages that ship ES modules only) into CommonJS.
const source = ['core', 'backend', 'server', 'worker', 'client', 'testing', 'metrics', 'operator', 'tracing'];

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
    [`^inloop/(${source.join('|')})$`]: '<rootDir>/$1/index.ts',
  },
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/\\.inloop/'],
  // Most files run a Redis, a Soketi or a Chromium of their own and mostly wait. Three at a time on two cores take 10 min
  // instead of 12, but then some look at the clock too late.
  maxWorkers: Math.max(availableParallelism(), 2),
  // Tests of one file that run at the same time (`it.concurrent`). They are tests that wait, each for parts of its own.
  // A file whose tests do little else may say `@at-once 6` in a comment at its top.
  maxConcurrency: 3,
  testSequencer: '<rootDir>/dev/tests/longest-first.cjs',
  // A limit for what hangs, not a promise of the code. Chromium on a machine ten times as slow needs more than 10 s for what
  // takes 1 s here. A test that promises less gives a limit of its own.
  testTimeout: 30_000,
};
