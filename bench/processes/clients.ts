// The process that plays the pages, one for each user. How a page is told about the tasks depends on the stack (`ClientKind`).
import http from 'node:http';
import { createTaskFeed, type FeedSnapshot, type PageSignal, type PendingFeed, type TaskFeed } from 'inloop/client';
import pusherJs from 'pusher-js';
import { io } from 'socket.io-client';
import { now, pause } from '../measure/clock.ts';
import type { ClientKind } from '../stacks/stack.ts';
import type { TaskResult } from '../stacks/task.ts';
import { answerCalls } from './bench-process.ts';
import { createFetch } from './http-fetch.ts';

// The types of pusher-js say that the class is its module's `default`; in Node it is the module itself.
const Pusher = pusherJs as unknown as typeof pusherJs.default;
const POLL_EVERY_MS = 500;

const url = `http://127.0.0.1:${process.env.PORT}`;
const pollingFetch = createFetch(new http.Agent({ keepAlive: true }));
/** By the number of the task: when its outcome first reached its user. */
const outcomes = new Map<number, number>();
/** Calls of `waitForOutcomes` that wait for more outcomes. */
const waiting: { readonly count: number; readonly resolve: () => void }[] = [];
/** By user: how many tasks have not ended. A user without such tasks has no entry, and their page does not poll. */
const active = new Map<string, number>();
/** What ends the connections when the process stops. */
const closers: (() => void)[] = [];

/** A page with inloop's own client. `tell` gives it the signals that a browser would give (hidden, shown again). */
interface Page {
  readonly feed: PendingFeed;
  readonly tell: (signal: PageSignal) => void;
  readonly close: () => void;
}

const pages: Page[] = [];
/** How many events of tasks have reached pages, and how many requests polling pages have made. */
let events = 0;
let polls = 0;
/** By user: when the page got an event other than an outcome. */
const steps = new Map<string, number[]>();

function onOutcome(n: number): void {
  if (outcomes.has(n)) return;
  outcomes.set(n, now());
  for (const { count, resolve } of waiting) if (outcomes.size >= count) resolve();
}

function onEvent(user: string, name: string, data: unknown): void {
  if (!name.startsWith('task.')) return;
  events += 1;
  if (name === 'task.succeeded') onOutcome((data as { result: TaskResult }).result.n);
  else steps.get(user)?.push(now()) ?? steps.set(user, [now()]);
}

async function connectPusher(user: string): Promise<void> {
  const pusher = new Pusher(process.env.PUSHER_KEY as string, {
    cluster: 'bench',
    wsHost: '127.0.0.1',
    wsPort: Number(process.env.PUSHER_PORT),
    forceTLS: false,
    enabledTransports: ['ws'],
    enableStats: false,
    channelAuthorization: { endpoint: `${url}/tasks/auth`, transport: 'ajax', headers: { 'x-user': user } },
  });
  closers.push(() => pusher.disconnect());
  const channel = pusher.subscribe(`private-user-${user}`);
  channel.bind_global((name: string, data: unknown) => onEvent(user, name, data));
  await new Promise<void>((resolve, reject) => {
    channel.bind('pusher:subscription_succeeded', () => resolve());
    channel.bind('pusher:subscription_error', (error: unknown) => reject(new Error(JSON.stringify(error))));
  });
}

async function connectSocket(user: string): Promise<void> {
  const socket = io(url, { transports: ['websocket'], auth: { user }, forceNew: true });
  closers.push(() => socket.close());
  socket.onAny((name: string, data: unknown) => onEvent(user, name, data));
  await new Promise<void>((resolve, reject) => {
    socket.on('connect', () => resolve());
    socket.on('connect_error', reject);
  });
}

/** Polls every 500 ms while the user has tasks that have not ended. The first poll comes at a random moment. */
function startPolling(user: string): void {
  let isPolling = false;
  /** Tasks whose outcome was counted. Their rows stay in later answers, and must not count again. */
  const counted = new Set<number>();
  const poll = async () => {
    if (isPolling || !active.has(user)) return;
    isPolling = true;
    polls += 1;
    const { tasks } = (await getJson(`${url}/tasks`, user)) as { tasks: { status: string; result?: TaskResult }[] };
    for (const { status, result } of tasks) {
      if (status !== 'succeeded' || !result || counted.has(result.n)) continue;
      counted.add(result.n);
      onOutcome(result.n);
      const left = (active.get(user) ?? 0) - 1;
      if (left > 0) active.set(user, left);
      else active.delete(user);
    }
    isPolling = false;
  };
  let timer: NodeJS.Timeout;
  const first = setTimeout(() => {
    timer = setInterval(() => void poll(), POLL_EVERY_MS);
  }, Math.random() * POLL_EVERY_MS);
  closers.push(() => {
    clearTimeout(first);
    clearInterval(timer);
  });
}

