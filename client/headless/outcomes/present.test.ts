import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import type { PageSignal } from '../../environment.ts';
import { ManualPage, ManualTiming, settle } from '../../test-support/manual-timing.ts';
import { at, evolve, queued } from '../../test-support/snapshots.ts';
import { type News, presentOutcomes } from './present.ts';

/** What the tabs of one browser share. */
class Browser {
  readonly items = new Map<string, string>();
  readonly storage = {
    getItem: (key: string) => this.items.get(key) ?? null,
    setItem: (key: string, value: string) => void this.items.set(key, value),
  };
  #last: Promise<unknown> = Promise.resolve();
  readonly locks = {
    request: (_name: string, callback: () => unknown) => {
      this.#last = this.#last.then(callback);
      return this.#last;
    },
  } as unknown as LockManager;
}

/** A tab with a feed that shows what it is told to. */
class Tab {
  readonly page = new ManualPage();
  /** Ids of outcomes that were told live. */
  readonly told: string[] = [];
  /** Ids of outcomes that were told as missed. */
  readonly missed: string[] = [];
  /** Whose tasks the feed shows. */
  channel: string | null = null;
  /** The server's time, as the feed knows it. */
  now: () => number;
  #tasks: readonly Snapshot[] = [];
  #listener: () => void = () => undefined;
  readonly stop: () => void;

  constructor(
    browser: Pick<Browser, 'storage' | 'locks'> | null,
    timing: ManualTiming,
    visible = true,
    since?: number,
    tasks: readonly Snapshot[] = [],
  ) {
    this.page.visible = visible;
    this.#tasks = tasks;
    this.now = timing.now;
    this.stop = presentOutcomes({
      feed: {
        now: () => this.now(),
        getSnapshot: () => ({
          tasks: this.#tasks,
          connection: { status: 'live' },
          hasMore: false,
          channel: this.channel,
        }),
        subscribe: (listener) => {
          this.#listener = listener;
          return () => {
            this.#listener = () => undefined;
          };
        },
      },
      present: ({ live, missed }: News) => {
        this.told.push(...live.map(({ id }) => id));
        this.missed.push(...missed.map(({ id }) => id));
      },
      storage: browser?.storage ?? null,
      locks: browser?.locks ?? null,
      page: this.page,
      timing,
      ...(since !== undefined && { since }),
    });
  }

  /** The feed shows these tasks from now on. */
  async show(...tasks: Snapshot[]): Promise<void> {
    this.#tasks = tasks;
    this.#listener();
    await settle();
  }

  /** The user turns to the tab, or away from it. */
  async look(visible: boolean): Promise<void> {
    this.page.visible = visible;
    if (visible) this.page.signal('wake' satisfies PageSignal);
    await settle();
  }
}

/** The task `number` while it runs; it was created `created` seconds after the start. */
const running = (number: number, created = 0) =>
  evolve(queued(number, 'Task', created), { type: 'start', at: at(created + 1) });
const done = (number: number, created = 0) =>
  evolve(running(number, created), { type: 'succeed', at: at(created + 2), attempt: 1, result: null });
const seen = (number: number) => evolve(done(number), { type: 'see', at: at(3) });

let timing: ManualTiming;
let browser: Browser;

beforeEach(async () => {
  timing = new ManualTiming();
  browser = new Browser();
});

/** Lets the first 3 s pass: what a page gets in them counts as missed, what it gets later counts as live. */
const passStart = () => timing.advance(3_000);

describe('somebody else', () => {
  it('is told what they missed, and nothing of the user before', async () => {
    const tab = new Tab(browser, timing);
    tab.channel = 'private-user-ada';
    await passStart();
    await tab.show(running(1), running(2));
    await tab.show(done(1), running(2));
    expect(tab.told).toEqual([done(1).id]);
    tab.channel = null;
    await tab.show();
    tab.channel = 'private-user-bea';
    await tab.show(done(7), running(8));
    await passStart();
    await tab.show(done(7), done(8));
    expect([tab.told, tab.missed]).toEqual([[done(1).id, done(8).id], [done(7).id]]);
  });

  it('is not told of an outcome that was being claimed when the user before left', async () => {
    const tab = new Tab(browser, timing);
    tab.channel = 'private-user-ada';
    await passStart();
    const shown = tab.show(done(1));
    tab.channel = 'private-user-bea';
    await shown;
    await tab.show(running(8));
    expect([tab.told, tab.missed]).toEqual([[], []]);
  });
});

