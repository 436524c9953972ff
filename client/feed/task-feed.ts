/** The interface of a task feed, for pages. `connect-tasks.ts` implements it. */

import type { AnyTaskDefinition, InputOf, ResultOf } from '../../core/tasks/definition.ts';
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import type { ConnectionState } from './state/connection.ts';

/** What a page shows. Immutable: a change makes a new object, and without a change the object stays the same. */
export interface FeedSnapshot {
  /** Newest first. A task that did not change keeps its identity; so does the list. */
  readonly tasks: readonly Snapshot[];
  readonly connection: ConnectionState;
  /** Whether `loadMore` would bring older tasks. */
  readonly hasMore: boolean;
  /** The channel of the user whose tasks these are; null while nobody is known. When it changes, forget what was shown before. */
  readonly channel: string | null;
}

/** The options of `TaskFeed.start`. */
export interface StartOptions {
  /** Two starts with the same key and input start one task. So a start can safely be repeated. At most 255 characters. */
  readonly idempotencyKey?: string;
}

/** The tasks of the user who is signed in, kept up to date, and what a page can do about them. */
export interface TaskFeed {
  getSnapshot(): FeedSnapshot;
  /** Calls `listener` after each change. Returns a function that stops it. */
  subscribe(listener: () => void): () => void;
  /** The task as it is known now. */
  get(id: string): Snapshot | undefined;
  /** Fetches the task, with its whole result. @throws TaskError, status 404 where it is not the user's */
  load(id: string): Promise<Snapshot>;
  /** Starts a task that is open to browsers. @throws TaskError with `issues` where the input does not fit */
  start<D extends AnyTaskDefinition>(
    definition: D,
    input: InputOf<D>,
    options?: StartOptions,
  ): Promise<Snapshot<ResultOf<D>>>;
  start(name: string, input: unknown, options?: StartOptions): Promise<Snapshot>;
  /** Cancels the task. Calls that come before the answer share one request. @throws TaskError, status 409 where it is too late */
  cancel(id: string): Promise<Snapshot>;
  /**
   * Starts a failed or cancelled task again, and resolves with the new task. Calls that come before the answer share one request.
   * @throws TaskError, status 409 where the status of the task does not allow it
   */
  retry(id: string): Promise<Snapshot>;
  /** Takes outcomes out of the inbox: on this page at once, on other pages as soon as the server can be reached. */
  seen(ids: readonly string[]): void;
  /** Removes a finished task, on every device. An active one stays. @throws TaskError */
  dismiss(id: string): Promise<void>;
  /** Removes the finished tasks that the user has seen, on every device, even those not loaded here. @throws TaskError */
  clear(): Promise<void>;
  /** Fetches the next older tasks, at most 100, if `hasMore`. @throws TaskError */
  loadMore(): Promise<void>;
  /**
   * Asks the server now who is signed in and which tasks there are. For pages that sign in or out without a reload; without
   * this call the feed notices a little later. Never rejects.
   */
  refresh(): Promise<void>;
  /**
   * The time on the server, in milliseconds since 1970. Compare the times of a task with this and not with the device's
   * clock, which may be minutes off.
   */
  now(): number;
  /** Ends the connection and every timer. */
  close(): void;
}

/** A feed whose first fetch may still be running. */
export interface PendingFeed extends TaskFeed {
  /** Resolves after the first fetch; rejects on 401, 404 (no router there) and `close`. After a 401 the feed is still usable. */
  readonly ready: Promise<void>;
}
