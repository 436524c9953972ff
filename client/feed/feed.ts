/**
 * The task feed: the one object a page needs to follow its user's tasks, whatever happens to the network.
 * Each part has one concern: whose tasks they are (`user.ts`, `tabs.ts`), how snapshots become a list (`merge.ts`,
 * `history.ts`), when to ask (`rounds.ts`, `resync.ts`), what keeps push alive (`link.ts`), what time it is (`clock.ts`).
 * This file holds the order of things: subscribe, then fetch, then merge.
 */

import type { AnyTaskDefinition } from '../../core/definition.ts';
import { TaskError } from '../../core/error.ts';
import { MAX_SEEN_IDS } from '../../core/limits.ts';
import { isFinished, type Snapshot } from '../../core/snapshot.ts';
import { type ConnectionInfo, isPartial, SEEN_EVENT, SESSION_EVENT } from '../../core/wire.ts';
import { createServerClock } from '../clock.ts';
import type { PageSignal } from '../environment.ts';
import { type Answer, createHttp, type Http } from '../http.ts';
import { isObject, parseConnection, parseSeen, parseSnapshot } from '../parse.ts';
import { createLink, type Link } from '../push/link.ts';
import { createPush } from '../push/pusher.ts';
import { createTabs } from '../tabs/tabs.ts';
import { toConnectionState } from './connection.ts';
import { createFrames } from './frames.ts';
import { createHistory } from './history.ts';
import { findTask, isGone, markGone, markSeen, mergeSnapshots, NO_TASKS, type TaskList, turnTo } from './merge.ts';
import { checkOptions, type FeedOptions } from './options.ts';
import { askAll, fetchPage, nextRound, SILENCE, sound } from './resync.ts';
import { createRounds } from './rounds.ts';
import { serially } from './serially.ts';
import { createShown } from './shown.ts';
import { type FeedSnapshot, NOTHING_YET, type PendingFeed, type StartOptions, type TaskFeed } from './task-feed.ts';
import { createUser } from './user.ts';

export type { FeedSnapshot, PendingFeed, StartOptions, TaskFeed };

