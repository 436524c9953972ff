// Tabs in one process: BroadcastChannel is Node's, locks and Pusher are fakes, and time runs ten times as fast. In
// Chromium: test/e2e.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../../test/support/eventually.ts';
import { systemTiming, type Timing } from '../environment.ts';
import { createLink, type Link } from '../push/link.ts';
import { createPush, type PushLoss } from '../push/pusher.ts';
import { FakePusher } from '../test-support/fake-pusher.ts';
import { shareConnection } from './shared-pusher.ts';
import type { SharedPusherOptions } from './tab-group.ts';

/** How many times faster than real time the clock of the tabs runs. Set before each test. */
let speed: number;
const timing: Timing = {
  ...systemTiming,
  now: () => systemTiming.now() * speed,
  setTimeout: (callback, ms) => systemTiming.setTimeout(callback, ms / speed),
};

/** Locks as a browser has them: one holder, the others in a line. */
class Locks {
  readonly #lines = new Map<string, { hold: () => unknown; isGone: () => boolean }[]>();
  readonly #held = new Set<string>();

  request = (async (name: string, { signal }: { signal: AbortSignal }, hold: () => unknown) => {
    this.#lines.set(name, [...(this.#lines.get(name) ?? []), { hold, isGone: () => signal.aborted }]);
    this.#next(name);
  }) as unknown as LockManager['request'];

  #next(name: string): void {
    if (this.#held.has(name)) return;
    const line = this.#lines.get(name) ?? [];
    const next = line.shift();
    if (!next) return;
    if (next.isGone()) {
      this.#next(name);
      return;
    }
    this.#held.add(name);
    void Promise.resolve(next.hold()).then(() => {
      this.#held.delete(name);
      this.#next(name);
    });
  }
}

/** A tab's connection as the feed keeps it. */
class Tab {
  readonly events: unknown[] = [];
  readonly losses: (PushLoss | null)[] = [];
  ups = 0;
  readonly #link: Link;

  constructor(options: SharedPusherOptions, channel = `private-user-${run}`) {
    const Pusher = shareConnection(FakePusher as never, options);
    const connection = { key: 'key', channel } as never;
    const authorize = async () => ({ auth: 'key:signature' });
    let wasUp = false;
    this.#link = createLink({
      timing,
      createPush: (handlers) => createPush({ Pusher, connection, authorize, handlers, timing }),
      onChange: ({ isUp, loss }) => {
        if (isUp) this.ups += 1;
        else if (wasUp) this.losses.push(loss);
        wasUp = isUp;
      },
      onEvent: (name, data) => void this.events.push([name, data]),
    });
    this.#link.start();
    tabs.push(this);
  }

  /** What `feed.close()` and a page that is left do. */
  close(): void {
    this.#link.pause();
  }
}

let run = 0;
let tabs: Tab[] = [];
let shared: SharedPusherOptions;

beforeEach(() => {
  run += 1;
  speed = 10;
  tabs = [];
  FakePusher.made = [];
  FakePusher.isReachable = true;
  FakePusher.transport = 'ws';
  FakePusher.blocked = [];
  shared = { locks: new Locks() as unknown as LockManager, timing };
});

afterEach(async () => {
  for (const tab of tabs) tab.close();
  await eventually(() => FakePusher.made.every(({ connection }) => connection.state !== 'connected'));
});

const allUp = (times = 1) => eventually(() => tabs.every(({ ups }) => ups >= times), { that: 'every tab to be up' });

