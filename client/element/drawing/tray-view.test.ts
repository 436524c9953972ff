import { describe, expect, it } from '@jest/globals';
import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import { NOTHING_YET } from '../../feed/state/state.ts';
import { ENGLISH } from '../../headless/words/wording.ts';
import { create, run, see, succeed } from '../../test-support/all-statuses.ts';
import { describeTray, type TrayInput } from './tray-view.ts';

const NEVER = Number.POSITIVE_INFINITY;
const CLOSED = { isOpen: false, held: new Set<string>(), limit: 30 };
const OPEN = { ...CLOSED, isOpen: true };
const LIVE = { status: 'live', since: 0 } as unknown as TrayInput['snapshot']['connection'];

/**
 * A task that was created `age` seconds ago and succeeded about 2 s later. Of two of the same age, the one with the higher key
 * ended later.
 */
const done = (key: number, age = 60) =>
  succeed(run(create(key, `Done ${key}`, age), age - 1), age - 2 - key / 100, null);
/** What a closed tray shows of these tasks, unless `input` says otherwise. */
const view = (tasks: readonly Snapshot[], input: Partial<TrayInput> = {}) => {
  const now = Date.now();
  const snapshot = { ...NOTHING_YET, tasks, connection: LIVE };
  return describeTray({ snapshot, panel: CLOSED, wording: ENGLISH, now, ourNow: now, ...input });
};

describe('rows', () => {
  it('are the unseen outcomes first and then earlier ones, up to the limit; active tasks always have one', () => {
    const active = Array.from({ length: 50 }, (_, key) => create(100 + key, 'Active', 90));
    const outcomes = [...[1, 2, 3].map((key) => done(key)), ...[4, 5, 6].map((key) => see(done(key)))];
    const { rows, groups, hasMore } = view([...active, ...outcomes], { panel: { ...OPEN, limit: 4 } });
    expect([rows.active.length, rows.unseen.length, rows.recent.length]).toEqual([50, 3, 1]);
    expect([groups.unseen.length, groups.recent.length, hasMore]).toEqual([3, 3, true]);
  });

  it('keep held outcomes among the new ones after they were seen', () => {
    const seen = see(done(1));
    const { rows } = view([seen], { panel: { ...OPEN, held: new Set([seen.id]) } });
    expect(rows.unseen).toEqual([seen]);
  });

  it('of a parent stand for its children, in the numbers too', () => {
    const parent = run(create(1, 'Parent', 60), 59);
    const child = (task: Snapshot) => ({ ...task, parent: parent.id }) as Snapshot;
    const { tasks, rows, groups } = view([child(done(3)), child(run(create(2, 'Child', 50), 49)), parent]);
    expect([tasks, rows.active, groups.unseen]).toEqual([[parent], [parent], []]);
  });

  it('say that there are more where only the server has them', () => {
    expect(view([done(1)]).hasMore).toBe(false);
    expect(view([done(1)], { snapshot: { ...NOTHING_YET, tasks: [done(1)], hasMore: true } }).hasMore).toBe(true);
  });

  it('keep the same object for a group that did not change', () => {
    const tasks = [done(1), done(2)];
    const before = view(tasks);
    expect(view([create(3, 'New', 90), ...tasks], { before }).groups.unseen).toBe(before.groups.unseen);
  });
});

describe('a view', () => {
  it('leaves out a task in its first second, and looks again every 200 ms until that is over', () => {
    expect(view([create(1, 'Young', 0.5)])).toMatchObject({ tasks: [], changesIn: 200 });
    const old = create(1, 'Old enough', 1.5);
    expect(view([old])).toMatchObject({ tasks: [old], changesIn: NEVER });
  });

  it('does not hide a task again that was shown, if the clock of the server is corrected back', () => {
    const now = Date.now();
    const task = create(1, 'Old enough', 1.5);
    const before = view([task], { now });
    expect(view([task], { now: now - 1_000, before }).tasks).toEqual([task]);
    expect(view([task], { now: now - 1_000 }).tasks).toEqual([]);
  });

  it('changes by itself each second while the open panel tells of a lost connection', () => {
    const ourNow = Date.now();
    const connection = { status: 'offline', since: ourNow - 5_000 } as TrayInput['snapshot']['connection'];
    const snapshot = { ...NOTHING_YET, connection };
    expect(view([], { snapshot, panel: OPEN, ourNow })).toMatchObject({
      banner: 'No connection. What you see is 5 s old.',
      isStale: true,
      changesIn: 1_000,
    });
    expect(view([], { snapshot, ourNow }).changesIn).toBe(NEVER);
  });
});
