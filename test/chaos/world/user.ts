// A user of the chaos run: two real clients behind proxies that lose and reorder events, and tasks to start.
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { createTaskFeed } from '../../../client/feed/connect-tasks.ts';
import type { PendingFeed } from '../../../client/feed/task-feed.ts';
import { presentOutcomes } from '../../../client/headless/outcomes/present.ts';
import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import { Pusher } from '../../support/bus/pusher-class.ts';
import { ClientObserver, checkEvent, type Findings, noteTold } from '../checks/observer.ts';
import type { Random } from '../random.ts';
import { type PushProxy, startPushProxy } from './push-proxy.ts';
import type { World } from './world.ts';

export interface ChaosClient {
  readonly proxy: PushProxy;
  readonly feed: PendingFeed;
  /** Reloads the page. */
  reload(): void;
  /** Cuts push and HTTP for `ms`. Resolves when both are back. */
  goOffline(ms: number): Promise<void>;
  close(): Promise<void>;
}

export interface ChaosUser {
  readonly name: string;
  readonly clients: readonly ChaosClient[];
  /** Starts a task of the definition `task`; repeats the request with the same Idempotency-Key until it is accepted. */
  start(task: string, input: unknown): Promise<Snapshot>;
  /** Cancels the task if it has not ended. */
  cancel(id: string): Promise<void>;
}

/** Opens the pages of the user `name`. What they show wrongly goes to `findings`. */
export async function createUser(name: string, world: World, findings: Findings, random: Random): Promise<ChaosUser> {
  // The two clients are tabs of one browser, which share storage and locks.
  const browser = { storage: createStorage(), locks: createLocks() };
  const clients = await Promise.all([0, 1].map(() => createClient(name, world, findings, random, browser)));
  const request = async (path: string, init: RequestInit): Promise<Response | null> => {
    try {
      return await fetch(`${world.url}${path}`, {
        ...init,
        headers: { 'x-user': name, ...init.headers },
        signal: AbortSignal.timeout(5_000),
      });
    } catch {
      return null;
    }
  };
  return {
    name,
    clients,
    async start(task, input) {
      const headers = { 'content-type': 'application/json', 'idempotency-key': randomUUID() };
      for (;;) {
        const response = await request('', { method: 'POST', headers, body: JSON.stringify({ name: task, input }) });
        if (response?.status === 202) {
          const snapshot = (await response.json().catch(() => null)) as Snapshot | null;
          if (snapshot) {
            findings.accepted.set(snapshot.id, name);
            return snapshot;
          }
        }
        if (response && response.status < 500 && response.status !== 202)
          throw new Error(`POST answered ${response.status}: ${await response.text()}`);
        await pause(200);
      }
    },
    async cancel(id) {
      for (;;) {
        const response = await request(`/${id}/cancel`, { method: 'POST' });
        if (response && response.status < 500) return;
        await pause(200);
      }
    },
  };
}

interface Browser {
  readonly storage: Pick<Storage, 'getItem' | 'setItem'>;
  readonly locks: Pick<LockManager, 'request'>;
}

async function createClient(
  user: string,
  world: World,
  findings: Findings,
  random: Random,
  browser: Browser,
): Promise<ChaosClient> {
  const proxy = await startPushProxy(world.bus.soketi.pusher, random);
  proxy.onEvent = (event) => checkEvent(findings, user, event);
  let isOnline = true;
  const OwnPusher = class extends Pusher {
    constructor(key: string, options: ConstructorParameters<typeof Pusher>[1]) {
      super(key, { ...options, wsPort: proxy.port, enabledTransports: ['ws'] });
    }
  };
  const fetchIfOnline: typeof fetch = (input, init) =>
    isOnline ? fetch(input, init) : Promise.reject(new TypeError('offline'));
  const open = () => {
    const feed = createTaskFeed({
      url: world.url,
      Pusher: OwnPusher as never,
      fetch: fetchIfOnline,
      headers: { 'x-user': user },
    });
    const observer = new ClientObserver(findings, user);
    const stopChecking = feed.subscribe(() => observer.check(feed.getSnapshot().tasks));
    const stopPresenting = presentOutcomes({
      feed,
      ...browser,
      present: ({ live, missed }) =>
        noteTold(
          findings,
          [...live, ...missed].map(({ id }) => id),
        ),
    });
    return {
      feed,
      close() {
        stopPresenting();
        stopChecking();
        feed.close();
      },
    };
  };
  let page = open();
  return {
    proxy,
    get feed() {
      return page.feed;
    },
    reload() {
      page.close();
      page = open();
    },
    async goOffline(ms) {
      isOnline = false;
      proxy.setOnline(false);
      await pause(ms);
      isOnline = true;
      proxy.setOnline(true);
    },
    async close() {
      page.close();
      await proxy.close();
    },
  };
}

function createStorage(): Browser['storage'] {
  const items = new Map<string, string>();
  return { getItem: (key) => items.get(key) ?? null, setItem: (key, value) => void items.set(key, value) };
}

/** Web Locks in memory. One lock is held at a time, whatever its name. */
function createLocks(): Browser['locks'] {
  let last: Promise<unknown> = Promise.resolve();
  const request = (_name: string, callback: (lock: null) => unknown) => {
    const turn = last.then(() => callback(null));
    last = turn.catch(() => undefined);
    return turn;
  };
  return { request } as unknown as Browser['locks'];
}