describe('tabs of one browser', () => {
  it('make one connection, and each gets every event once', async () => {
    for (let n = 0; n < 8; n++) new Tab(shared);
    await allUp();
    expect(FakePusher.made).toHaveLength(1);
    FakePusher.last.push('task.running', { id: 'a' });
    FakePusher.last.push('task.succeeded', { id: 'a' });
    const expected = [
      ['task.running', { id: 'a' }],
      ['task.succeeded', { id: 'a' }],
    ];
    await eventually(() => expect(tabs.map(({ events }) => events)).toEqual(tabs.map(() => expected)));
  });

  it('of different users do not share', async () => {
    new Tab(shared, `private-user-ada-${run}`);
    new Tab(shared, `private-user-bea-${run}`);
    await allUp();
    expect(FakePusher.made.map(({ channels }) => [...channels.keys()])).toEqual([
      [`private-user-ada-${run}`],
      [`private-user-bea-${run}`],
    ]);
  });

  it('pass the lead on when the leader is closed, and every other feed is told to fetch', async () => {
    const first = new Tab(shared);
    new Tab(shared);
    new Tab(shared);
    await allUp();
    const ups = tabs.map((tab) => tab.ups);
    first.close();
    await eventually(() => FakePusher.made.length === 2);
    await eventually(() => tabs.slice(1).every((tab, index) => tab.ups > (ups[index + 1] ?? 0)));
    FakePusher.last.push('task.running', {});
    await eventually(() => expect(tabs.map(({ events }) => events.length)).toEqual([0, 1, 1]));
  });

  it('pass on that WebSockets are blocked: the next tab that connects begins with HTTP', async () => {
    FakePusher.transport = 'xhr_streaming';
    FakePusher.blocked = ['ws', 'wss'];
    const first = new Tab(shared);
    new Tab(shared);
    await allUp();
    expect(FakePusher.last.options.enabledTransports).toHaveLength(4);
    first.close();
    await eventually(() => FakePusher.made.length === 2);
    expect(FakePusher.last.options.enabledTransports).toEqual(['xhr_streaming', 'xhr_polling']);
    await eventually(() => (tabs[1]?.ups ?? 0) > 1);
  });

  it('are told when the connection of all has moved to another transport, since something may have been missed', async () => {
    FakePusher.transport = 'xhr_streaming';
    FakePusher.blocked = ['ws', 'wss'];
    new Tab(shared);
    new Tab(shared);
    await allUp();
    // Messages between tabs stay in order: when the event has arrived, so have all earlier messages.
    FakePusher.last.push('task.running', {});
    await eventually(() => expect(tabs.map(({ events }) => events.length)).toEqual([1, 1]));
    const ups = tabs.map((tab) => tab.ups);
    FakePusher.blocked = [];
    await eventually(() => tabs.every((tab, index) => tab.ups > (ups[index] ?? 0)));
    expect(FakePusher.last.options.enabledTransports).toEqual(['ws']);
    await eventually(() => FakePusher.made.filter(({ connection }) => connection.state === 'connected').length === 1);
    FakePusher.last.push('task.running', {});
    await eventually(() => expect(tabs.map(({ events }) => events.length)).toEqual([2, 2]));
    expect(tabs.map(({ losses }) => losses)).toEqual([[], []]);
    // Each is told once, or each would fetch twice.
    expect(tabs.map((tab, index) => tab.ups - (ups[index] ?? 0))).toEqual([1, 1]);
  });

  it('that are closed together leave the lead to the next one that comes', async () => {
    new Tab(shared);
    new Tab(shared);
    await allUp();
    for (const tab of tabs) tab.close();
    await eventually(() => FakePusher.last.connection.state === 'disconnected');
    const late = new Tab(shared);
    await eventually(() => late.ups === 1);
  });

  it('all learn that the connection is lost, and that it is back, without passing the lead around', async () => {
    // At ten times the speed, a busy machine would have the tabs try another transport before the connection is back.
    speed = 1;
    new Tab(shared);
    new Tab(shared);
    await allUp();
    FakePusher.last.drop();
    await eventually(() => tabs.every(({ losses }) => losses.at(-1) === 'lost'));
    FakePusher.isReachable = true;
    await allUp(2);
    expect(FakePusher.made).toHaveLength(1);
  });

  it('that come while the connection is away are up once it is there', async () => {
    FakePusher.isReachable = false;
    new Tab(shared);
    new Tab(shared);
    await eventually(() => FakePusher.made.length === 1);
    expect(tabs.map(({ ups }) => ups)).toEqual([0, 0]);
    FakePusher.last.emit('connecting_in', 1);
    FakePusher.isReachable = true;
    await allUp();
  });

  it('make no new connection for each attempt of a long outage, though they leave the election between two', async () => {
    new Tab(shared);
    await allUp();
    const { last } = FakePusher;
    speed = 2_000;
    last.drop();
    await eventually(() => expect(last.attempts + FakePusher.made.length).toBeGreaterThan(30));
    // One for each choice of transports.
    expect(FakePusher.made.length).toBeLessThanOrEqual(4);
  });

  it('hear of a refusal in the tab that was refused', async () => {
    const first = new Tab(shared);
    new Tab(shared);
    await allUp();
    FakePusher.last.refuse();
    await eventually(() => first.losses.includes('refused'));
  });
});

describe('without Web Locks', () => {
  const withLease = (): SharedPusherOptions => {
    const items = new Map<string, string>();
    const storage = {
      getItem: (key: string) => items.get(key) ?? null,
      setItem: (key: string, value: string) => void items.set(key, value),
    };
    return { locks: null, storage, timing };
  };

  it('a lease elects one, and passes the lead on', async () => {
    const lease = withLease();
    const first = new Tab(lease);
    new Tab(lease);
    await allUp();
    expect(FakePusher.made).toHaveLength(1);
    first.close();
    await eventually(() => FakePusher.made.length === 2);
    await eventually(() => (tabs[1]?.ups ?? 0) > 1);
  });

  it('and without storage every tab serves itself', async () => {
    new Tab({ locks: null, storage: null, timing });
    new Tab({ locks: null, storage: null, timing });
    await allUp();
    expect(FakePusher.made).toHaveLength(2);
  });
});
