// What a worker does with the lists of its hooks. The lists and the time are fake; test/integration/work/outcome-hooks.test.ts
// has real ones.
import { describe, expect, it } from '@jest/globals';
import { Events } from '../../backend/events/events.ts';
import type { OutcomeSnapshot } from '../../core/tasks/snapshot.ts';
import { FakeTime } from '../../test/support/fakes/fake-time.ts';
import { recordLog } from '../../test/support/log.ts';
import { time as at, FAILURE, move, newTask } from '../../test/support/task-events.ts';
import { type OutcomeHandler, OutcomeHooks, outcomeHook, unseenOutcomeHook } from './outcome-hooks.ts';

const LEASE_MS = 30_000;
const DRAIN_MS = 5_000;
const failed = move(
  newTask({ attempts: 1 }),
  { type: 'start', at: at(1) },
  { type: 'fail', at: at(2), attempt: 1, error: FAILURE },
) as OutcomeSnapshot;

/** One hook, its list with `ids` on it, and a worker that runs it. */
function setUp(handler: OutcomeHandler, ids: readonly string[] = ['a'], make = outcomeHook) {
  const time = new FakeTime();
  const log = recordLog();
  const events = new Events(log);
  /** By id: when the hook is due, and how often it was tried. */
  const list = new Map(ids.map((id) => [id, { due: 0, tries: 0 }]));
  const snapshots = new Map<string, OutcomeSnapshot>();
  const calls: string[] = [];
  const world = { isAway: false };
  const answer = async <T>(act: () => T): Promise<T> => {
    if (world.isAway) throw new Error('Redis is away');
    return act();
  };
  const stop = new AbortController();
  const hooks = new OutcomeHooks([make(handler)], LEASE_MS, {
    time,
    events,
    random: () => 0,
    clock: { now: () => Date.parse(at(2)) + time.elapsed() },
    queue: {
      retentionMs: 3_600_000,
      register: (names) => answer(() => void calls.push(`register ${names.join()}`)),
      take: (_hook, limit, leaseMs) =>
        answer(() => {
          const due = [...list].filter(([, entry]) => entry.due <= time.elapsed()).slice(0, limit);
          for (const [, entry] of due) Object.assign(entry, { due: time.elapsed() + leaseMs, tries: entry.tries + 1 });
          return due.map(([id, { tries }]) => ({ id, tries }));
        }),
      read: (id) => answer(() => ({ owner: 'ada', snapshot: snapshots.get(id) ?? { ...failed, id } })),
      postpone: (_hook, id, ms) =>
        answer(() => {
          const entry = list.get(id);
          if (entry) entry.due = time.elapsed() + ms;
        }),
      finish: (_hook, id) => answer(() => void list.delete(id)),
    },
  });
  return { world, time, log, list, snapshots, calls, stop, hooks, run: () => hooks.run(stop.signal, DRAIN_MS) };
}

describe('a hook', () => {
  it('is registered as soon as Redis answers, and once a minute', async () => {
    const { world, time, calls, stop, hooks, run } = setUp(() => undefined, []);
    world.isAway = true;
    const registered = hooks.register(stop.signal);
    await time.advance(3_000);
    expect(calls).toEqual([]);
    world.isAway = false;
    await time.advance(1_000);
    await registered;
    const running = run();
    await time.advance(120_000);
    expect(calls).toEqual(Array(3).fill('register outcome:0'));
    stop.abort();
    await time.advance(2_000);
    await running;
    expect(time.waiting).toBe(0);
  });

  it('runs once for each outcome, for ten at a time', async () => {
    const ids = Array.from({ length: 25 }, (_, n) => `t${n}`);
    let [now, most] = [0, 0];
    const seen: string[] = [];
    const { time, list, stop, run } = setUp(async (task, { owner }) => {
      most = Math.max(most, ++now);
      seen.push(`${task.id} of ${owner}`);
      await time.delay(100);
      now -= 1;
    }, ids);
    void run();
    await time.advance(5_000);
    expect(seen.sort()).toEqual(ids.map((id) => `${id} of ada`).sort());
    expect([most, list.size]).toEqual([10, 0]);
    stop.abort();
    await time.advance(10_000);
  });

  it('that takes minutes keeps its outcome for itself', async () => {
    let calls = 0;
    const { time, list, stop, run } = setUp(async () => {
      calls += 1;
      await time.delay(5 * 60_000);
    });
    void run();
    await time.advance(6 * 60_000);
    expect([calls, list.size]).toEqual([1, 0]);
    stop.abort();
    await time.advance(10_000);
  });

  it('that fails is tried again after 1, 2, 4 … s, at most an hour, and the operator is told', async () => {
    const times: number[] = [];
    const { time, log, stop, run } = setUp(() => {
      times.push(Math.round(time.elapsed() / 1_000));
      throw new Error('no mail server');
    });
    void run();
    // `random` gives 0 here, which halves each wait: 0.5, 1, 2 … s, at most 1,800 s. The worker looks once a second for what is
    // due, so it finds the first retry after 1 s.
    await time.advance(12 * 3_600_000);
    const waits = times.slice(1).map((second, n) => second - (times[n] ?? 0));
    expect(waits.slice(0, 5)).toEqual([1, 1, 2, 4, 8]);
    expect(Math.max(...waits)).toBe(1_800);
    expect(log.find('error', /hook/)[0]?.fields).toMatchObject({ hook: 'outcome', tries: 1, retrySeconds: 0.5 });
    stop.abort();
    await time.advance(10_000);
  });

  it('does not run again because Redis was away when it had run', async () => {
    let calls = 0;
    const { world, time, list, stop, run } = setUp(() => {
      calls += 1;
      world.isAway = true;
    });
    void run();
    await time.advance(10_000);
    expect(list.size).toBe(1);
    world.isAway = false;
    await time.advance(60_000);
    expect([calls, list.size]).toEqual([1, 0]);
    stop.abort();
    await time.advance(10_000);
  });

  it('may finish when the worker stops; one that does not is handed on at once', async () => {
    const ended: string[] = [];
    const { time, list, stop, run } = setUp(
      async (task, { signal }) => {
        await time.delay(task.id === 'quick' ? 3_000 : 60_000, signal);
        signal.throwIfAborted();
        ended.push(task.id);
      },
      ['quick', 'long'],
    );
    const running = run();
    await time.advance(1_000);
    stop.abort();
    await time.advance(DRAIN_MS + 1_000);
    await running;
    expect(ended).toEqual(['quick']);
    expect([...list]).toEqual([['long', { due: 1_000 + DRAIN_MS, tries: 1 }]]);
    expect(time.waiting).toBe(0);
  });

  it('for unseen outcomes leaves out those that were seen', async () => {
    const called: string[] = [];
    const { time, list, snapshots, stop, run } = setUp(
      (task) => called.push(task.id),
      ['a', 'b'],
      (handler) => unseenOutcomeHook(900_000, handler),
    );
    snapshots.set('a', { ...failed, id: 'a', seenAt: at(9) });
    void run();
    await time.advance(2_000);
    expect([called, list.size]).toEqual([['b'], 0]);
    stop.abort();
    await time.advance(10_000);
  });
});
