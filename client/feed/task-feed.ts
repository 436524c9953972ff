/** What a task feed offers: what a page is written against. `connect-tasks.ts` makes one. */

import type { AnyTaskDefinition, InputOf, ResultOf } from '../../core/definition.ts';
import type { Snapshot } from '../../core/snapshot.ts';
import type { ConnectionState } from './connection.ts';

/** What there is to show. Immutable: a new object each time something changed, the same one while nothing did. */
export interface FeedSnapshot {
  /** Newest first. A task that did not change keeps its identity; so does the list. */
  readonly tasks: readonly Snapshot[];
  readonly connection: ConnectionState;
  /** Whether `loadMore` would bring older tasks. */
  readonly hasMore: boolean;
  /** Whose tasks these are, by their channel; null while nobody is known. Where it changes, nothing from before counts. */
  readonly channel: string | null;
}

export interface StartOptions {
  /** Starting twice with one key and input starts one task, which makes it safe to try again. At most 255 characters. */
  readonly idempotencyKey?: string;
}

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
  /** Calls the task off. Calling twice asks once. @throws TaskError, status 409 where it is too late */
  cancel(id: string): Promise<Snapshot>;
  /** Does a failed or cancelled task again: resolves with the new task. Calling twice asks once. */
  retry(id: string): Promise<Snapshot>;
  /** Takes outcomes out of the inbox: here at once, on the server and elsewhere as soon as it can be reached. */
  seen(ids: readonly string[]): void;
  /** Fetches the next older tasks, at most 100, if `hasMore`. */
  loadMore(): Promise<void>;
  /**
   * Asks now who is signed in and what there is. For pages that sign in or out without being loaded anew; what the feed
   * asks by itself, and what other tabs learn, brings it there as well, a little later. Never rejects.
   */
  refresh(): Promise<void>;
  /**
   * What time it is on the server, in milliseconds since 1970: for whatever is compared with the times of a task. The
   * clock of a device may be minutes off.
   */
  now(): number;
  /** Ends the connection and every timer. */
  close(): void;
}

/** A feed that may still be on its way. */
export interface PendingFeed extends TaskFeed {
  /** Resolves when the first fetch is in; rejects on 401, 404 (no router there) and `close`. The feed lives on after a 401. */
  readonly ready: Promise<void>;
}
