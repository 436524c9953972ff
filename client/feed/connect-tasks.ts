/**
 * Connects a page to the tasks of its user: `connectTasks`, `createTaskFeed`. The decisions are made by a state machine
 * (`reduce.ts`; its states are in `state.ts`). This file reports events to it and performs the effects it returns: timers,
 * requests, the connection to the bus. On every (re)connection the feed subscribes, then fetches, then merges.
 */

import type { AnyTaskDefinition } from '../../core/definition.ts';
import { TaskError } from '../../core/error.ts';
import type { Snapshot } from '../../core/snapshot.ts';
import { type ConnectionInfo, isPartial, SEEN_EVENT, SESSION_EVENT } from '../../core/wire.ts';
import { createServerClock } from '../clock.ts';
import { isDebugging } from '../debug.ts';
import { createFrameGate } from '../frame-gate.ts';
import { type Answer, createHttp, type Http } from '../http.ts';
import { isObject, parseConnection, parseSeen, parseSnapshot } from '../parse.ts';
import { createLink, type Link } from '../push/link.ts';
import { createPush } from '../push/pusher.ts';
import { createTabs } from '../tabs/tabs.ts';
import { findTask, isGone } from './merge.ts';
import { checkOptions, type FeedOptions } from './options.ts';
import { type FeedActions, type FeedEvents, RULES } from './reduce.ts';
import { askAll, expectValid, fetchPage } from './rounds/resync.ts';
import { createRounds } from './rounds/rounds.ts';
import { serially } from './rounds/serially.ts';
import { createSeenOutbox } from './seen-outbox.ts';
import { createShown } from './shown.ts';
import { activeTasks, INITIAL_STATE, NOTHING_YET, silentTasks, toFeedSnapshot } from './state.ts';
import type { PendingFeed, StartOptions, TaskFeed } from './task-feed.ts';

/** Events that come closer together than this are shown together, in milliseconds. */
const FRAME = 16;
/** How many pages one call of `loadMore` may read: a page that holds only known tasks brings nothing. */
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

