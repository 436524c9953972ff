/**
 * `inloop/client`: follow the signed-in user's tasks from a browser (or from Node), and the headless parts that
 * `<inloop-tray>` is drawn from, for whoever draws something else. What is not imported costs nothing.
 */

export type { ClaimOptions } from './claim.ts';
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
export { findTask, isGone, markSeen, mergeSnapshots, NO_TASKS, type TaskList } from './merge.ts';
export { type NotifierOptions, notifyOutcomes } from './notify.ts';
export type { FeedOptions } from './options.ts';
export { type News, type PresenterOptions, presentOutcomes } from './present.ts';
export type { PusherClass, PusherLike, PusherSource, PushLoss } from './pusher.ts';
export { type SharedPusherOptions, shareConnection } from './share/shared-pusher.ts';
export { announce } from './view/announce.ts';
export { describeConnection, isOutOfDate } from './view/banner.ts';
export { describeTask, isPartialSuccess, type RowContext, type RowView, type Tone } from './view/describe.ts';
export { countOutcomes, type Groups, groupTasks, hideYoung, retriedIds } from './view/groups.ts';
export { observeClock, remember, type TaskMemory } from './view/memory.ts';
export { markPage, type PageMark } from './view/page-mark.ts';
export { factsOf, linksOf, type ResultLink } from './view/result.ts';
export { observePace, type Pace, timeLeft } from './view/time-left.ts';
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
} from './view/toasts.ts';
export { ENGLISH, explain, formatNumber, plural, type Wording } from './view/wording.ts';
