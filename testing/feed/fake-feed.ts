/**
 * `fakeFeed`: the feed that `connectTasks` gives, with tasks that its user makes up. It serves tests of components and of
 * `<inloop-tray>`, and Storybook's stories. It runs in browsers too. `move-task.ts` moves the tasks.
 */

import { systemTiming } from '../../client/environment.ts';
import { createShown } from '../../client/feed/shown.ts';
import type { ConnectionState } from '../../client/feed/state/connection.ts';
import { dropTasks, findTask, listOfUser, markSeen, mergeSnapshots, NO_TASKS } from '../../client/feed/state/merge.ts';
import type { FeedSnapshot, PendingFeed, StartOptions, TaskFeed } from '../../client/feed/task-feed.ts';
import { channelOf } from '../../core/channel.ts';
import { TaskError, type TaskFailure } from '../../core/error.ts';
import type { AnyTaskDefinition } from '../../core/tasks/definition.ts';
import { createSnapshot, isFinished, type Snapshot } from '../../core/tasks/snapshot.ts';
import { canRetry } from '../../core/tasks/transition.ts';
import { parseInput } from '../../core/values/parse.ts';
import { advanceTask, endTask, type FakeOutcome, type FakeProgress, failAttempt, moveTask } from './move-task.ts';

/** A task to show. Without `progress` and `outcome` it is queued. */
export interface FakeTask {
  /** Default: `task-1`, `task-2` and so on. */
  readonly id?: string;
  /** The name of the definition. Default: `task`. */
  readonly name?: string;
  /** Default: the name. */
  readonly title?: string;
  /** How many attempts it may take. Default 3. */
  readonly attempts?: number;
  /** How far it is. A task with progress runs. */
  readonly progress?: FakeProgress;
  /** How it has ended. */
  readonly outcome?: FakeOutcome;
}

/** What `fakeFeed` takes. */
export interface FakeFeedOptions {
  /** The tasks that are there at first, the oldest first. */
  readonly tasks?: readonly FakeTask[];
  /** Whose tasks they are. Default `ada`. */
  readonly owner?: string;
  /** The server's time, in ms since 1970. Default: the time of this machine. */
  readonly now?: () => number;
}

/** A feed, and the methods by which a test says what happens on the server. */
export interface FakeFeed extends PendingFeed {
  /** Another task is there: started in another tab, say. */
  add(task?: FakeTask): Snapshot;
  /** A task gets on. One that waits starts. @throws TaskError if no server would let it happen, or if there is no such task */
  advance(id: string, progress?: FakeProgress): Snapshot;
  /** An attempt fails. The task waits for the next one; if it was the last one, the task fails. @throws TaskError as `advance` */
  failAttempt(id: string, error?: Partial<TaskFailure>): Snapshot;
  /** A task ends. One that waits starts first, unless it is cancelled. @throws TaskError as `advance` */
  finish(id: string, outcome?: FakeOutcome): Snapshot;
  /** The server cannot be reached: calls reject with `unreachable`, and nothing arrives until {@link goOnline}. */
  goOffline(): void;
  /** News arrives again, and what has happened meanwhile. */
  goOnline(): void;
  /** Shows another state of the connection: `polling`, `signed-out` and so on. */
  setConnection(connection: ConnectionState): void;
}

/**
 * @example
 * const feed = fakeFeed({ tasks: [{ title: 'Import a.csv', progress: { done: 5, total: 10 } }] });
 * render(<TasksProvider feed={feed}><Tasks /></TasksProvider>);
 * act(() => feed.finish('task-1', { status: 'succeeded', result: { imported: 10 } }));
 */
