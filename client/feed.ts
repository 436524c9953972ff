/**
 * The task feed: the one object a page needs to follow its user's tasks, whatever happens to the network.
 * Everything that can be decided without waiting is decided elsewhere (`merge.ts`, `resync.ts`, `connection.ts`);
 * this file holds the state, the timers and the order of things: subscribe, then fetch, then merge.
 */

import type { AnyTaskDefinition } from '../core/definition.ts';
import { TaskError } from '../core/error.ts';
import { MAX_SEEN_IDS } from '../core/limits.ts';
import { isFinished, type Snapshot } from '../core/snapshot.ts';
import { type ConnectionInfo, isPartial, SEEN_EVENT } from '../core/wire.ts';
import { toConnectionState } from './connection.ts';
import type { PageSignal } from './environment.ts';
import { type Answer, createHttp, type Http } from './http.ts';
import { createLink, type Link } from './link.ts';
import { findTask, isGone, markGone, markSeen, mergeSnapshots, NO_TASKS, type TaskList } from './merge.ts';
import { checkOptions, type FeedOptions } from './options.ts';
import { isObject, parseConnection, parseSeen, parseSnapshot } from './parse.ts';
import { createPush } from './pusher.ts';
import { askAll, fetchPage, nextRound, SILENCE, sound } from './resync.ts';
import { type FeedSnapshot, NOTHING_YET, type PendingFeed, type StartOptions, type TaskFeed } from './task-feed.ts';

export type { FeedSnapshot, PendingFeed, StartOptions, TaskFeed };

