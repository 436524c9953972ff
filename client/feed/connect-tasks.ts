/**
 * Connects a page to the tasks of its user: `connectTasks`, `createTaskFeed`. The decisions are made by a state machine
 * (`state/reduce.ts`; its states are in `state/state.ts`). This file reports events to that machine and performs the effects
 * that it returns: timers, requests, the connection to the bus. On every (re)connection the feed subscribes, then fetches, then
 * merges.
 */

import { TaskError } from '../../core/error.ts';
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import { DISMISSED_EVENT, isPartial } from '../../core/wire.ts';
import { createServerClock } from '../clock.ts';
import { isDebugging } from '../debug.ts';
import { type Answer, createHttp, type Http } from '../http.ts';
import { parseConnection, parseSnapshot } from '../parse.ts';
import { createTabs } from '../tabs/tabs.ts';
import { createBusConnection } from './bus-connection.ts';
import { createCommands } from './commands.ts';
import { type CheckedOptions, checkOptions, type FeedOptions } from './options.ts';
import { askAll, expectValid, fetchPage } from './rounds/resync.ts';
import { createRounds } from './rounds/rounds.ts';
import { serially } from './rounds/serially.ts';
import { createSeenOutbox } from './seen-outbox.ts';
import { createShown } from './shown.ts';
import { findTask, isGone } from './state/merge.ts';
import { type FeedActions, type FeedEvents, RULES } from './state/reduce.ts';
import { INITIAL_STATE, isPushed, NOTHING_YET, silentTasks, toFeedSnapshot } from './state/state.ts';
import type { PendingFeed, TaskFeed } from './task-feed.ts';

/** After this time without push, a mistake in how the page is set up is looked for, in milliseconds. */
const MISTAKE_AFTER = 2_000;
/** How many pages one call of `loadMore` may read. It reads on while a page holds only tasks that are known already. */
const MOST_PAGES = 10;

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

/** Warns on the console of a mistake in how the page is set up, if push is not up in time. Usually there is none. */
function warnOfMistake(options: CheckedOptions, isWanted: () => boolean, isSignedOut: () => boolean): void {
  if (!globalThis.document) return;
  setTimeout(() => {
    if (!isWanted()) return;
    import('./explain.ts').then(
      (it) => it.findMistake(options, isWanted, isSignedOut),
      // If the part cannot be loaded, there is nothing to say.
      () => {},
    );
  }, MISTAKE_AFTER);
}