export function fakeFeed(options: FakeFeedOptions = {}): FakeFeed {
  const { tasks = [], owner = 'ada', now = systemTiming.now } = options;
  let count = 0;
  let connection: ConnectionState = { status: 'live' };
  /** What the server has. While the feed is offline, `shown` is behind. */
  let list = listOfUser(NO_TASKS, channelOf(owner));
  const toFeedSnapshot = (): FeedSnapshot => ({
    tasks: list.tasks,
    connection,
    hasMore: false,
    channel: list.channel,
  });
  const shown = createShown(toFeedSnapshot(), systemTiming);
  const show = () => shown.set({ ...(isAway() ? shown.get() : toFeedSnapshot()), connection });
  const isAway = () => connection.status === 'offline' || connection.status === 'closed';
  const at = () => new Date(now()).toISOString();

  function keep<S extends Snapshot>(task: S): S {
    list = mergeSnapshots(list, [task]);
    show();
    return task;
  }

  function find(id: string): Snapshot {
    const task = findTask(list, id);
    if (task) return task;
    throw new TaskError('not_found', 'There is no such task.', { status: 404, retryable: false });
  }

  function create({ id, name = 'task', title = name, attempts = 3, progress, outcome }: FakeTask, retryOf?: string) {
    count++;
    if (id !== undefined && findTask(list, id))
      throw new TaskError('exists', `There is a task ${id} already.`, { retryable: false });
    let task: Snapshot = createSnapshot({
      id: id ?? `task-${count}`,
      name,
      title,
      attempts,
      at: at(),
      ...(retryOf === undefined ? {} : { retryOf }),
    });
    if (progress) task = advanceTask(task, progress, at());
    return keep(outcome ? endTask(task, outcome, at()) : task);
  }

  /** Removes those finished tasks that `isMeant` names. */
  function drop(isMeant: (task: Snapshot) => boolean): void {
    const meant = list.tasks.filter((task) => isFinished(task) && isMeant(task));
    list = dropTasks(
      list,
      meant.map(({ id }) => id),
    );
    show();
  }

  /** What a call to the server gives. */
  async function ask<T>(answer: () => T | Promise<T>): Promise<T> {
    if (connection.status === 'closed') throw new TaskError('closed', 'The feed is closed.', { status: 0 });
    if (connection.status === 'signed-out') throw new TaskError('unauthenticated', 'Sign in first.', { status: 401 });
    if (isAway()) throw new TaskError('unreachable', 'The server cannot be reached.', { status: 0 });
    return answer();
  }

  async function start(task: string | AnyTaskDefinition, input: unknown, _options?: StartOptions): Promise<Snapshot> {
    return ask(async () => {
      if (typeof task === 'string') return create({ name: task });
      const { value } = await parseInput(task, input ?? null);
      return create({ name: task.name, title: task.titleOf(value), attempts: task.attempts });
    });
  }

  for (const task of tasks) create(task);
  return {
    ready: Promise.resolve(),
    getSnapshot: shown.get,
    subscribe: shown.subscribe,
    get: (id) => shown.get().tasks.find((task) => task.id === id),
    load: (id) => ask(() => find(id)),
    start: start as TaskFeed['start'],
    cancel: (id) => ask(() => keep(moveTask(find(id), { type: 'cancel', at: at() }))),
    retry: (id) =>
      ask(() => {
        const { name, title, attempts, status } = find(id);
        if (canRetry(status)) return create({ name, title, attempts }, id);
        throw new TaskError('not_retryable', 'Only a failed or cancelled task can be tried again.', { status: 409 });
      }),
    seen(ids) {
      list = markSeen(list, ids, at());
      show();
    },
    dismiss: (id) => ask(() => drop((task) => task.id === id)),
    clear: () => ask(() => drop(({ seenAt }) => seenAt !== null)),
    loadMore: async () => undefined,
    refresh: async () => undefined,
    now,
    close() {
      connection = { status: 'closed' };
      show();
      shown.close();
    },
    add: (task = {}) => create(task),
    advance: (id, progress) => keep(advanceTask(find(id), progress, at())),
    failAttempt: (id, error) => keep(failAttempt(find(id), { ...error, retryable: true }, at())),
    finish: (id, outcome = { status: 'succeeded' }) => keep(endTask(find(id), outcome, at())),
    goOffline() {
      connection = { status: 'offline', since: now() };
      show();
    },
    goOnline() {
      connection = { status: 'live' };
      show();
    },
    setConnection(next) {
      connection = next;
      show();
    },
  };
}
