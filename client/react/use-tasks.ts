/** The hooks that read: tasks, one task, the connection. */

import {
  createContext,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react';
import { TaskError } from '../../core/error.ts';
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import type { ConnectionState } from '../feed/state/connection.ts';
import { NOTHING_YET } from '../feed/state/state.ts';
import type { FeedSnapshot, TaskFeed } from '../feed/task-feed.ts';

/** The feed of the nearest provider; null where there is none. */
export const FeedContext = createContext<TaskFeed | null>(null);

/**
 * The feed of the provider: for `cancel`, `retry`, `seen` and `loadMore`, and for everything that takes a feed, like
 * `<inloop-tray>` and `presentOutcomes`. The feed stays the same while the provider is mounted, and causes no renders.
 * @throws TaskError `no_provider`
 * @example
 * const feed = useTaskFeed();
 * <button onClick={() => feed.cancel(task.id)}>Cancel</button>
 */
export function useTaskFeed(): TaskFeed {
  const feed = useContext(FeedContext);
  if (feed) return feed;
  throw new TaskError('no_provider', 'The hooks of inloop/react need a <TasksProvider> around them.', {
    retryable: false,
  });
}

/**
 * The tasks, newest first, and how news of them reaches this page. On the server, and in the first render on the page, the
 * list is empty.
 *
 * @throws TaskError `no_provider`
 * @example const { tasks, connection } = useTasks();
 */
export function useTasks(): FeedSnapshot;
/**
 * What a component needs of the tasks.
 *
 * @param select returns what the component needs; the component renders again only when that changes. Arrays and plain
 *   objects are compared by their entries, so `select` may return new ones
 * @throws TaskError `no_provider`
 * @example const active = useTasks(({ tasks }) => tasks.filter((task) => !isFinished(task)));
 */
export function useTasks<T>(select: (snapshot: FeedSnapshot) => T): T;
export function useTasks(select: (snapshot: FeedSnapshot) => unknown = everything): unknown {
  const feed = useTaskFeed();
  const rendered = useRef<unknown>(undefined);
  const [read, readOnServer] = useMemo(() => {
    let last: { readonly snapshot: FeedSnapshot; readonly value: unknown } | undefined;
    const pick = (snapshot: FeedSnapshot): unknown => {
      if (last?.snapshot === snapshot) return last.value;
      const value = select(snapshot);
      const before = last ? last.value : rendered.current;
      last = { snapshot, value: isSame(before, value) ? before : value };
      return last.value;
    };
    return [() => pick(feed.getSnapshot()), () => pick(NOTHING_YET)];
  }, [feed, select]);
  const value = useSyncExternalStore(feed.subscribe, read, readOnServer);
  useEffect(() => {
    rendered.current = value;
  });
  return value;
}

/**
 * One task; the component renders again only when this task changes. A task that the feed does not have is fetched.
 *
 * @returns undefined while the task is not known, null where the user has no task with this id
 * @throws TaskError `no_provider`
 * @example const task = useTask(params.id);
 */
export function useTask(id: string | null | undefined): Snapshot | null | undefined {
  const feed = useTaskFeed();
  const [missing, setMissing] = useState<string>();
  const select = useCallback(
    (snapshot: FeedSnapshot) => (snapshot !== NOTHING_YET && id && feed.get(id)) || snapshot.connection.status,
    [feed, id],
  );
  const found = useTasks(select);
  // While the task is not known, ask again at each change of the connection.
  const status = typeof found === 'string' ? found : null;

  useEffect(() => {
    const canAsk = status === 'connecting' || status === 'live' || status === 'polling';
    if (!id || !canAsk) return undefined;
    let isCurrent = true;
    feed.load(id).catch(({ status: answer }: TaskError) => {
      if (isCurrent && answer === 404) setMissing(id);
    });
    return () => {
      isCurrent = false;
    };
  }, [feed, id, status]);

  if (typeof found !== 'string') return found;
  return id && id === missing ? null : undefined;
}

/** How news reaches this page. The component renders again only when this changes. @throws TaskError `no_provider` */
export function useConnection(): ConnectionState {
  return useTasks(connectionOf);
}

function everything(snapshot: FeedSnapshot): FeedSnapshot {
  return snapshot;
}

function connectionOf({ connection }: FeedSnapshot): ConnectionState {
  return connection;
}

/** Whether two values are the same, or are arrays or plain objects with the same entries. */
function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (!isPlain(a) || !isPlain(b) || Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => key in b && Object.is(a[key], b[key]));
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
}
