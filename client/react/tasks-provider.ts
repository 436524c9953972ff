/** `<TasksProvider>`: where the hooks below it get their tasks from. */

import { createElement, type ReactElement, type ReactNode, useEffect, useRef, useState } from 'react';
import type { OutcomeSnapshot } from '../../core/snapshot.ts';
import type { FeedOptions } from '../feed/options.ts';
import type { TaskFeed } from '../feed/task-feed.ts';
import { createOwnFeed, type OwnFeed } from './own-feed.ts';
import { FeedContext } from './use-tasks.ts';
import { watchOutcomes } from './watch-outcomes.ts';

/** Either the options of `connectTasks`, or a `feed` that is there already and stays yours to close. */
export type TasksProviderProps = {
  readonly children?: ReactNode;
  /**
   * Called once with each outcome that is reached while this is mounted, from the state and not from a message: what
   * was lost, doubled or missed on the way changes nothing. Not called with what had ended before. Every tab calls its
   * own, so this is the place to refetch what a task has changed; to tell the user, once over all tabs, there is
   * `presentOutcomes` of `inloop/client`.
   */
  readonly onOutcome?: ((task: OutcomeSnapshot) => void) | undefined;
} & (FeedOptions | { readonly feed: TaskFeed });

/**
 * Follows the signed-in user's tasks while it is mounted: one connection for all hooks below it. A new `url` connects
 * anew; `headers` and `onOutcome` may be new with each render; the other options hold from the first connection on.
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
  // Effects run in the order of the tree: the feed is open before any effect of the children wants it.
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

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new url is a new connection, whose past is no news
  useEffect(() => {
    return isWatched ? watchOutcomes(feed, (task) => latest.current.onOutcome?.(task)) : undefined;
  }, [feed, url, isWatched]);
  return null;
}
