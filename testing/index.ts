/** `inloop/testing`: test handlers, routes and pages without Redis and without a bus. It runs in Node, under any test runner. */

export {
  createMemoryBackend,
  type MemoryBackend,
  type MemoryBackendOptions,
  type PushedEvent,
} from './backend/memory-backend.ts';
export { type FakeFeed, type FakeFeedOptions, type FakeTask, fakeFeed } from './feed/fake-feed.ts';
export type { FakeOutcome, FakeProgress } from './feed/move-task.ts';
export type { ChildRun } from './run-children.ts';
export {
  type AttemptRun,
  type GivenCheckpoint,
  type Report,
  type RunTaskOptions,
  runTask,
  type TaskRun,
} from './run-task.ts';
export { createTestClock, type TestClock } from './time/test-clock.ts';