/**
 * Connects to the tasks of the signed-in user. Resolves once the first fetch is in, even where push is not up yet.
 * @throws TaskError `invalid_options`; with status 401 where nobody is signed in, 404 where no task router answers
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

/** Like {@link connectTasks}, for those who want to show something while it connects. @throws TaskError `invalid_options` */
export function createTaskFeed(options: FeedOptions): PendingFeed {
  const { base, Pusher, fetch, headers, timing, page } = checkOptions(options);
  /** When each active task was last heard of, by push or by fetch. */
  const heard = new Map<string, number>();
  const calls = new Map<string, Promise<Snapshot>>();
  const unsentSeen = new Set<string>();
  /** Tasks whose whole result is being fetched. */
  const completing = new Set<string>();

  let list: TaskList = NO_TASKS;
  /** Whether all that there is fitted on one short page, as far as is known: most users never have more. */
  let isShort = true;
  let info: ConnectionInfo | undefined;
  let needsInfo = true;
  let link: Link | undefined;
  let isClosed = false;
  let failures = 0;
  let failingSince: number | null = null;
  let retryAfter = 0;
  /** What was known was forgotten, and nothing was asked since. */
  let needsRound = false;

  let settle: { resolve(): void; reject(error: unknown): void };
  const ready = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  // Whoever awaits it gets the error; a page that does not is not bothered with an unhandled rejection.
  ready.catch(() => {});

  const clock = createServerClock(timing.now);
  const shown = createShown(NOTHING_YET, timing);
  const history = createHistory();
  const frames = createFrames<Snapshot>(timing, merge);
  const user = createUser({ timing, onForget: forgetUser, onKnown });
  const http: Http = createHttp({ base, fetch, headers, timing, user, clock });
  const rounds = createRounds({
    timing,
    ask: askOnce,
    wait: nextWait,
    isPushed: () => !!link?.state.isUp,
    isDue: () => !link?.state.isUp || failures > 0 || longestSilence() >= SILENCE,
    isOff: () => isClosed || user.isSignedOut,
  });
  const checkUser = serially(async () => {
    needsInfo = true;
    // Where the server is away, whatever finds it again asks for this as well.
    await refreshInfo().catch(() => {});
  });
  const tabs = createTabs({
    name: `inloop:who:${base}`,
    timing,
    belief: () => (user.isSignedOut ? null : (user.channel ?? undefined)),
    check: checkUser,
  });
  tabs.open();
  const stopListening = page.listen(onPageSignal);
  void rounds.ask();

  // What is shown

  function publish(): void {
    const facts = { isClosed, isSignedOut: user.isSignedOut, link: link?.state, failingSince };
    const connection = toConnectionState(facts, shown.get().connection);
    shown.set({ tasks: list.tasks, connection, hasMore: history.hasMore, channel: list.channel });
  }

  function merge(snapshots: readonly Snapshot[]): void {
    list = history.trim(mergeSnapshots(list, snapshots, user.channel));
    for (const { id, updatedAt } of snapshots) {
      clock.hearChange(updatedAt);
      const task = findTask(list, id);
      if (task && !isFinished(task)) heard.set(id, timing.now());
      else heard.delete(id);
    }
    if (snapshots.some(isPartial)) completeResults();
    publish();
    rounds.plan();
  }

  function onEvent(name: string, data: unknown): void {
    if (name === SESSION_EVENT) void checkUser();
    if (name === SEEN_EVENT) {
      const event = parseSeen(data);
      if (event) list = markSeen(list, event.ids, event.seenAt);
      publish();
    }
    frames.add(parseSnapshot(data));
  }

  /** Fetches the results that were too big for a message; what fails is tried again after the next round. */
  function completeResults(): void {
    for (const { id } of list.tasks.filter(isPartial)) {
      if (completing.has(id)) continue;
      completing.add(id);
      load(id).then(
        // One that comes without its result would be asked for again and again.
        (task) => isPartial(task) || completing.delete(id),
        () => completing.delete(id),
      );
    }
  }

  // Whose tasks they are

  /** Somebody else has signed in, or nobody is: nothing that is known may be shown or used any more. */
  function forgetUser(): void {
    if (user.isDisputed) failures++;
    needsRound = needsInfo = isShort = true;
    list = NO_TASKS;
    info = undefined;
    const before = link;
    // First: nothing that it says any more is to be acted upon.
    link = undefined;
    before?.pause();
    frames.drop();
    history.forget();
    http.forget();
    rounds.stop();
    for (const kept of [heard, calls, unsentSeen, completing]) kept.clear();
    if (user.isSignedOut) tabs.say();
    publish();
  }

  function onKnown(): void {
    list = turnTo(list, user.channel);
    tabs.say();
    publish();
    if (!needsRound) return;
    if (user.isDisputed) rounds.plan();
    else void rounds.ask();
  }

  async function refreshInfo(): Promise<void> {
    const isCurrent = asOf();
    const { body, channel } = await http.get('/connection');
    const next = sound(parseConnection(body));
    if (!isCurrent()) return;
    if (channel === null) user.turnTo(next.channel);
    needsInfo = user.isDisputed;
    if (needsInfo) return;
    if (JSON.stringify(info) !== JSON.stringify(next)) {
      info = next;
      link?.pause();
      link = makeLink(next);
    }
    link?.start();
  }

  /**
   * Returns what tells whether something asked now is still to be used. An answer was judged when it came, but it takes
   * some turns from there to where it is merged, and another one may have come in between.
   */
  function asOf(): () => boolean {
    const { generation } = user;
    return () => generation === user.generation && !isClosed;
  }

  // Asking

  async function askOnce(): Promise<void> {
    if (isClosed) return;
    needsRound = false;
    const isCurrent = asOf();
    const before = list;
    const gone: string[] = [];
    const silent = link?.state.isUp ? activeIds().filter((id) => silenceOf(id) >= SILENCE) : [];
    try {
      const [round] = await Promise.all([
        askAll({
          ...{ http, active: activeIds(), recentFirst: isShort, load },
          onSnapshots: (snapshots) => isCurrent() && merge(snapshots),
          onGone: (id) => gone.push(id),
        }),
        needsInfo && refreshInfo(),
      ]);
      // To anybody else a task looks as if it were not there: who is asking comes first.
      if (gone.length) await refreshInfo();
      if (!isCurrent()) return;
      for (const id of gone) list = markGone(list, id, toTime());
      isShort = round.cursor === null;
      history.startFrom(round.cursor);
      // Whatever ended the outage may have brought the bus back, too, or the server that authorizes its channel.
      if (failures > 0) link?.hurry();
      failures = 0;
      failingSince = null;
      retryAfter = round.retryAfter;
      settle.resolve();
      // News about tasks that had been silent should have come by push: the connection may be dead and not know it.
      if (silent.some((id) => findTask(before, id)?.revision !== findTask(list, id)?.revision)) link?.suspect();
      completeResults();
      void sendSeen();
    } catch (thrown) {
      const { status, retryAfter: wait } = thrown as TaskError;
      if (status === 404 || status === 401) settle.reject(thrown);
      if (!isCurrent()) return;
      failures++;
      failingSince ??= timing.now();
      retryAfter = wait ?? 0;
      if (!status && silent.length) link?.suspect();
    }
    publish();
  }

  function makeLink(connection: ConnectionInfo): Link {
    const authorize = async (socketId: string, channel: string) => {
      const { body } = await http.authorize(connection.authEndpoint, socketId, channel);
      return sound(isObject(body) ? body : null);
    };
    const own: Link = createLink({
      timing,
      createPush: (handlers) => createPush({ Pusher, connection, authorize, handlers, timing }),
      onEvent: (name, data) => own === link && onEvent(name, data),
      onChange({ isUp, loss }) {
        if (own !== link) return;
        publish();
        // Not authorized: somebody else has signed in, perhaps.
        needsInfo ||= loss === 'unauthorized';
        if (isUp || needsInfo) void rounds.ask();
        else rounds.plan();
      },
    });
    return own;
  }

  // When to ask next

  function activeIds(): string[] {
    return list.tasks.filter((task) => !isFinished(task)).map(({ id }) => id);
  }

  function silenceOf(id: string): number {
    return timing.now() - (heard.get(id) ?? 0);
  }

  function longestSilence(): number {
    return activeIds().reduce((longest, id) => Math.max(longest, silenceOf(id)), 0);
  }

  function nextWait(): number | null {
    const pace = {
      isPushed: !!link?.state.isUp,
      failures,
      retryAfter,
      isVisible: page.isVisible(),
      hasActive: activeIds().length > 0,
      silence: longestSilence(),
    };
    return nextRound(pace, timing.random());
  }

  function onPageSignal(signal: PageSignal): void {
    if (signal === 'hide') {
      // A page with an open connection is not kept in the back/forward cache.
      link?.pause();
      rounds.stop();
      tabs.leave();
    } else if (signal === 'focus') {
      // Where that is being asked already, it need not be asked twice.
      if (!needsInfo || user.isSignedOut) void checkUser();
    } else void refresh();
  }

  function refresh(): Promise<void> {
    if (isClosed) return Promise.resolve();
    tabs.open();
    needsInfo = true;
    link?.hurry();
    return rounds.ask();
  }

  // What the user does

  function load(id: string): Promise<Snapshot> {
    return take(http.get(`/${encodeURIComponent(id)}`));
  }

  async function take(answer: Promise<Answer>): Promise<Snapshot> {
    const isCurrent = asOf();
    const snapshot = sound(parseSnapshot((await answer).body));
    if (isCurrent()) merge([snapshot]);
    return snapshot;
  }

  function command(verb: string, id: string): Promise<Snapshot> {
    const path = `/${encodeURIComponent(id)}/${verb}`;
    const going = calls.get(path);
    if (going) return going;
    const call = take(http.post(path)).finally(() => calls.get(path) === call && calls.delete(path));
    calls.set(path, call);
    return call;
  }

  function start(
    task: AnyTaskDefinition | string,
    input: unknown,
    { idempotencyKey }: StartOptions = {},
  ): Promise<Snapshot> {
    const name = typeof task === 'string' ? task : task.name;
    return take(http.post('', { name, input }, { ...(idempotencyKey && { 'idempotency-key': idempotencyKey }) }));
  }

  async function sendSeen(): Promise<void> {
    const ids = [...unsentSeen].slice(0, MAX_SEEN_IDS);
    if (!ids.length) return;
    for (const id of ids) unsentSeen.delete(id);
    const isCurrent = asOf();
    try {
      await http.post('/seen', { ids });
    } catch (error) {
      // Tried again after the next round that works; a refusal would be refused again, and another user never saw them.
      if ((error as TaskError).retryable && isCurrent()) for (const id of ids) unsentSeen.add(id);
    }
  }

  function toTime(): string {
    return new Date(clock.now()).toISOString();
  }

  return {
    ready,
    getSnapshot: shown.get,
    subscribe: shown.subscribe,
    now: clock.now,
    refresh,
    get: (id) => findTask(list, id),
    load,
    start: start as TaskFeed['start'],
    cancel: (id) => command('cancel', id),
    retry: (id) => command('retry', id),
    seen(ids) {
      for (const id of ids) {
        const task = findTask(list, id);
        if (!task || !(task.seenAt || isGone(task))) unsentSeen.add(id);
      }
      list = markSeen(list, ids, toTime());
      publish();
      void sendSeen();
    },
    loadMore: () =>
      history.more(
        (cursor) => fetchPage(http, 'all', cursor),
        ({ tasks }) => {
          const known = list.tasks.length;
          merge(tasks);
          return list.tasks.length > known;
        },
      ),
    close() {
      isClosed = true;
      stopListening();
      tabs.leave();
      link?.pause();
      link = undefined;
      rounds.stop();
      frames.drop();
      settle.reject(new TaskError('closed', 'The feed is closed.', { status: 0 }));
      publish();
      shown.close();
    },
  };
}