it('on a device whose clock is an hour slow, a task that started and ended while the page was in view was not missed', async () => {
  const tab = new Tab(browser, timing);
  // By the server's clock the user came 3,600 s after the start. Task 1 was created after that, task 2 before.
  tab.now = () => timing.now() + 3_600_000;
  await tab.show();
  await tab.show(done(1, 3_601));
  await tab.show(done(1, 3_601), done(2, 3_500));
  expect([tab.told, tab.missed]).toEqual([[done(1).id], [done(2).id]]);
});

describe('an outcome', () => {
  it('is told live by the tab that is looked at, once', async () => {
    const tab = new Tab(browser, timing);
    await passStart();
    await tab.show(running(1));
    expect(tab.told).toEqual([]);
    await tab.show(done(1));
    await tab.show(done(1), done(2));
    expect(tab.told).toEqual([done(1).id, done(2).id]);
    expect(tab.missed).toEqual([]);
  });

  it('is told by one of two tabs in view', async () => {
    const tabs = [new Tab(browser, timing), new Tab(browser, timing)];
    await passStart();
    await Promise.all(tabs.map((tab) => tab.show(done(1))));
    expect(tabs.flatMap(({ told }) => told)).toEqual([done(1).id]);
  });

  it('waits in a hidden tab, and is told as missed on return', async () => {
    const tab = new Tab(browser, timing);
    await passStart();
    await tab.show(running(1));
    await tab.look(false);
    await tab.show(done(1));
    expect([...tab.told, ...tab.missed]).toEqual([]);
    await tab.look(true);
    expect(tab.missed).toEqual([done(1).id]);
  });

  it('that the first fetch brings was missed, and is not told again after a reload', async () => {
    const tab = new Tab(browser, timing);
    await tab.show(done(1));
    expect(tab.missed).toEqual([done(1).id]);
    tab.stop();
    const reloaded = new Tab(browser, timing);
    await reloaded.show(done(1));
    expect([...reloaded.told, ...reloaded.missed]).toEqual([]);
  });

  it('is told live right after the page has loaded, where the task was seen going on', async () => {
    const tab = new Tab(browser, timing);
    await tab.show(running(1));
    await tab.show(done(1));
    expect(tab.told).toEqual([done(1).id]);
  });

  it('is told live where its task was started since the user came, however soon it was over', async () => {
    const came = Date.parse(at(0));
    await timing.advance(2_000);
    const tab = new Tab(browser, timing, true, came);
    await tab.show(done(1), done(2, 1));
    expect([tab.missed, tab.told]).toEqual([[done(1).id], [done(2).id]]);
    await timing.advance(60_000);
    await tab.look(true);
    await tab.show(done(1), done(2, 1), done(3, 61), done(4, 63));
    expect([tab.missed, tab.told]).toEqual([
      [done(1).id, done(3).id],
      [done(2).id, done(4).id],
    ]);
  });

  it('that the fetch after a return brings was missed, although its task was going on before', async () => {
    const tab = new Tab(browser, timing);
    await passStart();
    const first = running(1);
    const second = running(2);
    await tab.show(first, second);
    await tab.look(false);
    await timing.advance(60_000);
    await tab.look(true);
    await tab.show(done(1), second);
    expect(tab.missed).toEqual([done(1).id]);
    await passStart();
    await tab.show(done(1), done(2));
    expect(tab.told).toEqual([done(2).id]);
  });

  it('that was seen elsewhere is not told', async () => {
    const tab = new Tab(browser, timing);
    await tab.show(seen(1));
    expect([...tab.told, ...tab.missed]).toEqual([]);
  });

  it('is not claimed by a presenter that is stopped right after its start', async () => {
    const stopped = new Tab(browser, timing, true, undefined, [done(1)]);
    stopped.stop();
    const next = new Tab(browser, timing, true, undefined, [done(1)]);
    await settle();
    expect([stopped.missed, next.missed]).toEqual([[], [done(1).id]]);
  });

  it('is told once in each tab where nothing can be shared or stored', async () => {
    const full = {
      getItem: () => 'not json',
      setItem: () => {
        throw new Error('full');
      },
    };
    const refused = { request: () => Promise.reject(new Error('no locks here')) } as unknown as LockManager;
    for (const shared of [null, { storage: full, locks: refused } as unknown as Browser]) {
      const tab = new Tab(shared, timing);
      await passStart();
      await tab.show(done(1));
      await tab.show(done(1), running(2));
      expect(tab.told).toEqual([done(1).id]);
    }
  });

  it('that was told is kept by its id: the last 300, and no more', async () => {
    const tab = new Tab(browser, timing);
    await passStart();
    await tab.show(...Array.from({ length: 1_000 }, (_, n) => done(n)));
    expect(tab.told).toHaveLength(1_000);
    expect(JSON.parse(browser.items.get('inloop:told') ?? '[]')).toHaveLength(300);
  });
});
