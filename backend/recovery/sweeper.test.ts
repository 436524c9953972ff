// One process's sweeper with stand-ins for Redis, the bus and the time. With real ones: test/integration/work/left-half-done.
import { describe, expect, it } from '@jest/globals';
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import { FakeTime } from '../../test/support/fakes/fake-time.ts';
import { unavailable } from '../../test/support/fakes/fake-worker-ports.ts';
import { time as at, FAILURE, move, newTask } from '../../test/support/task-events.ts';
import { Sweeper } from './sweeper.ts';
import type { KnownWorker } from './worker-registry.ts';

const failed = (id: string) =>
  move(
    newTask({ id, attempts: 1 }),
    { type: 'start', at: at(1) },
    { type: 'fail', at: at(2), attempt: 1, error: FAILURE },
  );

/** A sweeper whose calls are noted in words. The test sets `state`, which is what the sweeper finds. */
function setUp() {
  const time = new FakeTime();
  const calls: string[] = [];
  const leases: { name: string; ms: number }[] = [];
  const state = {
    /** Leases that another process holds. */
    taken: [] as string[],
    /** Ids of new tasks and outcomes that were not pushed. */
    unpublished: [] as string[],
    tasks: new Map<string, Snapshot>(),
    workers: [] as KnownWorker[],
    isBusDown: false,
    /** How often the bus was asked. */
    timesAsked: 0,
    gateSweeps: 0,
    isRedisAway: false,
    /** Whether the sweep of the gates throws a bug. */
    isGateKeeperBroken: false,
  };
  const sweeper = new Sweeper({
    time,
    clock: { follow: () => undefined },
    redis: {
      lease: async (name, _holder, ms) => {
        if (state.isRedisAway) throw unavailable();
        leases.push({ name, ms });
        return !state.taken.includes(name);
      },
      addDefinitions: async (names) => {
        if (state.isRedisAway) throw unavailable();
        calls.push(`announce ${names.join()}`);
      },
      unpublished: async () => state.unpublished,
      fillList: async (name, wanted) => void calls.push(`fill the list of ${name} to ${wanted}`),
      settle: async (ids) => void calls.push(`settle ${ids.join()}`),
    },
    store: {
      read: async (id) => {
        const snapshot = state.tasks.get(id);
        return snapshot ? { owner: 'ada', snapshot } : null;
      },
    },
    registry: { list: async () => state.workers },
    lostWorkers: {
      sweep: async () => {
        calls.push('sweep for lost workers');
        return state.workers;
      },
      redisWasAway: () => void calls.push('no heartbeat counts as missing'),
    },
    parents: { sweep: async () => undefined },
    unserved: { sweep: async (workers) => void calls.push(`sweep for unserved tasks of ${workers.length} workers`) },
    gateKeeper: {
      sweep: async () => {
        if (state.isGateKeeperBroken) throw new TypeError('a bug');
        state.gateSweeps++;
      },
    },
    changes: { push: ({ snapshot }) => void calls.push(`push ${snapshot.id}`) },
    isBusDown: () => state.isBusDown,
    askBus: () => state.timesAsked++,
  });
  return {
    sweeper,
    time,
    state,
    leases,
    /** Sweeps once. Returns what the sweeper did, except for announcements. */
    async round() {
      calls.length = 0;
      await sweeper.sweep();
      return calls.filter((call) => !call.startsWith('announce'));
    },
    announced: () => calls.filter((call) => call.startsWith('announce')),
  };
}

/** What a sweep does that finds nothing. */
const SWEPT = ['sweep for lost workers', 'sweep for unserved tasks of 0 workers'];

