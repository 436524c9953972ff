/** `inloop/testing/feed`: the fake feed alone. It runs in browsers: for stories, and for tests that run in a page. */

export { type FakeFeed, type FakeFeedOptions, type FakeTask, fakeFeed } from './fake-feed.ts';
export type { FakeOutcome, FakeProgress } from './move-task.ts';
