/** `inloop/client`: follow the signed-in user's tasks from a browser (or from Node). */

export type { ConnectionState } from './connection.ts';
export type { Page, PageSignal, Timing } from './environment.ts';
export {
  connectTasks,
  createTaskFeed,
  type FeedSnapshot,
  type PendingFeed,
  type StartOptions,
  type TaskFeed,
} from './feed.ts';
export type { HeaderSource } from './http.ts';
export { isGone, markSeen, mergeSnapshots, NO_TASKS, type TaskList } from './merge.ts';
export type { FeedOptions } from './options.ts';
export type { PusherClass, PusherSource, PushLoss } from './pusher.ts';
