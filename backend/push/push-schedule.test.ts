// The schedule under a fake clock: a bus in our hands answers each request after some ms, and tasks take their turns.
import { beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Entry, type Loaded, PushSchedule } from './push-schedule.ts';

const FLUSH_MS = 25;
const MAX_REQUESTS = 4;

interface Sent {
  readonly at: number;
  readonly owner: string;
  readonly entry: Entry;
  readonly request: number;
}

/** What the publisher does with a schedule, in fake time. */
class World {
  now = 0;
  latency = 2;
  readonly schedule: PushSchedule<Entry>;
  readonly sent: Sent[] = [];
  readonly merged: Entry[] = [];
  readonly dropped: Entry[] = [];
  requests = 0;
  overlaps = 0;
  /** What a task does with its turn; nothing is shown unless told. */
  onTurn: (owner: string, key: string) => void = () => undefined;
  #underWay: { readonly endsAt: number; readonly batch: readonly Loaded<Entry>[] }[] = [];

  constructor(eventsPerSecond: number) {
    this.schedule = new PushSchedule<Entry>({
      eventsPerSecond,
      onMerged: (entry) => this.merged.push(entry),
      onDropped: (entry) => this.dropped.push(entry),
    });
  }

  put(owner: string, key: string, revision: number, mustArrive = false): void {
    this.schedule.put(owner, { key, revision, mustArrive }, this.now, Number.POSITIVE_INFINITY);
    this.#pump();
  }

  ask(owner: string, key: string, ms = 0): void {
    this.schedule.ask(owner, key, this.now + ms, this.now);
    this.#pump();
  }

  /** Lets `ms` pass, stopping at each moment at which something is due. */
  pass(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const { load, turn } = this.schedule.nextAt();
      const next = Math.min(load, turn, ...this.#underWay.map(({ endsAt }) => endsAt));
      if (next > end) break;
      this.now = Math.max(this.now, next);
      for (const request of this.#underWay.filter(({ endsAt }) => endsAt <= this.now)) {
        this.#underWay = this.#underWay.filter((other) => other !== request);
        this.schedule.answered(this.now, this.latency, false);
        this.schedule.settle(request.batch);
      }
      this.#pump();
    }
    this.now = end;
  }

  /** How many of `sent` left in the busiest second. */
  busiest(sent: readonly Sent[]): number {
    return Math.max(0, ...sent.map(({ at }) => sent.filter((other) => other.at > at - 1_000 && other.at <= at).length));
  }

  #pump(): void {
    this.#load();
    for (const { owner, key } of this.schedule.turns(this.now)) {
      this.onTurn(owner, key);
      this.schedule.endTurn(owner);
    }
    this.#load();
  }

  #load(): void {
    while (this.#underWay.length < MAX_REQUESTS) {
      const batch = this.schedule.load(this.now, this.#underWay.length);
      if (batch.length === 0) break;
      expect(batch.length).toBeLessThanOrEqual(10);
      this.requests += 1;
      const busy = new Set(this.#underWay.flatMap((request) => request.batch.map(({ lane }) => lane.owner)));
      for (const { lane, entry } of batch) {
        if (busy.has(lane.owner)) this.overlaps += 1;
        this.sent.push({ at: this.now, owner: lane.owner, entry, request: this.requests });
      }
      this.#underWay.push({ endsAt: this.now + this.latency, batch });
    }
  }
}

let world: World;
let revision: number;

beforeEach(() => {
  world = new World(10);
  revision = 0;
});

const others = (sent: readonly Sent[] = world.sent) => sent.filter(({ entry }) => !entry.mustArrive);

/** Makes each turn a step that is shown, and asks for the next one at once: the task moves all the time. */
function keepMoving(tasks: readonly (readonly [owner: string, key: string])[]): void {
  world.onTurn = (owner, key) => {
    revision += 1;
    world.schedule.put(owner, { key, revision, mustArrive: false }, world.now, Number.POSITIVE_INFINITY);
    world.schedule.ask(owner, key, world.now, world.now);
  };
  for (const [owner, key] of tasks) world.ask(owner, key);
}