/** Like {@link connectTasks}, for those who want to show something while it connects. @throws ConfigError `invalid_options` */
export function createTaskFeed(options: FeedOptions): PendingFeed {
  const { base, Pusher, fetch, headers, timing, page } = checkOptions(options);
  let state = INITIAL_STATE;
  let link: Link | undefined;
  /** Puts into words what the state machine does, on pages that debug. */
  const explanation = isDebugging() ? import('./explain.ts') : undefined;
  /** Commands that wait for their answer, by their path: asking for one twice asks once. */
  const commands = new Map<string, Promise<Snapshot>>();
  /** Ids of tasks whose whole result is being fetched. */
  const completing = new Set<string>();

  let settle: { resolve(): void; reject(error: unknown): void };
  const ready = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  // A page that does not await `ready` must not get a warning about an unhandled rejection.
  ready.catch(() => {});

  const clock = createServerClock(timing.now);
  const shown = createShown(NOTHING_YET, timing);
  /** Pushed snapshots that wait for the next frame. */
  const pushed: Snapshot[] = [];
  let shownAt = 0;
  const frame = createFrameGate(
    (run) => {
      const handle = timing.setTimeout(run, shownAt + FRAME - timing.now());
      return () => timing.clearTimeout(handle);
    },
    () => {
      shownAt = timing.now();
      receive(pushed.splice(0));
    },
  );
  const http: Http = createHttp({
    ...{ base, fetch, headers, timing, clock },
    generation: () => state.generation,
    onAnswer: (...of) => dispatch('answered', ...of),
  });
  const outbox = createSeenOutbox((ids) => http.post('/seen', { ids }));
  const rounds = createRounds({ timing, page, state: () => state, ask: askOnce });
  const checkUser = serially(async () => {
    dispatch('userDoubted');
    // If the server is away, the next round asks for this as well.
    await readConnection().catch(() => {});
  });
  const tabs = createTabs({
    name: `inloop:who:${base}`,
    timing,
    belief: () => (state.isSignedOut ? null : (state.channel ?? undefined)),
    check: checkUser,
  });
  const actions: FeedActions = {
    ask: () => void rounds.ask(),
    planRound: rounds.plan,
    dropEverything() {
      dropConnection();
      http.forget();
      commands.clear();
      completing.clear();
      outbox.forget();
    },
    nameUser: (channel) => dispatch('userNamed', channel),
    tellTabs: tabs.say,
    connect(info) {
      dropLink();
      link = makeLink(info);
      link.start();
    },
    startLink: () => link?.start(),
    retryLink: () => link?.retrySoon(),
    renewLink: () => link?.renew(),
    loadResult,
  };
  const stopListening = page.listen((signal) => {
    if (signal === 'wake') void refresh();
    // While `needsInfo` is set, the next round asks for this anyway.
    else if (signal === 'focus') (!state.needsInfo || state.isSignedOut) && void checkUser();
    else {
      // A page with an open connection is not kept in the back/forward cache.
      link?.pause();
      rounds.stop();
      tabs.leave();
    }
  });
  tabs.open();
  void rounds.ask();

  // The state machine

  /** Makes the next state, shows it, then performs the effects. */
  function dispatch<Name extends keyof FeedEvents>(event: Name, ...of: Parameters<FeedEvents[Name]>): void {
    const before = state;
    const [after, effects] = RULES[event](before, timing.now(), ...of);
    state = after;
    explanation?.then(({ sayWhy }) => sayWhy(event, of, before, after, effects));
    shown.set(toFeedSnapshot(state, shown.get().connection));
    // A listener may have closed the feed when it was told of the state.
    for (const [name, argument] of effects) if (!state.isClosed) (actions[name] as (of?: unknown) => void)(argument);
  }

  /**
   * Returns a function that says whether an answer to something asked now may still be used. The answer was checked when
   * it arrived, but promises settle later, and another answer may have changed the user in between.
   */
  function asOfNow(): () => boolean {
    const { generation } = state;
    return () => generation === state.generation && !state.isClosed;
  }

  // Push

  function makeLink(connection: ConnectionInfo): Link {
    const authorize = async (socketId: string, channel: string) => {
      const { body } = await http.authorize(connection.authEndpoint, socketId, channel);
      return expectValid(isObject(body) ? body : null);
    };
    const own: Link = createLink({
      timing,
      createPush: (handlers) => createPush({ Pusher, connection, authorize, handlers, timing }),
      onEvent: (name, data) => own === link && onPushed(name, data),
      onChange: (next) => own === link && dispatch('linkChanged', next),
    });
    return own;
  }

  /** Ends the connection. Its events are ignored from now on. */
  function dropLink(): void {
    const before = link;
    link = undefined;
    before?.pause();
  }

  function onPushed(name: string, data: unknown): void {
    const snapshot = parseSnapshot(data);
    const seen = parseSeen(data);
    if (name === SESSION_EVENT) void checkUser();
    else if (name === SEEN_EVENT && seen) dispatch('seen', seen.ids, seen.seenAt);
    else if (snapshot) {
      pushed.push(snapshot);
      frame.request();
    } else dispatch('unreadable', name);
  }

  /** Ends the connection, drops the pushed snapshots that wait, and cancels the next round. */
  function dropConnection(): void {
    dropLink();
    pushed.length = 0;
    frame.cancel();
    rounds.stop();
  }

  function receive(snapshots: readonly Snapshot[]): void {
    for (const { updatedAt } of snapshots) clock.hearChange(updatedAt);
    dispatch('received', snapshots);
  }

  // What is asked

  async function askOnce(): Promise<void> {
    if (state.isClosed) return;
    const isCurrent = asOfNow();
    const silent = silentTasks(state, timing.now());
    const gone: string[] = [];
    dispatch('roundBegan');
    try {
      const [round] = await Promise.all([
        askAll({
          ...{ http, active: activeTasks(state).map(({ id }) => id), recentFirst: state.isShort, load },
          onSnapshots: (snapshots) => isCurrent() && receive(snapshots),
          onGone: (id) => gone.push(id),
        }),
        state.needsInfo && readConnection(),
      ]);
      // To another user a task looks as if its record were gone. So check first who is signed in.
      if (gone.length) await readConnection();
      if (!isCurrent()) return;
      settle.resolve();
      dispatch('roundSucceeded', round, gone, serverTime(), silent);
      void outbox.send();
    } catch (thrown) {
      const { status, retryAfter } = thrown as TaskError;
      if (status === 404 || status === 401) settle.reject(thrown);
      if (isCurrent()) dispatch('roundFailed', status, retryAfter, silent.length > 0);
    }
  }

  async function readConnection(): Promise<void> {
    const isCurrent = asOfNow();
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
    link?.retrySoon();
    await rounds.ask();
  }

  function load(id: string): Promise<Snapshot> {
    return take(http.get(`/${encodeURIComponent(id)}`));
  }

  /** The snapshot of an answer, shown where it is still current. */
  async function take(answer: Promise<Answer>): Promise<Snapshot> {
    const isCurrent = asOfNow();
    const snapshot = expectValid(parseSnapshot((await answer).body));
    if (isCurrent()) receive([snapshot]);
    return snapshot;
  }

  function loadResult(id: string): void {
    if (completing.has(id)) return;
    completing.add(id);
    load(id).then(
      // A task that comes without its result stays in the set, or it would be fetched again and again.
      (task) => isPartial(task) || completing.delete(id),
      // Fetched again after the next round.
      () => completing.delete(id),
    );
  }

  async function loadMore(): Promise<void> {
    const isCurrent = asOfNow();
    let { cursor } = state;
    for (let pages = 0; pages < MOST_PAGES && typeof cursor === 'string'; pages++) {
      const older = await fetchPage(http, 'all', cursor);
      if (!isCurrent()) return;
      const known = state.list.tasks.length;
      dispatch('olderRead', older);
      cursor = older.nextCursor;
      if (state.list.tasks.length > known) return;
    }
  }

  // What the user does

  function start(
    task: AnyTaskDefinition | string,
    input: unknown,
    { idempotencyKey }: StartOptions = {},
  ): Promise<Snapshot> {
    const name = typeof task === 'string' ? task : task.name;
    return take(http.post('', { name, input }, { ...(idempotencyKey && { 'idempotency-key': idempotencyKey }) }));
  }

  function command(verb: 'cancel' | 'retry', id: string): Promise<Snapshot> {
    const path = `/${encodeURIComponent(id)}/${verb}`;
    const going = commands.get(path);
    if (going) return going;
    const call = take(http.post(path)).finally(() => commands.get(path) === call && commands.delete(path));
    commands.set(path, call);
    return call;
  }

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
    start: start as TaskFeed['start'],
    cancel: (id) => command('cancel', id),
    retry: (id) => command('retry', id),
    seen,
    loadMore,
    close() {
      dispatch('closed');
      stopListening();
      tabs.leave();
      dropConnection();
      settle.reject(new TaskError('closed', 'The feed is closed.', { status: 0 }));
      shown.close();
    },
  };
}
