import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import { NOTHING_YET } from '../feed/state/state.ts';
import type { TaskFeed } from '../feed/task-feed.ts';
import type { PusherSource } from '../push/pusher-class.ts';
import { create, run, succeed } from '../test-support/all-statuses.ts';
import { settle } from '../test-support/manual-timing.ts';
import { createFeedBinding, type FeedBinding } from './feed-binding.ts';

/** A feed that shows what it is told to. */
class ScriptedFeed {
  snapshot = NOTHING_YET;
  readonly listeners = new Set<() => void>();
  getSnapshot = () => this.snapshot;
  subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };

  set(channel: string | null, tasks: readonly Snapshot[] = []): void {
    this.snapshot = { ...this.snapshot, channel, tasks };
    for (const listener of [...this.listeners]) listener();
  }

  get asFeed(): TaskFeed {
    return this as unknown as TaskFeed;
  }
}

let told: string[];
let binding: FeedBinding;
let pushers: ((Pusher: PusherSource) => void)[];

beforeEach(() => {
  told = [];
  pushers = [];
  binding = createFeedBinding({
    loadPusher: () => new Promise((resolve) => pushers.push(resolve)),
    onChange: () => told.push('change'),
    onReset: () => told.push('reset'),
    onOutcomes: ({ live, missed }) => told.push(...[...live, ...missed].map(({ title }) => title)),
  });
});

// The timers of a feed that is left open would keep the process from ending.
afterEach(() => binding.disconnect());

/** What was told since the last call of this function. */
const takeTold = () => told.splice(0);

describe('a feed of the page', () => {
  it('is listened to only while the tray is in the document', () => {
    const feed = new ScriptedFeed();
    binding.show(feed.asFeed);
    expect([binding.feed, feed.listeners.size]).toEqual([feed, 0]);
    binding.connect(null);
    expect(feed.listeners.size).toBe(1);
    takeTold();
    feed.set('ada');
    expect(takeTold()).toEqual(['change']);
    binding.disconnect();
    expect([binding.feed, feed.listeners.size]).toEqual([feed, 0]);
  });

  it('resets the tray when another feed takes its place, and when another user signs in', () => {
    const [one, other] = [new ScriptedFeed(), new ScriptedFeed()];
    binding.connect(null);
    binding.show(one.asFeed);
    takeTold();
    one.set('ada');
    // Nothing of anybody was shown before.
    expect(takeTold()).toEqual(['change']);
    one.set('bea');
    expect(takeTold()).toEqual(['reset', 'change']);
    one.set(null);
    expect(takeTold()).toEqual(['reset', 'change']);
    binding.show(other.asFeed);
    expect(takeTold()).toEqual(['reset', 'change']);
    expect(one.listeners.size).toBe(0);
  });

  it('resets the tray when another user has signed in while it was not in the document', () => {
    const feed = new ScriptedFeed();
    binding.connect(null);
    binding.show(feed.asFeed);
    feed.set('ada');
    binding.disconnect();
    feed.set('bea');
    takeTold();
    binding.connect(null);
    expect(takeTold()).toEqual(['reset', 'change']);
  });

  it('presents its outcomes, also when it was handed in before the tray was in the document', async () => {
    const feed = new ScriptedFeed();
    binding.show(feed.asFeed);
    await settle();
    binding.connect(null);
    const task = run(create(1, 'Import', 5), 4);
    feed.set('ada', [task]);
    await settle();
    takeTold();
    feed.set('ada', [succeed(task, 0, null)]);
    await settle();
    expect(takeTold()).toEqual(['change', 'Import']);
  });
});

describe('a feed of our own', () => {
  /** Stands for pusher-js. An arrow function is no class, so `new` throws, and the feed has no push. */
  const noPusher = (() => {}) as unknown as PusherSource;

  it('is made once pusher-js is there, and closed with the tray', async () => {
    binding.connect('http://127.0.0.1:1/tasks');
    expect([binding.feed, pushers.length]).toEqual([undefined, 1]);
    pushers[0]?.(noPusher);
    await settle();
    const own = binding.feed;
    expect(own).toBeDefined();
    binding.disconnect();
    expect(binding.feed).toBeUndefined();
    expect(own?.getSnapshot().connection.status).toBe('closed');
  });

  it('is not made where the tray was removed meanwhile, has another url, or got the feed of the page', async () => {
    binding.connect('http://127.0.0.1:1/tasks');
    binding.disconnect();
    binding.connect(null);
    binding.connect('http://127.0.0.1:1/one');
    binding.connect('http://127.0.0.1:1/other');
    const feed = new ScriptedFeed();
    binding.show(feed.asFeed);
    for (const resolve of pushers) resolve(noPusher);
    await settle();
    expect([binding.feed, pushers.length]).toEqual([feed, 3]);
  });

  it('is not wanted where the page hands in a feed', () => {
    binding.show(new ScriptedFeed().asFeed);
    binding.connect('/tasks');
    expect(pushers).toEqual([]);
  });
});