describe('a task that moves all the time', () => {
  it('is shown at once, then ten times a second', () => {
    keepMoving([['ada', 'a']]);
    expect(world.sent).toHaveLength(1);
    world.pass(60_000);
    expect(world.busiest(world.sent)).toBe(10);
    expect(world.sent.length).toBeGreaterThanOrEqual(595);
  });

  it('is shown once a second in thrifty mode', () => {
    world = new World(1);
    keepMoving([['ada', 'a']]);
    world.pass(60_000);
    expect(world.busiest(world.sent)).toBe(1);
    expect(world.sent.length).toBeGreaterThanOrEqual(60);
  });

  it('shares the budget with its owner’s other tasks, fairly, and not with other owners', () => {
    const mine = [1, 2, 3, 4, 5].map((n) => ['ada', `a${n}`] as const);
    keepMoving([...mine, ['bob', 'b']]);
    world.pass(10_000);
    for (const [, key] of mine) {
      const steps = world.sent.filter(({ entry }) => entry.key === key).length;
      expect(steps).toBeGreaterThanOrEqual(19);
      expect(steps).toBeLessThanOrEqual(21);
    }
    expect(world.sent.filter(({ owner }) => owner === 'bob').length).toBeGreaterThanOrEqual(99);
  });

  it('is seen to move however many outcomes its owner gets', () => {
    keepMoving([['ada', 'a']]);
    for (let n = 0; n < 200; n++) {
      world.put('ada', `o${n}`, 1, true);
      world.pass(50);
    }
    const steps = others().map(({ at }) => at);
    expect(steps.length).toBeGreaterThanOrEqual(9);
    for (const [n, at] of steps.entries()) expect(at - (steps[n - 1] ?? 0)).toBeLessThanOrEqual(1_100);
  });

  it('gets its first turn not before it wants it', () => {
    const turns: number[] = [];
    world.onTurn = () => turns.push(world.now);
    world.ask('ada', 'a', 200);
    world.pass(1_000);
    expect(turns).toEqual([200]);
    world.ask('ada', 'a', 200);
    world.schedule.withdraw('ada', 'a');
    world.pass(1_000);
    expect(turns).toHaveLength(1);
  });

  it('shares its requests with those of others', () => {
    keepMoving(Array.from({ length: 100 }, (_, n) => [`user-${n}`, `t${n}`] as const));
    world.pass(10_000);
    expect(world.sent.length).toBeGreaterThan(9_000);
    expect(world.requests).toBeLessThan(world.sent.length / 8);
  });
});

describe('the window', () => {
  it('widens while the bus is slow or failing, up to a second, and narrows again', () => {
    keepMoving([['ada', 'a']]);
    world.latency = 150;
    world.pass(5_000);
    expect(world.schedule.window).toBe(1_000);
    const before = world.sent.length;
    world.pass(10_000);
    expect(world.sent.length - before).toBeGreaterThanOrEqual(9);
    expect(world.sent.length - before).toBeLessThanOrEqual(11);
    world.latency = 2;
    world.pass(10_000);
    expect(world.schedule.window).toBe(100);
    world.schedule.answered(world.now, 2, true);
    expect(world.schedule.window).toBe(200);
  });

  it('takes answers that come together for one sign', () => {
    for (let n = 0; n < 4; n++) world.schedule.answered(0, 500, false);
    expect(world.schedule.window).toBe(200);
  });
});

describe('an outcome', () => {
  it('leaves at once, whatever was sent before', () => {
    for (let n = 0; n < 10; n++) world.put('ada', `s${n}`, 1);
    world.pass(5);
    world.put('ada', 'late', 1);
    world.put('ada', 'o', 1, true);
    world.pass(5);
    expect(world.sent.map(({ entry }) => entry.key)).toContain('o');
    expect(world.sent.map(({ entry }) => entry.key)).not.toContain('late');
    world.pass(1_000);
    expect(world.sent.at(-1)?.entry.key).toBe('late');
  });

  it('takes the place of what waits of its task', () => {
    for (let n = 0; n < 10; n++) world.put('ada', `s${n}`, 1);
    world.put('ada', 'a', 1);
    world.put('ada', 'a', 2, true);
    world.pass(3_000);
    expect(world.sent.filter(({ entry }) => entry.key === 'a').map(({ entry }) => entry.revision)).toEqual([2]);
    expect(world.merged).toEqual([{ key: 'a', revision: 1, mustArrive: false }]);
  });

  it('waits for nothing while much is sent either, and takes along what waits', () => {
    for (let n = 0; n < 200; n++) {
      world.put(`user-${n}`, `s${n}`, 1);
      world.put(`other-${n}`, `o${n}`, 1, true);
      expect(world.sent.slice(-2).map(({ entry }) => entry.key)).toEqual([`s${n}`, `o${n}`]);
      world.pass(6);
    }
    expect(world.requests).toBeLessThanOrEqual(210);
  });

  it('waits for nothing while little is sent', () => {
    for (let n = 0; n < 100; n++) {
      world.put('ada', `t${n}`, 1, true);
      expect(world.sent).toHaveLength(n + 1);
      world.pass(25);
    }
  });
});

