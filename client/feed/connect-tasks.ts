/**
 * Connects a page to the tasks of its user: `connectTasks`, `createTaskFeed`. This file makes the parts of a feed and connects
 * them. On every (re)connection the feed subscribes, then fetches, then merges.
 *
 * - `machine.ts`: holds the state, and decides by `state/reduce.ts` what follows from an event (states: `state/state.ts`)
 * - `bus-connection.ts`: what is pushed
 * - `rounds/`, `requests/`: what is fetched and sent
 * - `page-signals.ts`: the page wakes, gets the focus or is left
 * - `shown.ts`: what the page is shown
 */

import { TaskError } from '../../core/error.ts';
import { createServerClock } from '../clock.ts';
import { createHttp } from '../http.ts';
import { createTabs } from '../tabs/tabs.ts';
import { createBusConnection } from './bus-connection.ts';
import { warnOfMistake } from './developer-help.ts';
import type { FeedParts } from './feed-parts.ts';
import { createMachine } from './machine.ts';
import { type CheckedOptions, checkOptions, type FeedOptions } from './options.ts';
import { followPage, refresh } from './page-signals.ts';
import { createReady } from './ready.ts';
import { createCommands } from './requests/commands.ts';
import { clear, markSeen } from './requests/inbox.ts';
import { load, loadMore, loadResult, receiveAnswer } from './requests/load-tasks.ts';
import { readConnection } from './requests/read-connection.ts';
import { createSeenOutbox } from './requests/seen-outbox.ts';
import { createRounds } from './rounds/rounds.ts';
import { runRound } from './rounds/run-round.ts';
import { serially } from './rounds/serially.ts';
import { createShown } from './shown.ts';
import { findTask } from './state/merge.ts';
import type { FeedActions } from './state/reduce.ts';
import { knownUser, NOTHING_YET } from './state/state.ts';
import type { PendingFeed, TaskFeed } from './task-feed.ts';

/**
 * Connects to the tasks of the signed-in user. Resolves once the first fetch is in, even where push is not up yet.
 * @throws ConfigError `invalid_options`; TaskError with status 401 where nobody is signed in, 404 where no task router answers
 * @example
 * const tasks = await connectTasks({ url: '/tasks', Pusher });
 * tasks.subscribe(() => render(tasks.getSnapshot()));
 */
export async function connectTasks(options: FeedOptions): Promise<TaskFeed> {
  const feed = createTaskFeed(options);
  try {
    await feed.ready;
    return feed;
  } catch (error) {
    feed.close();
    throw error;
  }
}

/** Like {@link connectTasks}, but returns the feed before its first fetch. @throws ConfigError `invalid_options` */
export function createTaskFeed(options: FeedOptions): PendingFeed {
  const parts = createParts(checkOptions(options));
  const stopFollowing = followPage(parts);
  parts.tabs.open();
  void parts.rounds.ask();
  warnOfMistake(parts, parts.shown);

  return {
    ready: parts.ready.promise,
    getSnapshot: parts.shown.get,
    subscribe: parts.shown.subscribe,
    now: parts.clock.now,
    refresh: () => refresh(parts),
    get: (id) => findTask(parts.state().list, id),
    load: (id) => load(parts, id),
    loadMore: () => loadMore(parts),
    start: parts.commands.start as TaskFeed['start'],
    cancel: (id) => parts.commands.send('cancel', id),
    retry: (id) => parts.commands.send('retry', id),
    seen: (ids) => markSeen(parts, ids),
    dismiss: (id) => clear(parts, { ids: [id] }),
    // The server removes what it knows as seen. So it is told first what was seen here.
    clear: () => parts.outbox.send().then(() => clear(parts, { keepUnseen: true })),
    close() {
      parts.dispatch('closed');
      stopFollowing();
      parts.tabs.leave();
      parts.bus.drop();
      parts.rounds.stop();
      parts.ready.fail(new TaskError('closed', 'The feed is closed.', { status: 0 }));
      parts.shown.close();
    },
  };
}

/** Makes the parts of a feed and connects them. Nothing is sent yet. */
function createParts(options: CheckedOptions): FeedParts {
  const { timing } = options;
  const clock = createServerClock(timing.now);
  const shown = createShown(NOTHING_YET, timing);
  const machine = createMachine(shown, timing, () => actions);
  const http = createHttp({
    ...options,
    clock,
    generation: () => machine.state().generation,
    onAnswer: (...args) => machine.dispatch('answered', ...args),
  });
  const checkUser = serially(async () => {
    machine.dispatch('userDoubted');
    // If the server cannot be reached, the next round asks again.
    await readConnection(parts).catch(() => {});
  });
  const commands = createCommands(http, (answer) => receiveAnswer(machine, answer));
  const outbox = createSeenOutbox((ids) => http.post('/seen', { ids }));
  const bus = createBusConnection({ ...options, ...machine, http, checkUser });
  const tabs = createTabs({
    name: `inloop:who:${options.base}`,
    timing,
    knownUser: () => knownUser(machine.state()),
    check: checkUser,
  });
  const rounds = createRounds({ ...options, ...machine, ask: () => runRound(parts) });
  const loading = new Set<string>();
  const parts: FeedParts = {
    ...options,
    ...machine,
    http,
    clock,
    shown,
    ready: createReady(),
    checkUser,
    commands,
    outbox,
    bus,
    tabs,
    rounds,
    loading,
  };
  const actions: FeedActions = {
    // Of `FeedActions`, `rounds` has `ask` and `planRound`, `tabs` has `tellTabs`, and `bus` has `connect` and `moveLink`.
    ...rounds,
    ...tabs,
    ...bus,
    dropEverything() {
      bus.drop();
      rounds.stop();
      http.forget();
      commands.forget();
      loading.clear();
      outbox.forget();
    },
    nameUser: (channel) => machine.dispatch('userNamed', channel),
    loadResult: (id) => loadResult(parts, id),
  };
  return parts;
}
