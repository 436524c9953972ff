// An app on the React hooks that counts its renders, and the functions with which a test controls it in a browser.
import Pusher from 'pusher-js';
import { createElement, type ReactElement, StrictMode } from 'react';
import { createRoot, hydrateRoot, type Root } from 'react-dom/client';
import { type ConnectionState, connectTasks, type TaskFeed } from '../../../client/index.ts';
import {
  TasksProvider,
  useConnection,
  useStartTask,
  useTask,
  useTaskFeed,
  useTasks,
} from '../../../client/react/index.ts';
import { isFinished } from '../../../core/tasks/snapshot.ts';

interface AppProps {
  readonly user: string;
  readonly url?: string;
  /** The id of the task that the component `One` shows. */
  readonly id?: string;
  /** A feed that exists already; without it the provider makes one. */
  readonly feed?: TaskFeed;
}

/** What the app has done so far, for the test to read. */
export const observed = {
  renders: { list: 0, active: 0, one: 0, connection: 0 },
  connection: { status: 'connecting' } as ConnectionState,
  outcomes: [] as string[],
  start: { isPending: false, code: '', issues: 0 },
  /** What React had to correct, because the page was not what the server had rendered. */
  hydrationErrors: [] as string[],
};

/** What the last render got from the hooks. `controls` call it. */
const handles: { feed?: TaskFeed; start?: (input: never) => Promise<{ readonly id: string }> } = {};

function List(): ReactElement {
  observed.renders.list++;
  const { tasks } = useTasks();
  const items = tasks.map(({ id, title, status }) => createElement('li', { key: id }, `${title}: ${status}`));
  return createElement('ul', null, items);
}

function Active(): ReactElement {
  observed.renders.active++;
  // The selector is a new function in each render, and returns a new array.
  const active = useTasks(({ tasks }) => tasks.filter((task) => !isFinished(task)).map(({ id }) => id));
  return createElement('output', { id: 'active' }, active.length);
}

function One({ id }: { readonly id: string | undefined }): ReactElement {
  observed.renders.one++;
  const task = useTask(id);
  return createElement('output', { id: 'one' }, task === null ? 'none' : (task?.status ?? 'unknown'));
}

function Connection(): null {
  observed.renders.connection++;
  observed.connection = useConnection();
  return null;
}

function Starter(): null {
  const { start, isPending, error } = useStartTask('count');
  observed.start = { isPending, code: error?.code ?? '', issues: error?.issues.length ?? 0 };
  handles.start = start as never;
  handles.feed = useTaskFeed();
  return null;
}

/** The app. `user` is sent as the header `x-user`. */
export function App({ user, url = '/tasks', id, feed }: AppProps): ReactElement {
  const source = feed ? { feed } : { url, Pusher, headers: { 'x-user': user } };
  const onOutcome = ({ title, status }: { title: string; status: string }) => {
    observed.outcomes.push(`${title}: ${status}`);
  };
  return createElement(
    TasksProvider,
    { ...source, onOutcome },
    createElement(List),
    createElement(Active),
    createElement(One, { id }),
    createElement(Connection),
    createElement(Starter),
  );
}

let root: Root | undefined;
/** The feed of {@link controls.mountWithFeed}. */
let ownFeed: TaskFeed | undefined;

/** What a test calls in the page, as `controls.mount(…)`. */
export const controls = {
  observed,
  mount(props: AppProps): void {
    root ??= createRoot(document.getElementById('root') as HTMLElement);
    root.render(createElement(StrictMode, null, createElement(App, props)));
  },
  hydrate(props: AppProps): void {
    const onRecoverableError = (error: unknown) => {
      observed.hydrationErrors.push(String(error));
    };
    root = hydrateRoot(document.getElementById('root') as HTMLElement, createElement(App, props), {
      onRecoverableError,
    });
  },
  unmount(): void {
    root?.unmount();
    root = undefined;
  },
  /** Mounts with a feed of the page's own. */
  async mountWithFeed(user: string): Promise<void> {
    ownFeed = await connectTasks({ url: '/tasks', Pusher, headers: { 'x-user': user } });
    controls.mount({ user, feed: ownFeed });
  },
  closeFeed(): ConnectionState['status'] {
    const { status } = ownFeed?.getSnapshot().connection ?? { status: 'closed' };
    ownFeed?.close();
    return status;
  },
  /** Starts a task as a button does, without waiting for the answer. */
  start(input: object): void {
    void handles.start?.(input as never);
  },
  async startAndWait(input: object): Promise<string> {
    return (await handles.start?.(input as never))?.id ?? '';
  },
  cancel: (id: string) => handles.feed?.cancel(id).then(({ status }) => status),
};
