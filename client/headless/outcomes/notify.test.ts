import { describe, expect, it } from '@jest/globals';
import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import { settle } from '../../test-support/manual-timing.ts';
import { at, evolve, running } from '../../test-support/snapshots.ts';
import { notifyOutcomes } from './notify.ts';

/** Web Locks, as far as they are used: shared and exclusive, waiting and not. */
class Locks {
  #held: { name: string; isShared: boolean }[] = [];
  #waiting: (() => void)[] = [];

  request = async (name: string, ...rest: unknown[]): Promise<unknown> => {
    const callback = rest.at(-1) as (lock: object | null) => unknown;
    const { mode, ifAvailable } = (rest.length > 1 ? rest[0] : {}) as { mode?: string; ifAvailable?: boolean };
    const isShared = mode === 'shared';
    const isFree = () => this.#held.every((lock) => lock.name !== name || (isShared && lock.isShared));
    if (!isFree() && ifAvailable) return callback(null);
    while (!isFree()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    const lock = { name, isShared };
    this.#held.push(lock);
    try {
      return await callback(lock);
    } finally {
      this.#held = this.#held.filter((one) => one !== lock);
      for (const wake of this.#waiting.splice(0)) wake();
    }
  };
}

/** A browser. Returns a function that opens a tab in it, which notes what it would notify of. */
function makeBrowser() {
  const locks = new Locks() as unknown as LockManager;
  const items = new Map<string, string>();
  const storage = {
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
  };
  return (isVisible: boolean) => {
    let tasks: readonly Snapshot[] = [];
    let listener = () => {};
    let channel: string | null = null;
    const notified: string[] = [];
    const stop = notifyOutcomes({
      locks,
      storage,
      page: { isVisible: () => isVisible },
      feed: {
        getSnapshot: () => ({ tasks, connection: { status: 'live' }, hasMore: false, channel }),
        subscribe: (next) => {
          listener = next;
          return () => {};
        },
      },
      notify: (outcomes) => notified.push(...outcomes.map(({ id }) => id)),
    });
    const show = async (...next: Snapshot[]) => {
      tasks = next;
      listener();
      await settle();
    };
    const switchUser = (next: string | null) => {
      channel = next;
    };
    return { show, switchUser, notified, stop };
  };
}

const task = running(1);
const done = evolve(task, { type: 'succeed', at: at(1), attempt: 1, result: null });

describe('notifications', () => {
  it('come from one of the hidden tabs, once', async () => {
    const open = makeBrowser();
    const tabs = [open(false), open(false)];
    for (const tab of tabs) await tab.show(task);
    await Promise.all(tabs.map((tab) => tab.show(done)));
    expect(tabs.flatMap(({ notified }) => notified)).toEqual([task.id]);
    for (const tab of tabs) await tab.show(done);
    expect(tabs.flatMap(({ notified }) => notified)).toEqual([task.id]);
  });

  it('do not come while any tab is visible, and do when that is closed', async () => {
    const open = makeBrowser();
    const hidden = open(false);
    const visible = open(true);
    for (const tab of [hidden, visible]) await tab.show(task);
    for (const tab of [hidden, visible]) await tab.show(done);
    expect([...hidden.notified, ...visible.notified]).toEqual([]);
    visible.stop();
    await settle();
    const next = running(2);
    await hidden.show(next, done);
    await hidden.show(evolve(next, { type: 'succeed', at: at(1), attempt: 1, result: null }), done);
    expect(hidden.notified).toEqual([next.id]);
  });

  it('are not about what the user before waited for', async () => {
    const tab = makeBrowser()(false);
    tab.switchUser('private-user-ada');
    await tab.show(task);
    tab.switchUser('private-user-bea');
    await tab.show(done);
    expect(tab.notified).toEqual([]);
  });

  it('are about what was awaited, not about what had ended before', async () => {
    const tab = makeBrowser()(false);
    await tab.show(done);
    expect(tab.notified).toEqual([]);
  });
});
