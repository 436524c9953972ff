/** `<TasksProvider>`: where the hooks below it get their tasks from. */

import { createElement, type ReactElement, type ReactNode, useEffect, useRef, useState } from 'react';
import type { OutcomeSnapshot } from '../../core/tasks/snapshot.ts';
import type { FeedOptions } from '../feed/options.ts';
import type { TaskFeed } from '../feed/task-feed.ts';
import { createOwnFeed, type OwnFeed } from './own-feed.ts';
import { FeedContext } from './use-tasks.ts';
import { watchOutcomes } from './watch-outcomes.ts';

/** Either the options of `connectTasks`, or a `feed` that you have made and that you close yourself. */
export type TasksProviderProps = {
  readonly children?: ReactNode;
  /**
   * Called once with each outcome that is reached while the provider is mounted, and not with outcomes from before. Lost and
   * doubled messages do not matter, since it follows the feed's state. Every tab calls its own `onOutcome`, so use it
   * to refetch what a task has changed. To tell the user once over all tabs, use `presentOutcomes` of `inloop/headless`.
   */
  readonly onOutcome?: ((task: OutcomeSnapshot) => void) | undefined;
} & (FeedOptions | { readonly feed: TaskFeed });

/**
 * Follows the signed-in user's tasks while it is mounted, with one connection for all hooks below it. A new `url` makes a
 * new connection. `headers` and `onOutcome` may change with each render. The other options are read at each connection.
 *
 * @throws ConfigError `invalid_options`
 * @example
 * <TasksProvider url="/tasks" Pusher={Pusher} onOutcome={(task) => refetch(task.name)}>
 *   <App />
 * </TasksProvider>
 */
export function TasksProvider(props: TasksProviderProps): ReactElement {
  const [own] = useState(createOwnFeed);
  const feed = 'feed' in props ? props.feed : own;
  const { children } = props;
  // React runs the effects of an earlier sibling first. So `Connection` opens the feed before effects of the children run.
  return createElement(
    FeedContext.Provider,
    { value: feed },
    createElement(Connection, { feed, own, props }),
    children,
  );
}

interface ConnectionProps {
  readonly feed: TaskFeed;
  readonly own: OwnFeed;
  readonly props: TasksProviderProps;
}

function Connection({ feed, own, props }: ConnectionProps): null {
  const latest = useRef(props);
  const url = 'feed' in props ? null : props.url;
  const isWatched = props.onOutcome !== undefined;

  useEffect(() => {
    latest.current = props;
  });

  useEffect(() => {
    const options = latest.current;
    if (url === null || 'feed' in options) return undefined;
    const headers = () => {
      const { headers: now = {} } = latest.current as FeedOptions;
      return typeof now === 'function' ? now() : now;
    };
    return own.open({ ...options, url, headers });
  }, [own, url]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new url is a new connection, and outcomes from before it are not new
  useEffect(() => {
    return isWatched ? watchOutcomes(feed, (task) => latest.current.onOutcome?.(task)) : undefined;
  }, [feed, url, isWatched]);
  return null;
}
