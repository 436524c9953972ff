/**
 * `inloop/client`: follow the signed-in user's tasks from a browser or from Node. To draw them there are `inloop/element` (a
 * tray), `inloop/react` (hooks) and `inloop/headless` (the parts of the tray, for a UI of your own).
 */

export type { Page, PageSignal, Timing } from './environment.ts';
export { connectTasks, createTaskFeed } from './feed/connect-tasks.ts';
export type { FeedOptions } from './feed/options.ts';
export type { ConnectionState } from './feed/state/connection.ts';
export type { FeedSnapshot, PendingFeed, StartOptions, TaskFeed } from './feed/task-feed.ts';
export type { HeaderSource } from './http.ts';
export type { PushLoss } from './push/pusher.ts';
export type { PusherClass, PusherLike, PusherSource } from './push/pusher-class.ts';
export { shareConnection } from './tabs/shared-pusher.ts';
export type { SharedPusherOptions } from './tabs/tab-group.ts';
