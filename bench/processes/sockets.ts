// The process that plays up to 10,000 pages, each with a WebSocket of its own, authorized by the real server. It can take the place of
// clients.ts: it answers the calls that `RunningStack` makes. It can also cut all pages, connect all again at once, and open sessions
// of the HTTP fallback.
import http from 'node:http';
import { now, pause } from '../measure/clock.ts';
import type { TaskResult } from '../stacks/task.ts';
import { answerCalls } from './bench-process.ts';
import { type FallbackStream, openFallbackStream } from './fallback-stream.ts';
import { createFetch } from './http-fetch.ts';
import { connectPusherSocket, type PusherSocket } from './pusher-socket.ts';

/** What became of an attempt to connect many pages, or to open many sessions of the fallback. */
export interface Connected {
  /** How many are open now. */
  readonly open: number;
  /** Reasons of those that failed, and how often each came. */
  readonly failed: Readonly<Record<string, number>>;
  /** For each that this call has opened: when it was ready, in ms after the call. */
  readonly at: readonly number[];
}

/** How many pages connect at the same time while the number of pages is stepped up. */
const AT_ONCE = 200;
/** How many sessions of the fallback are opened at the same time. */
const STREAMS_AT_ONCE = 20;
/** How many connections all pages share for their requests to the server. Real browsers have connections of their own. */
const MAX_REQUESTS = 200;
/** How often a page sends a ping, as inloop's client does. */
const PING_EVERY_MS = 30_000;
/**
 * The addresses from which pages connect, in turn. Each has about 28,000 ports, and a closed connection holds its port for a minute.
 * Only Linux has more than one loopback address.
 */
const SOURCES = process.platform === 'linux' ? ['127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.5'] : [undefined];

const agent = new http.Agent({ keepAlive: true, maxSockets: MAX_REQUESTS });
const request = createFetch(agent);
const url = `http://127.0.0.1:${process.env.PORT}/tasks`;
const channelOf = (user: string) => `private-user-${user}`;
const pages = new Map<string, PusherSocket>();
const streams: FallbackStream[] = [];
const outcomes = new Map<number, number>();
let waiting: { readonly count: number; readonly resolve: () => void }[] = [];
let events = 0;
let opened = 0;

function onMessage(text: string): void {
  if (!text.includes('"event":"task.')) return;
  events += 1;
  if (!text.includes('"event":"task.succeeded"')) return;
  const { data } = JSON.parse(text) as { data: string };
  const { n } = (JSON.parse(data) as { result: TaskResult }).result;
  if (outcomes.has(n)) return;
  outcomes.set(n, now());
  for (const { count, resolve } of waiting) if (outcomes.size >= count) resolve();
}

async function ask(path: string, user: string, init: RequestInit = {}): Promise<string> {
  const answer = await request(url + path, { ...init, headers: { 'x-user': user } });
  if (!answer.ok) throw new Error(`the server answered ${answer.status} to ${path.split('?')[0]}`);
  return answer.text();
}

async function authorize(user: string, socketId: string): Promise<string> {
  const body = new URLSearchParams({ socket_id: socketId, channel_name: channelOf(user) });
  return (JSON.parse(await ask('/auth', user, { method: 'POST', body })) as { auth: string }).auth;
}

async function open(user: string): Promise<void> {
  const page = await connectPusherSocket({
    port: Number(process.env.PUSHER_PORT),
    key: process.env.PUSHER_KEY ?? '',
    channel: channelOf(user),
    from: SOURCES[opened++ % SOURCES.length],
    onMessage,
    authorize: (socketId) => authorize(user, socketId),
  });
  pages.set(user, page);
}

/** Opens session number `n` of the fallback. @param perAddress how many sessions an address may have */
async function openStream(n: number, perAddress: number): Promise<void> {
  const user = `stream-${n}`;
  const stream = await openFallbackStream({
    url: `http://127.0.0.1:${process.env.PORT}`,
    key: process.env.PUSHER_KEY ?? '',
    channel: channelOf(user),
    n,
    from: process.platform === 'linux' ? `127.0.0.${2 + Math.floor(n / perAddress)}` : undefined,
    authorize: (socketId) => authorize(user, socketId),
  });
  streams.push(stream);
}

/** Calls `act` for each of `all`, `atOnce` at a time. @returns what failed, by reason, and when the others were done */
async function actInTurn<T>(
  all: readonly T[],
  atOnce: number,
  act: (one: T) => Promise<void>,
): Promise<Omit<Connected, 'open'>> {
  const began = now();
  const failed: Record<string, number> = {};
  const at: number[] = [];
  const left = [...all].reverse();
  const next = async () => {
    for (let one = left.pop(); one !== undefined; one = left.pop()) {
      try {
        await act(one);
        at.push(now() - began);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        failed[reason] = (failed[reason] ?? 0) + 1;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, all.length) }, next));
  return { failed, at };
}

/** Fetches what a page of `user` may have missed, as inloop's client does. */
async function resync(user: string): Promise<void> {
  await Promise.all(['active', 'unseen'].map((state) => ask(`/?state=${state}&limit=100`, user)));
}

function countOpen(): number {
  let count = 0;
  for (const page of pages.values()) if (page.isOpen) count += 1;
  return count;
}

// Each second a thirtieth of the pages sends a ping, so that the pings do not come all at once.
let turn = 0;
const slices = PING_EVERY_MS / 1_000;
const pinging = setInterval(() => {
  turn = (turn + 1) % slices;
  let index = 0;
  for (const page of pages.values()) if (index++ % slices === turn) page.ping();
}, 1_000);

answerCalls(
  {
    /** Connects a page for each of these users. */
    async connect({ users }: { users: readonly string[] }): Promise<Connected> {
      const done = await actInTurn(users, AT_ONCE, open);
      return { open: countOpen(), ...done };
    },
    /** Opens sessions of the fallback until there are `total`. */
    async stream({ total, perAddress }: { total: number; perAddress: number }): Promise<Connected> {
      const numbers = Array.from({ length: total - streams.length }, (_, index) => streams.length + index);
      const done = await actInTurn(numbers, STREAMS_AT_ONCE, (n) => openStream(n, perAddress));
      return { open: streams.length, ...done };
    },
    /** Cuts the connections of all pages, not the sessions of the fallback. Resolves when they are gone. */
    async cut() {
      await Promise.all([...pages.values()].map((page) => page.cut()));
    },
    /** Connects all users again, all at the same moment, and lets each fetch what it may have missed. */
    async reconnect(): Promise<Connected> {
      const users = [...pages.keys()];
      pages.clear();
      const done = await actInTurn(users, users.length, async (user) => {
        await open(user);
        await resync(user);
      });
      return { open: countOpen(), ...done };
    },
    /** Does nothing: only pages that poll have to know of tasks before they start. */
    expect: () => undefined,
    /** Resolves when `count` outcomes have reached their users since the last `take`, at the latest after `ms`. */
    async waitForOutcomes({ count, ms }: { count: number; ms: number }) {
      if (outcomes.size >= count) return;
      const all = new Promise<void>((resolve) => waiting.push({ count, resolve }));
      await Promise.race([all, pause(ms)]);
    },
    /** Returns what has arrived since the last `take`, and forgets it. */
    take() {
      const taken = { outcomes: [...outcomes], events, polls: 0, steps: {} };
      outcomes.clear();
      waiting = [];
      events = 0;
      return taken;
    },
  },
  async () => {
    clearInterval(pinging);
    agent.destroy();
    for (const connection of [...pages.values(), ...streams]) void connection.cut();
  },
);