describe('a state', () => {
  it('waits for others at most a flush when many come one by one, and then few requests carry them', () => {
    for (let n = 0; n < 200; n++) {
      world.put(`user-${n}`, `t${n}`, 1);
      world.pass(6);
    }
    world.pass(100);
    expect(world.sent).toHaveLength(200);
    expect(world.requests).toBeLessThan(200 / 3);
    for (const { at, entry } of world.sent) expect(at - Number(entry.key.slice(1)) * 6).toBeLessThanOrEqual(FLUSH_MS);
  });

  it('that finds no room waits for it, in order, and is given up when it is no news any more', () => {
    for (let n = 0; n < 500; n++) world.put('ada', `s${n}`, 1);
    world.pass(20_000);
    expect(world.sent.length).toBeGreaterThanOrEqual(100);
    expect(world.sent.length).toBeLessThanOrEqual(110);
    expect(world.sent.map(({ entry }) => entry.key)).toEqual(world.sent.map((_, n) => `s${n}`));
    expect(world.dropped).toHaveLength(500 - world.sent.length);
    expect(world.schedule.size).toBe(0);
    expect(world.busiest(world.sent)).toBe(10);
  });
});

describe('owners of whom nothing is left to know', () => {
  it('are forgotten', () => {
    for (let n = 0; n < 5_000; n++) {
      world.put(`user-${n}`, `t${n}`, 1);
      world.pass(10);
    }
    expect(world.schedule.size).toBeLessThanOrEqual(3);
    // Two seconds of new owners, at a hundred a second.
    expect(world.schedule.owners).toBeLessThanOrEqual(210);
  });
});

describe('over any course of events', () => {
  const anySteps = fc.array(
    fc.record({
      owner: fc.nat(2),
      task: fc.nat(3),
      what: fc.constantFrom('state', 'state', 'ask', 'ask', 'ask', 'outcome'),
      wait: fc.constantFrom(0, 0, 0, 1, 7, 30, 120, 700),
    }),
    { minLength: 1, maxLength: 150 },
  );

  it('outcomes are in time and last, owners get their events in order, and nobody gets more than the budget', () => {
    fc.assert(
      fc.property(anySteps, fc.constantFrom(1, 3, 10), fc.constantFrom(1, 20, 140), (steps, budget, latency) => {
        world = new World(budget);
        world.latency = latency;
        /** Of each task: its latest revision, and whether it has ended. A task that has ended makes room for a new one. */
        const revisions = new Map<string, number>();
        const lives = new Map<string, number>();
        const putAt = new Map<string, number>();
        const outcomes: string[] = [];
        const next = (key: string) => {
          revisions.set(key, (revisions.get(key) ?? 0) + 1);
          return revisions.get(key) as number;
        };
        world.onTurn = (owner, key) =>
          world.schedule.put(
            owner,
            { key, revision: next(key), mustArrive: false },
            world.now,
            Number.POSITIVE_INFINITY,
          );
        for (const step of steps) {
          const owner = `user-${step.owner}`;
          const slot = `${owner}/${step.task}`;
          const key = `${slot}/${lives.get(slot) ?? 0}`;
          if (step.what === 'ask') world.ask(owner, key);
          else if (step.what === 'state') world.put(owner, key, next(key));
          else {
            lives.set(slot, (lives.get(slot) ?? 0) + 1);
            world.schedule.withdraw(owner, key);
            putAt.set(key, world.now);
            outcomes.push(key);
            world.put(owner, key, next(key), true);
          }
          world.pass(step.wait);
        }
        world.pass(15_000);

        expect(world.schedule.size).toBe(0);
        expect(world.overlaps).toBe(0);
        for (const owner of ['user-0', 'user-1', 'user-2']) {
          const sent = world.sent.filter((one) => one.owner === owner);
          const ended = sent.filter(({ entry }) => entry.mustArrive);
          // Every outcome, once, in the order in which they happened.
          expect(ended.map(({ entry }) => entry.key)).toEqual(outcomes.filter((key) => key.startsWith(owner)));
          for (const { at, entry } of ended) {
            const began = putAt.get(entry.key) as number;
            const before = ended.filter((one) => (putAt.get(one.entry.key) as number) <= began && one.at >= began);
            // At once; but its owner's requests leave one at a time, ten outcomes in each.
            const inTurn = latency * (1 + Math.ceil(before.length / 10));
            expect(at - began).toBeLessThanOrEqual(inTurn);
            const after = sent.slice(sent.findIndex((one) => one.entry === entry) + 1);
            expect(after.filter((one) => one.entry.key === entry.key)).toEqual([]);
          }
          for (const key of new Set(sent.map(({ entry }) => entry.key))) {
            const seen = sent.filter(({ entry }) => entry.key === key).map(({ entry }) => entry.revision);
            expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b));
          }
          expect(world.busiest(others(sent))).toBeLessThanOrEqual(budget);
          for (const { at } of others(sent)) {
            const inSecond = sent.filter((one) => one.at > at - 1_000 && one.at < at);
            const spent = inSecond.filter(({ entry }) => entry.mustArrive).length;
            expect(others(inSecond).length + Math.min(spent, budget - 1)).toBeLessThan(budget);
          }
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
