// Tests run from source: swc turns TypeScript (and the few packages that ship ES modules only) into CommonJS.
const source = ['core', 'backend', 'server', 'worker', 'client'];

export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/{core,backend,server,worker,client,demo,dev,soketi,bench,test}/**/*.test.ts'],
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
    [`^inloop/(${source.join('|')})$`]: '<rootDir>/$1/index.ts',
  },
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/\\.inloop/'],
  // Most files run a Redis, a Soketi and a Chromium of their own, look at the clock, and mostly wait: two at a time take half
  // as long on two cores. More would be late.
  maxWorkers: 2,
};
