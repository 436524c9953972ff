/**
 * `inloop/client`: follow the signed-in user's tasks from a browser (or from Node), and the headless parts that
 * `<inloop-tray>` is drawn from, for whoever draws something else. What is not imported costs nothing.
 */

export type { Page, PageSignal, Timing } from './environment.ts';
export { connectTasks, createTaskFeed } from './feed/connect-tasks.ts';
export type { ConnectionState } from './feed/connection.ts';
export { findTask, isGone, markSeen, mergeSnapshots, NO_TASKS, type TaskList } from './feed/merge.ts';
export type { FeedOptions } from './feed/options.ts';
export type { FeedSnapshot, PendingFeed, StartOptions, TaskFeed } from './feed/task-feed.ts';
export { announce } from './headless/announce.ts';
export { describeConnection, isOutOfDate } from './headless/banner.ts';
export { countOutcomes, type Groups, groupTasks, hideYoung, retriedIds } from './headless/groups.ts';
export { observeClock, remember, type TaskMemory } from './headless/memory.ts';
export { type NotifierOptions, notifyOutcomes } from './headless/notify.ts';
export { markPage, type PageMark } from './headless/page-mark.ts';
export { type News, type PresenterOptions, presentOutcomes } from './headless/present.ts';
export {
  type AddOptions,
  addSummary,
  addToasts,
  keepToasts,
  NO_TOASTS,
  passTime,
  showToasts,
  type Toast,
  type ToastQueue,
} from './headless/toasts.ts';
export { describeTask, isPartialSuccess, type RowContext, type RowView, type Tone } from './headless/words/describe.ts';
export { factsOf, linksOf, type ResultLink } from './headless/words/result.ts';
export { observePace, type Pace, timeLeft } from './headless/words/time-left.ts';
export { ENGLISH, explain, formatNumber, plural, type Wording } from './headless/words/wording.ts';
export type { HeaderSource } from './http.ts';
export type { PusherClass, PusherLike, PusherSource, PushLoss } from './push/pusher.ts';
export type { ClaimOptions } from './tabs/claim.ts';
export { type SharedPusherOptions, shareConnection } from './tabs/shared-pusher.ts';