/** One frame: events that come closer together are shown together. */
const FRAME = 16;
const NEVER = Number.POSITIVE_INFINITY;

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
  const listeners = new Set<() => void>();
  /** When each task was last heard of, by push or by fetch. */
  const heard = new Map<string, number>();
  const calls = new Map<string, Promise<Snapshot>>();
  const unsentSeen = new Set<string>();
  /** Tasks whose whole result is being fetched. */
  const completing = new Set<string>();

  let list: TaskList = NO_TASKS;
  let cursor: string | null | undefined;
  /** Whether all that there is fitted on one short page, as far as is known: most users never have more. */
  let isShort = true;
  let shown = NOTHING_YET;

  let info: ConnectionInfo | undefined;
  let needsInfo = true;
  let link: Link | undefined;
  /** Grows when the user changes, so that answers to the user before are dropped. */
  let era = 0;
  let isClosed = false;
  let isSignedOut = false;
  let failures = 0;
  let failingSince: number | null = null;
  let retryAfter = 0;

  let isAsking = false;
  let asksAgain = false;
  let roundTimer: unknown;
  let roundAt = NEVER;

  let incoming: Snapshot[] = [];
  let frameTimer: unknown;
  let frameAt = 0;

  let settle: { resolve(): void; reject(error: unknown): void };
  const ready = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  // Whoever awaits it gets the error; a page that does not is not bothered with an unhandled rejection.
  ready.catch(() => {});

  const http: Http = createHttp({ base, fetch, headers, timing, onSignedOut });
  const stopListening = page.listen(onPageSignal);
  void ask();

  // What is shown

  function publish(): void {
    const connection = toConnectionState({ isClosed, isSignedOut, link: link?.state, failingSince }, shown.connection);
    const next: FeedSnapshot = { tasks: list.tasks, connection, hasMore: !!cursor };
    if (shown.tasks === next.tasks && shown.connection === connection && shown.hasMore === next.hasMore) return;
    shown = next;
    for (const listener of [...listeners]) {
      try {
        listener();
      } catch (error) {
        // One listener's fault is the page's to see, and no reason for the others to miss the news.
        timing.setTimeout(() => {
          throw error;
        }, 0);
      }
    }
  }

  function merge(snapshots: readonly Snapshot[]): void {
    list = mergeSnapshots(list, snapshots);
    for (const { id } of snapshots) heard.set(id, timing.now());
    if (snapshots.some(isPartial)) completeResults();
    publish();
    plan();
  }

  function onEvent(name: string, data: unknown): void {
    if (name === SEEN_EVENT) {
      const event = parseSeen(data);
      if (event) list = markSeen(list, event.ids, event.seenAt);
      publish();
    }
    const snapshot = parseSnapshot(data);
    if (snapshot) incoming.push(snapshot);
    frameTimer ??= timing.setTimeout(
      () => {
        frameTimer = undefined;
        frameAt = timing.now();
        merge(incoming.splice(0));
      },
      frameAt + FRAME - timing.now(),
    );
  }

  /** Fetches the results that were too big for a message; what fails is tried again after the next round. */
  function completeResults(): void {
    for (const { id } of list.tasks.filter(isPartial)) {
      if (completing.has(id)) continue;
      completing.add(id);
      load(id).catch(() => completing.delete(id));
    }
  }

  // Asking

  async function ask(): Promise<void> {
    asksAgain = true;
    if (isAsking) return;
    isAsking = true;
    unplan();
    while (asksAgain && !isClosed) {
      asksAgain = false;
      await askOnce();
    }
    isAsking = false;
    plan();
  }

  async function askOnce(): Promise<void> {
    const own = era;
    const before = list;
    const silent = link?.state.isUp ? activeIds().filter((id) => silenceOf(id) >= SILENCE) : [];
    try {
      const [round] = await Promise.all([
        askAll({
          http,
          active: activeIds(),
          recentFirst: isShort,
          load,
          onSnapshots: (snapshots) => own === era && merge(snapshots),
          onGone: (id) => {
            if (own === era) list = markGone(list, id, toTime());
          },
        }),
        needsInfo && refreshInfo(),
      ]);
      if (own !== era) {
        asksAgain = true;
        return;
      }
      isShort = round.cursor === null;
      // Where it was short before, what is older than this page is known.
      if (cursor === undefined) cursor = round.cursor;
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
      failures++;
      failingSince ??= timing.now();
      retryAfter = wait ?? 0;
      if (!status && silent.length) link?.suspect();
    }
    publish();
  }

  async function refreshInfo(): Promise<void> {
    const own = era;
    const next = sound(parseConnection((await http.get('/connection')).body));
    if (own !== era) return;
    needsInfo = isSignedOut = false;
    if (info && info.channel !== next.channel) forgetUser();
    if (JSON.stringify(info) !== JSON.stringify(next)) {
      info = next;
      link?.pause();
      link = makeLink(next);
    }
    link?.start();
  }

  function makeLink(connection: ConnectionInfo): Link {
    const authorize = async (socketId: string, channel: string) => {
      const { body } = await http.authorize(connection.authEndpoint, socketId, channel);
      return sound(isObject(body) ? body : null);
    };
    const own: Link = createLink({
      timing,
      createPush: (handlers) => createPush({ Pusher, connection, authorize, handlers }),
      onEvent: (name, data) => own === link && onEvent(name, data),
      onChange({ isUp, loss }) {
        if (own !== link) return;
        publish();
        // Not authorized: somebody else has signed in, perhaps.
        needsInfo ||= loss === 'unauthorized';
        if (isUp || needsInfo) void ask();
        else plan();
      },
    });
    return own;
  }

  function forgetUser(): void {
    era++;
    list = NO_TASKS;
    cursor = undefined;
    isShort = true;
    incoming = [];
    for (const kept of [heard, calls, unsentSeen, completing]) kept.clear();
    http.forget();
  }

  function onSignedOut(): void {
    isSignedOut = needsInfo = true;
    link?.pause();
    unplan();
    publish();
  }

  // When to ask next

  function activeIds(): string[] {
    return list.tasks.filter((task) => !isFinished(task)).map(({ id }) => id);
  }

  function silenceOf(id: string): number {
    return timing.now() - (heard.get(id) ?? 0);
  }

  function longestSilence(): number {
    return Math.max(0, ...activeIds().map(silenceOf));
  }

  function unplan(): void {
    timing.clearTimeout(roundTimer);
    roundAt = NEVER;
  }

  /** Sets the time of the next round, or leaves it where it would only be later: state changes must not put it off. */
  function plan(): void {
    if (isClosed || isSignedOut || isAsking) return;
    const isPushed = !!link?.state.isUp;
    // Whether something is due is looked at again when its time has come; until then any event may have put it off.
    if (isPushed && roundAt < NEVER) return;
    const pace = {
      isPushed,
      failures,
      retryAfter,
      isVisible: page.isVisible(),
      hasActive: activeIds().length > 0,
      silence: longestSilence(),
    };
    const wait = nextRound(pace, timing.random());
    if (wait === null || timing.now() + wait >= roundAt) return;
    unplan();
    roundAt = timing.now() + wait;
    roundTimer = timing.setTimeout(() => {
      unplan();
      if (link?.state.isUp && !failures && longestSilence() < SILENCE) plan();
      else void ask();
    }, wait);
  }

  function onPageSignal(signal: PageSignal): void {
    if (signal === 'hide') {
      // A page with an open connection is not kept in the back/forward cache.
      link?.pause();
      unplan();
      return;
    }
    needsInfo = true;
    link?.hurry();
    void ask();
  }

  // What the user does

  function load(id: string): Promise<Snapshot> {
    return take(http.get(`/${encodeURIComponent(id)}`));
  }

  async function take(answer: Promise<Answer>): Promise<Snapshot> {
    const own = era;
    const snapshot = sound(parseSnapshot((await answer).body));
    if (own === era) merge([snapshot]);
    return snapshot;
  }

  function command(verb: string, id: string): Promise<Snapshot> {
    const path = `/${encodeURIComponent(id)}/${verb}`;
    const going = calls.get(path);
    if (going) return going;
    const call = take(http.post(path)).finally(() => calls.delete(path));
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
    try {
      await http.post('/seen', { ids });
    } catch (error) {
      // Tried again after the next round that works; a refusal would be refused again.
      if ((error as TaskError).retryable) for (const id of ids) unsentSeen.add(id);
    }
  }

  function toTime(): string {
    return new Date(timing.now()).toISOString();
  }

  return {
    ready,
    getSnapshot: () => shown,
    subscribe(listener) {
      // Its own wrapper: subscribing one function twice and ending one of the two leaves the other.
      const own = () => listener();
      listeners.add(own);
      return () => listeners.delete(own);
    },
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
    async loadMore() {
      if (!cursor) return;
      const own = era;
      const more = await fetchPage(http, 'all', cursor);
      if (own !== era) return;
      cursor = more.nextCursor;
      merge(more.tasks);
    },
    close() {
      isClosed = true;
      era++;
      stopListening();
      link?.pause();
      link = undefined;
      unplan();
      timing.clearTimeout(frameTimer);
      settle.reject(new TaskError('closed', 'The feed is closed.', { status: 0 }));
      publish();
      listeners.clear();
    },
  };
}