/** Like {@link connectTasks}, but returns the feed before its first fetch. @throws ConfigError `invalid_options` */
export function createTaskFeed(options: FeedOptions): PendingFeed {
  const checked = checkOptions(options);
  const { base, timing, page } = checked;
  let state = INITIAL_STATE;
  /** Whether push was ever up. */
  let wasUp = false;
  /** Writes to the console what the state machine does. Loaded only while debugging is on. */
  const explanation = isDebugging() ? import('./explain.ts') : undefined;
  /** Ids of tasks whose whole result is being fetched. */
  const completing = new Set<string>();

  let setReady: () => void;
  let failReady: (error: unknown) => void;
  const ready = new Promise<void>((...settle) => {
    [setReady, failReady] = settle;
  });
  // A page that does not await `ready` must not get a warning about an unhandled rejection.
  ready.catch(() => {});

  const clock = createServerClock(timing.now);
  const shown = createShown(NOTHING_YET, timing);
  const http: Http = createHttp({
    ...checked,
    clock,
    generation: () => state.generation,
    onAnswer: (...args) => dispatch('answered', ...args),
  });
  const commands = createCommands(http, receiveAnswer);
  const outbox = createSeenOutbox((ids) => http.post('/seen', { ids }));
  const rounds = createRounds({ ...checked, state: () => state, ask: askOnce });
  const checkUser = serially(async () => {
    dispatch('userDoubted');
    // If the server cannot be reached, the next round asks again.
    await readConnection().catch(() => {});
  });
  const tabs = createTabs({
    name: `inloop:who:${base}`,
    timing,
    knownUser: () => (state.isSignedOut ? null : (state.channel ?? undefined)),
    check: checkUser,
  });
  const bus = createBusConnection({ ...checked, http, dispatch, checkUser });
  const actions: FeedActions = {
    ask: rounds.ask,
    planRound: rounds.plan,
    dropEverything() {
      dropConnection();
      http.forget();
      commands.forget();
      completing.clear();
      outbox.forget();
    },
    nameUser: (channel) => dispatch('userNamed', channel),
    tellTabs: tabs.tellUser,
    connect: bus.connect,
    moveLink: bus.move,
    loadResult,
  };
  const stopListening = page.listen((signal) => {
    if (signal === 'wake') void refresh();
    else if (signal === 'focus') {
      // While `needsInfo` is set, the next round asks who is signed in. After a 401 there is no next round.
      if (!state.needsInfo || state.isSignedOut) void checkUser();
    } else {
      // The browser does not keep a page with an open connection in its back/forward cache.
      bus.move('pause');
      rounds.stop();
      tabs.leave();
    }
  });
  tabs.open();
  void rounds.ask();
  warnOfMistake(
    checked,
    () => !(wasUp || state.isClosed),
    () => state.isSignedOut,
  );

  // The state machine

  /** Makes the next state, shows it, then performs the effects. */
  function dispatch<Name extends keyof FeedEvents>(event: Name, ...args: Parameters<FeedEvents[Name]>): void {
    const before = state;
    const [after, effects] = RULES[event](before, timing.now(), ...args);
    state = after;
    wasUp ||= isPushed(state);
    explanation?.then(({ logEvent }) => logEvent(event, args, before, after, effects));
    shown.set(toFeedSnapshot(state, shown.get().connection));
    for (const [name, argument] of effects) {
      // Checked each time: `shown.set` calls listeners, and a listener may close the feed.
      if (!state.isClosed) (actions[name] as (argument?: unknown) => void)(argument);
    }
  }

  /**
   * Call this before a request. Returns a function that says whether the answer may still be used. `http.ts` checks an
   * answer when it arrives, but promises settle later, and another answer may have changed the user in between.
   */
  function makeCurrentCheck(): () => boolean {
    const { generation } = state;
    return () => generation === state.generation && !state.isClosed;
  }

  /** Ends the connection, drops the pushed snapshots that wait, and cancels the next round. */
  function dropConnection(): void {
    bus.drop();
    rounds.stop();
  }

  // Requests

  async function askOnce(): Promise<void> {
    if (state.isClosed) return;
    const isCurrent = makeCurrentCheck();
    const silent = silentTasks(state, timing.now());
    dispatch('roundBegan');
    try {
      const [round] = await Promise.all([
        askAll({
          http,
          tasks: state.list.tasks.filter((task) => !isGone(task)),
          recentFirst: state.isShort,
          load,
          onSnapshots: (snapshots) => isCurrent() && dispatch('received', snapshots),
        }),
        state.needsInfo && readConnection(),
      ]);
      // The server answers 404 also for a task of another user. So check first who is signed in.
      if (round.gone.length) await readConnection();
      if (!isCurrent()) return;
      setReady();
      dispatch('roundSucceeded', round, serverTime(), silent);
      void outbox.send();
    } catch (thrown) {
      const { status, retryAfter } = thrown as TaskError;
      if (status === 404 || status === 401) failReady(thrown);
      if (isCurrent()) dispatch('roundFailed', status, retryAfter, silent.length > 0);
    }
  }

  async function readConnection(): Promise<void> {
    const isCurrent = makeCurrentCheck();
    const { body, channel } = await http.get('/connection');
    const info = expectValid(parseConnection(body));
    if (!isCurrent()) return;
    if (channel === null) dispatch('userNamed', info.channel);
    dispatch('connectionRead', info);
  }

  async function refresh(): Promise<void> {
    if (state.isClosed) return;
    tabs.open();
    dispatch('userDoubted');
    bus.move('retrySoon');
    await rounds.ask();
  }

  function load(id: string): Promise<Snapshot> {
    return receiveAnswer(http.get(`/${encodeURIComponent(id)}`));
  }

  /** Returns the snapshot in `answer`. Merges it into the list, unless the user has changed. */
  async function receiveAnswer(answer: Promise<Answer>): Promise<Snapshot> {
    const isCurrent = makeCurrentCheck();
    const snapshot = expectValid(parseSnapshot((await answer).body));
    if (isCurrent()) dispatch('received', [snapshot]);
    return snapshot;
  }

  function loadResult(id: string): void {
    if (completing.has(id)) return;
    completing.add(id);
    load(id).then(
      // A task that still comes without its result stays in the set. Otherwise it would be fetched again and again.
      (task) => isPartial(task) || completing.delete(id),
      // The next round fetches the result again.
      () => completing.delete(id),
    );
  }

  async function loadMore(): Promise<void> {
    const isCurrent = makeCurrentCheck();
    let { cursor } = state;
    for (let pages = 0; pages < MOST_PAGES && cursor != null; pages++) {
      const older = await fetchPage(http, 'all', cursor);
      if (!isCurrent()) return;
      const known = state.list.tasks.length;
      dispatch('olderRead', older);
      cursor = older.nextCursor;
      if (state.list.tasks.length > known) return;
    }
  }

  // What was seen or dismissed

  function seen(ids: readonly string[]): void {
    outbox.add(
      ids.filter((id) => {
        const task = findTask(state.list, id);
        return !task || !(task.seenAt || isGone(task));
      }),
    );
    dispatch('seen', ids, serverTime());
    void outbox.send();
  }

  async function clear(what: object): Promise<void> {
    // The answer says the same as the event, which may come later or get lost.
    bus.read(DISMISSED_EVENT, (await http.post('/clear', what)).body);
  }

  function serverTime(): string {
    return new Date(clock.now()).toISOString();
  }

  return {
    ready,
    getSnapshot: shown.get,
    subscribe: shown.subscribe,
    now: clock.now,
    refresh,
    get: (id) => findTask(state.list, id),
    load,
    start: commands.start as TaskFeed['start'],
    cancel: (id) => commands.send('cancel', id),
    retry: (id) => commands.send('retry', id),
    seen,
    dismiss: (id) => clear({ ids: [id] }),
    // What the user has seen here must count as seen there.
    clear: () => outbox.send().then(() => clear({ keepUnseen: true })),
    loadMore,
    close() {
      dispatch('closed');
      stopListening();
      tabs.leave();
      dropConnection();
      failReady(new TaskError('closed', 'The feed is closed.', { status: 0 }));
      shown.close();
    },
  };
}