async function getJson(address: string, user: string): Promise<unknown> {
  return JSON.parse(await (await pollingFetch(address, { headers: { 'x-user': user } })).text());
}

/** Opens a page with inloop's own client. It has connections of its own, at most six, as in a browser. */
function openFeed(user: string): PendingFeed {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 6 });
  let tell: (signal: PageSignal) => void = () => undefined;
  const feed = createTaskFeed({
    url: `${url}/tasks`,
    Pusher: Pusher as never,
    headers: { 'x-user': user },
    fetch: createFetch(agent),
    page: {
      isVisible: () => true,
      listen(listener) {
        tell = listener;
        return () => undefined;
      },
    },
  });
  const close = () => {
    feed.close();
    agent.destroy();
  };
  pages.push({ feed, tell, close });
  closers.push(close);
  return feed;
}

/** Resolves when `condition` holds for what the feed shows; rejects after a minute. */
function waitUntil(feed: TaskFeed, condition: (shown: FeedSnapshot) => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('A page does not show its tasks, or is not live.')), 60_000);
    const check = () => {
      if (!condition(feed.getSnapshot())) return;
      clearTimeout(late);
      stop();
      resolve();
    };
    const stop = feed.subscribe(check);
    check();
  });
}

/** Connects 50 users at a time, so that the machine does not run out of ports. How long that takes is not measured. */
async function connectInGroups(users: readonly string[], connect: (user: string) => Promise<void>): Promise<void> {
  for (let at = 0; at < users.length; at += 50) await Promise.all(users.slice(at, at + 50).map(connect));
}

/**
 * Calls `act` for each of `all`, spread evenly over `ms`.
 * @returns for each, in ms: how long it took (`took`), and when it ended after the call of this function (`at`)
 */
async function spreadOver<T>(ms: number, all: readonly T[], act: (one: T) => Promise<void>) {
  const began = now();
  return Promise.all(
    all.map(async (one, index) => {
      await pause((index / all.length) * ms);
      const startedAt = now();
      await act(one);
      return { took: now() - startedAt, at: now() - began };
    }),
  );
}

answerCalls(
  {
    /** Opens a page of the stack's kind for each user; resolves when all are connected. */
    async connect({ kind, users }: { kind: ClientKind; users: readonly string[] }) {
      if (kind === 'poll') for (const user of users) startPolling(user);
      const connect = { pusher: connectPusher, 'socket.io': connectSocket, poll: null, none: null }[kind];
      if (connect) await connectInGroups(users, connect);
    },
    /** Opens a page with inloop's own client for one user. An outcome counts as arrived when the feed's listener is called. */
    async follow(user: string) {
      const feed = openFeed(user);
      await feed.ready;
      feed.subscribe(() => {
        for (const task of feed.getSnapshot().tasks) {
          if (task.status === 'succeeded') onOutcome((task.result as TaskResult).n);
        }
      });
    },
    /** Opens a page with inloop's own client for each user, and waits until they are live. */
    async openPages(users: readonly string[]) {
      await connectInGroups(users, (user) =>
        waitUntil(openFeed(user), ({ connection }) => connection.status === 'live'),
      );
    },
    /** Hides all pages: the browser keeps the pages and closes their connections. */
    hidePages() {
      for (const { tell } of pages) tell('hide');
    },
    /** Shows all pages again within `ms`; waits until each shows `tasks` tasks. */
    wakePages({ ms, tasks }: { ms: number; tasks: number }) {
      return spreadOver(ms, pages, ({ feed, tell }) => {
        tell('wake');
        return waitUntil(feed, (shown) => shown.tasks.length >= tasks);
      });
    },
    /** Closes all pages and opens new ones within `ms`; waits until each shows `tasks` tasks. */
    reopenPages({ users, ms, tasks }: { users: readonly string[]; ms: number; tasks: number }) {
      for (const { close } of pages.splice(0)) close();
      return spreadOver(ms, users, (user) => waitUntil(openFeed(user), (shown) => shown.tasks.length >= tasks));
    },
    /** Notes that tasks are about to start. @param users the user of each task; a user with three tasks is named three times */
    expect(users: readonly string[]) {
      for (const user of users) active.set(user, (active.get(user) ?? 0) + 1);
    },
    /** Resolves when `count` outcomes have reached their users since the last `take`, at the latest after `ms`. */
    waitForOutcomes({ count, ms }: { count: number; ms: number }) {
      if (outcomes.size >= count) return;
      return new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        waiting.push({
          count,
          resolve() {
            clearTimeout(timer);
            resolve();
          },
        });
      });
    },
    /** Returns what has arrived since the last `take`, and forgets it. */
    take() {
      const taken = { outcomes: [...outcomes], events, polls, steps: Object.fromEntries(steps) };
      outcomes.clear();
      steps.clear();
      waiting.splice(0);
      active.clear();
      events = polls = 0;
      return taken;
    },
  },
  async () => {
    for (const close of closers) close();
  },
);