describe('one sweep', () => {
  it('looks for what is half done if this process has the leases', async () => {
    const { round, state } = setUp();
    expect(await round()).toEqual(SWEPT);
    expect(state.gateSweeps).toBe(1);
  });

  it('does nothing if another process has the leases', async () => {
    const { round, state } = setUp();
    state.taken = ['sweep', 'line', 'push'];
    state.unpublished = ['a'];
    state.tasks.set('a', failed('a'));
    expect(await round()).toEqual([]);
    expect(state.gateSweeps).toBe(0);
  });

  it('asks the bus if it is the first of its process, without waiting for Redis; later ones do not ask', async () => {
    const { sweeper, state } = setUp();
    state.isRedisAway = true;
    for (let n = 0; n < 3; n++) await sweeper.sweep();
    expect(state.timesAsked).toBe(1);
  });

  it('only forgets which heartbeats are missing while Redis is away, and goes on when it is back', async () => {
    const { round, state } = setUp();
    state.isRedisAway = true;
    expect(await round()).toEqual(['no heartbeat counts as missing']);
    state.isRedisAway = false;
    expect(await round()).toEqual(SWEPT);
  });

  it('does not count a bug in one of its parts as an outage: then dead workers would never be found', async () => {
    const { round, state } = setUp();
    state.isGateKeeperBroken = true;
    expect(await round()).toEqual(SWEPT);
  });

  it("fills bee-queue's list for workers of an earlier version, also where one of their sweepers has the lease", async () => {
    const { round, state } = setUp();
    const worker = { stallInterval: 60_000, isAlive: true, knowsLine: true, blockedFor: 0 };
    state.taken = ['sweep'];
    state.workers = [
      { ...worker, id: 'w', names: ['a', 'b'] },
      { ...worker, id: 'x', names: ['b', 'c'], knowsLine: false },
      { ...worker, id: 'y', names: ['d'], knowsLine: false, isAlive: false },
    ];
    expect(await round()).toEqual(['fill the list of b to 100', 'fill the list of c to 100']);
  });

  it('takes leases that last three sweeps, and sweeps more often when a worker has a short stall interval', async () => {
    const { round, state, leases } = setUp();
    state.workers = [
      { id: 'w', names: [], stallInterval: 2_000, isAlive: true, knowsLine: true, blockedFor: 0 },
      { id: 'x', names: [], stallInterval: 60_000, isAlive: true, knowsLine: true, blockedFor: 0 },
    ];
    await round();
    await round();
    expect(leases.map(({ name, ms }) => `${name} ${ms}`)).toEqual([
      'sweep 3000',
      'line 3000',
      'push 3000',
      'sweep 1500',
      'line 1500',
      'push 1500',
    ]);
  });
});

describe('an outcome that was not pushed', () => {
  it('is pushed once, and again only if it is still on the list after ten seconds', async () => {
    const { round, state, time } = setUp();
    state.unpublished = ['a'];
    state.tasks.set('a', failed('a'));
    expect(await round()).toContain('push a');
    await time.advance(10_000);
    expect(await round()).not.toContain('push a');
    await time.advance(1);
    expect(await round()).toContain('push a');
  });

  it('of a task that has expired is taken off the list', async () => {
    const { round, state } = setUp();
    state.unpublished = ['a'];
    expect(await round()).toContain('settle a');
  });

  it('is not pushed while the bus is away, nor is the lease taken; it is pushed at once when the bus is back', async () => {
    const { round, state, leases } = setUp();
    state.unpublished = ['a'];
    state.tasks.set('a', failed('a'));
    await round();
    state.isBusDown = true;
    leases.length = 0;
    expect(await round()).toEqual(SWEPT);
    expect(leases.map(({ name }) => name)).toEqual(['sweep', 'line']);
    state.isBusDown = false;
    expect(await round()).toContain('push a');
  });
});

describe('definitions that this process starts', () => {
  it('are announced in the first sweep, again after a minute, and as soon as one is added', async () => {
    const { sweeper, round, announced, time } = setUp();
    sweeper.addDefinitions(['import']);
    await round();
    expect(announced()).toEqual(['announce import']);
    await time.advance(59_999);
    await round();
    expect(announced()).toEqual([]);
    await time.advance(1);
    await round();
    expect(announced()).toEqual(['announce import']);
    sweeper.addDefinitions(['report']);
    await round();
    expect(announced()).toEqual(['announce import,report']);
  });
});
