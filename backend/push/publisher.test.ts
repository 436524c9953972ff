// What leaves for the bus, in which order, and what becomes of it in an outage. A fake bus, and fake time.
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { channelOf } from '../../core/channel.ts';
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import { recordLog } from '../../test/support/log.ts';
import { FAILURE, move, newTask, time } from '../../test/support/task-events.ts';
import { Events } from '../events/events.ts';
import { BusError, type BusEvent } from './bus/bus.ts';
import { Publisher } from './publisher.ts';
import { type EventFate, PROBE } from './push-events.ts';

/** A bus in our hands: each request answers as `answer` says, after `latency` ms of fake time. */
class FakeBus {
  isEncrypted = false;
  latency = 1;
  answer: (events: readonly BusEvent[], request: number) => Error | null = () => null;
  readonly requests: (readonly BusEvent[])[] = [];
  readonly delivered: BusEvent[] = [];
  /** Taken: questions whether the bus takes events. */
  readonly probes: BusEvent[] = [];
  mostAtOnce = 0;
  #atOnce = 0;
  readonly #busy = new Map<string, number>();
  overlaps = 0;

  async send(events: readonly BusEvent[]): Promise<void> {
    this.requests.push(events);
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#atOnce);
    const channels = new Set(events.map(({ channel }) => channel));
    for (const channel of channels) {
      const busy = (this.#busy.get(channel) ?? 0) + 1;
      this.#busy.set(channel, busy);
      if (busy > 1) this.overlaps += 1;
    }
    const error = this.answer(events, this.requests.length);
    await new Promise((resolve) => setTimeout(resolve, this.latency));
    for (const channel of channels) this.#busy.set(channel, (this.#busy.get(channel) ?? 0) - 1);
    this.#atOnce -= 1;
    if (error) throw error;
    for (const event of events) (event.name === PROBE.name ? this.probes : this.delivered).push(event);
  }
}

const AWAY = new BusError('no answer from the bus: ECONNREFUSED', null);
const REFUSED = new BusError('the bus answered 413: too big', 413);
const OVER_QUOTA = new BusError('the bus answered 403: over its message quota', 403);

let bus: FakeBus;
let log: ReturnType<typeof recordLog>;
let settled: string[];
let publisher: Publisher;

function makePublisher(): void {
  bus = new FakeBus();
  log = recordLog();
  settled = [];
  publisher = new Publisher({
    bus,
    events: new Events(log),
    onSettled: (ids) => settled.push(...ids),
    eventsPerSecond: 10,
    random: () => 1,
  });
}

beforeEach(() => {
  jest.useFakeTimers();
  makePublisher();
});
// Minutes pass in fake time; a busy machine may need some real seconds for them.
jest.setTimeout(60_000);

afterEach(() => {
  publisher.close();
  expect(bus.overlaps).toBe(0);
  jest.useRealTimers();
});

const running = (id: string): Snapshot => move(newTask({ id }), { type: 'start', at: time(1) });
const progressed = (task: Snapshot, done: number): Snapshot =>
  move(task, { type: 'progress', at: time(2), attempt: 1, progress: { done, total: null } });
const succeeded = (task: Snapshot, result: unknown = null): Snapshot =>
  move(task, { type: 'succeed', at: time(3), attempt: 1, result });
const failed = (task: Snapshot): Snapshot =>
  move(task, { type: 'fail', at: time(3), attempt: 1, error: { ...FAILURE, retryable: false } });

const dataOf = (event: BusEvent): Snapshot => JSON.parse(event.data);
const delivered = (owner?: string) =>
  bus.delivered
    .filter(({ channel }) => owner === undefined || channel === channelOf(owner))
    .map((event) => `${dataOf(event).id} ${dataOf(event).status} ${dataOf(event).revision}`);
const counted = (fate: EventFate) =>
  Object.values(publisher.counts.events).reduce((sum, fates) => sum + fates[fate], 0);
const soon = () => jest.advanceTimersByTimeAsync(50);

describe('what is sent', () => {
  it('is the snapshot, on the channel of its owner, under the name of its status', async () => {
    const task = running('a');
    publisher.publish('ada@example.org', task);
    await soon();
    expect(bus.delivered).toEqual([
      { channel: 'private-user-ada@example.org', name: 'task.running', data: JSON.stringify(task) },
    ]);
  });

  it('is the newest of a task only, whatever the order it came in', async () => {
    const first = running('a');
    const second = progressed(first, 1);
    publisher.publish('ada', first);
    publisher.publish('ada', progressed(second, 2));
    publisher.publish('ada', second);
    await soon();
    expect(delivered()).toEqual(['a running 4']);
  });

  it('leaves in one request what changed in one tick, at most ten events each', async () => {
    for (let n = 0; n < 25; n++) publisher.publish(`user-${n % 7}`, running(`t${n}`));
    await soon();
    // One owner's events never overlap, so an owner cut in two by the limit waits for the first part.
    expect(bus.requests.every((events) => events.length <= 10)).toBe(true);
    expect(bus.requests.length).toBeLessThanOrEqual(5);
    expect(bus.delivered).toHaveLength(25);
    expect(publisher.counts.failures).toBe(0);
    expect(counted('sent')).toBe(25);
    expect(counted('dropped')).toBe(0);
  });

  it('serves many owners at once, each in one request at a time', async () => {
    bus.latency = 100;
    for (let n = 0; n < 100; n++) publisher.publish(`user-${n}`, running(`t${n}`));
    await jest.advanceTimersByTimeAsync(50);
    expect(bus.mostAtOnce).toBe(4);
    for (let n = 0; n < 100; n++) publisher.publish(`user-${n}`, succeeded(running(`t${n}`)));
    await jest.advanceTimersByTimeAsync(5_000);
    expect(bus.delivered.filter(({ name }) => name === 'task.succeeded')).toHaveLength(100);
  });

  it('of an owner with 200 events does not hold up the others', async () => {
    bus.latency = 100;
    for (let n = 0; n < 200; n++) publisher.publish('busy', running(`b${n}`));
    publisher.publish('quiet', running('q'));
    await jest.advanceTimersByTimeAsync(250);
    expect(delivered('quiet')).toHaveLength(1);
  });

  it('fits an event, with the result or without it', async () => {
    publisher.publish('ada', succeeded(running('a'), 'r'.repeat(50_000)));
    await soon();
    const [event] = bus.delivered as [BusEvent];
    expect(dataOf(event)).toMatchObject({ result: null, resultOmitted: true });
    bus.isEncrypted = true;
    publisher.publish('ada', succeeded(running('b'), 'r'.repeat(8_000)));
    await soon();
    expect(bus.delivered[1]?.channel).toBe('private-encrypted-user-ada');
    expect(dataOf(bus.delivered[1] as BusEvent)).toMatchObject({ resultOmitted: true });
  });

  it('tells the other tabs what was seen, after the outcome itself', async () => {
    publisher.publish('ada', succeeded(running('a')));
    publisher.publishSeen('ada', { ids: ['a'], seenAt: time(4) });
    publisher.publishSeen('ada', { ids: ['b'], seenAt: time(5) });
    await soon();
    expect(bus.delivered.map(({ name, data }) => (name === 'task.seen' ? JSON.parse(data).ids : name))).toEqual([
      'task.succeeded',
      ['a'],
      ['b'],
    ]);
  });
});

describe('an outcome', () => {
  it('is settled once it was sent, progress never', async () => {
    publisher.publish('ada', running('a'));
    await soon();
    expect(settled).toEqual([]);
    publisher.publish('ada', succeeded(running('a')));
    await soon();
    expect(settled).toEqual(['a']);
  });

  it('outlives a short outage, as progress does', async () => {
    bus.answer = () => AWAY;
    publisher.publish('ada', running('p'));
    publisher.publish('ada', failed(running('o')));
    await jest.advanceTimersByTimeAsync(1_000);
    bus.answer = () => null;
    await jest.advanceTimersByTimeAsync(1_000);
    expect(delivered()).toEqual(['p running 2', 'o failed 3']);
    expect(settled).toEqual(['o']);
    expect(publisher.isDown).toBe(false);
  });

  it.each([
    ['away', AWAY, 2_100],
    ['over its quota', OVER_QUOTA, 33_100],
  ])(
    'is left to the store where the bus is %s for longer, so that one process alone pushes it',
    async (_, fault, ms) => {
      bus.answer = () => fault;
      publisher.publish('ada', running('p'));
      publisher.publish('ada', failed(running('o')));
      await jest.advanceTimersByTimeAsync(600_000);
      publisher.publish('ada', failed(running('late')));
      expect(publisher.waiting).toEqual({ owners: 0, events: 0, bytes: 0 });
      bus.answer = () => null;
      await jest.advanceTimersByTimeAsync(ms);
      expect(publisher.isDown).toBe(false);
      expect(delivered()).toEqual([]);
      expect(settled).toEqual([]);
      expect(counted('dropped')).toBe(3);
      // What the sweeper hands over now goes at once.
      publisher.publish('ada', failed(running('o')));
      await soon();
      expect(settled).toEqual(['o']);
    },
  );

  it('replaces the progress that could not be sent', async () => {
    bus.answer = () => AWAY;
    publisher.publish('ada', running('a'));
    await jest.advanceTimersByTimeAsync(500);
    publisher.publish('ada', succeeded(running('a')));
    bus.answer = () => null;
    await jest.advanceTimersByTimeAsync(5_000);
    expect(delivered()).toEqual(['a succeeded 3']);
  });
});

describe('an outage', () => {
  it('is said once, with its beginning, and once when it is over', async () => {
    bus.answer = () => AWAY;
    const began = new Date().toISOString();
    for (let n = 0; n < 50; n++) {
      publisher.publish(`user-${n}`, failed(running(`t${n}`)));
      await jest.advanceTimersByTimeAsync(100);
    }
    bus.answer = () => null;
    await jest.advanceTimersByTimeAsync(10_000);
    expect(log.lines).toHaveLength(2);
    const [down, up] = log.lines;
    expect(down).toMatchObject({ level: 'warn', message: expect.stringContaining('ECONNREFUSED') });
    expect(Date.parse(String(down?.fields.since)) - Date.parse(began)).toBeLessThan(100);
    expect(up).toMatchObject({ level: 'info', fields: { since: down?.fields.since, failures: expect.any(Number) } });
  });

  it('is probed with one request at a time and growing pauses', async () => {
    bus.answer = () => AWAY;
    for (let n = 0; n < 200; n++) publisher.publish(`user-${n}`, failed(running(`t${n}`)));
    await jest.advanceTimersByTimeAsync(3_000);
    bus.mostAtOnce = 0;
    const before = bus.requests.length;
    await jest.advanceTimersByTimeAsync(60_000);
    expect(bus.mostAtOnce).toBe(1);
    expect(bus.requests.length - before).toBeLessThanOrEqual(31);
    expect(bus.requests.length - before).toBeGreaterThanOrEqual(28);
  });

  it('is noticed to be over although nothing is sent, and progress goes on within 2 s', async () => {
    bus.answer = () => AWAY;
    publisher.publish('ada', running('a'));
    await jest.advanceTimersByTimeAsync(5_000);
    bus.answer = () => null;
    let task = running('a');
    for (let tick = 0; tick < 30; tick++) {
      task = progressed(task, tick + 1);
      publisher.publish('ada', task);
      await jest.advanceTimersByTimeAsync(100);
    }
    expect(bus.probes).toHaveLength(1);
    expect(publisher.isDown).toBe(false);
    // Of 30 steps in 3 s those of the last one at least.
    expect(delivered().length).toBeGreaterThanOrEqual(10);
  });

  it.each([
    ['403', OVER_QUOTA],
    ['429', new BusError('the bus answered 429: slow down', 429)],
  ])('of quota (%s) has the bus asked every 30 s, whatever is to be sent', async (_, fault) => {
    bus.answer = () => fault;
    publisher.publish('first', running('f'));
    await jest.advanceTimersByTimeAsync(1);
    const asked = bus.requests.length;
    for (let second = 0; second < 300; second++) {
      for (let n = 0; n < 5; n++) publisher.publish(`user-${n}`, failed(running(`t${second}-${n}`)));
      void publisher.probe();
      await jest.advanceTimersByTimeAsync(1_000);
    }
    expect(asked).toBe(1);
    expect(bus.requests.length - asked).toBeGreaterThanOrEqual(8);
    expect(bus.requests.length - asked).toBeLessThanOrEqual(10);
    expect(bus.mostAtOnce).toBe(1);
  });

  it('is not over because of what was under way when it began', async () => {
    bus.answer = (_events, request) => (request === 1 ? null : OVER_QUOTA);
    bus.latency = 50;
    publisher.publish('slow', failed(running('a')));
    await jest.advanceTimersByTimeAsync(1);
    bus.latency = 5;
    publisher.publish('fast', failed(running('b')));
    await jest.advanceTimersByTimeAsync(100);
    expect(settled).toEqual(['a']);
    expect(publisher.isDown).toBe(true);
    await jest.advanceTimersByTimeAsync(25_000);
    expect(bus.requests).toHaveLength(2);
  });

  it('keeps the order of an owner’s events', async () => {
    bus.latency = 50;
    bus.answer = (_events, request) => (request === 1 ? AWAY : null);
    publisher.publish('ada', failed(running('first')));
    await soon();
    publisher.publishSeen('ada', { ids: ['first'], seenAt: time(4) });
    publisher.publish('ada', failed(running('second')));
    await jest.advanceTimersByTimeAsync(1_000);
    expect(bus.delivered.map(({ name, data }) => `${name} ${JSON.parse(data).id ?? ''}`)).toEqual([
      'task.failed first',
      'task.seen ',
      'task.failed second',
    ]);
  });

  it('of ten minutes at 500 updates a second costs bounded memory, and no owner is forgotten afterwards', async () => {
    bus.answer = () => AWAY;
    const result = 'r'.repeat(12_000);
    // Made once and copied: 300,000 courses of events would take longer than all that is tested here.
    const begun = running('t');
    const ended = succeeded(begun, result);
    const before = counted('dropped');
    let most = 0;
    for (let second = 0; second < 600; second++) {
      for (let n = 0; n < 500; n++) {
        // Each task of another owner, a tenth of the updates outcomes with big results.
        publisher.publish(`user-${second}-${n}`, { ...(n % 10 === 0 ? ended : begun), id: `t${second}-${n}` });
      }
      await jest.advanceTimersByTimeAsync(1_000);
      most = Math.max(most, publisher.waiting.events);
    }
    // What comes before it is given up: two seconds' worth, outcomes as texts of at most 10 KB.
    expect(most).toBeLessThanOrEqual(1_500);
    expect(publisher.waiting).toEqual({ owners: 0, events: 0, bytes: 0 });
    expect(counted('dropped') - before).toBe(300_000);

    bus.answer = () => null;
    await jest.advanceTimersByTimeAsync(10_000);
    expect(bus.delivered).toEqual([]);
    // Owners whose outcomes were left to the store are served like any other.
    for (const second of [1, 300, 599]) publisher.publish(`user-${second}-0`, failed(running(`again-${second}`)));
    await soon();
    expect(delivered().filter((line) => line.startsWith('again'))).toHaveLength(3);
  });

  it('that is only slowness costs bounded memory too', async () => {
    bus.latency = 4_900;
    const ended = failed(running('t'));
    for (let second = 0; second < 60; second++) {
      for (let n = 0; n < 500; n++) publisher.publish(`user-${n}`, { ...ended, id: `t${second}-${n}` });
      await jest.advanceTimersByTimeAsync(1_000);
    }
    expect(publisher.waiting.events).toBeLessThanOrEqual(10_000);
  });
});

describe('an event that the bus will not take', () => {
  it('is given up alone, and settled so that nobody tries it again', async () => {
    const isPoison = (event: BusEvent) => dataOf(event).id === 'poison';
    bus.answer = (events) => (events.some(isPoison) ? REFUSED : null);
    for (let n = 0; n < 9; n++) publisher.publish('ada', failed(running(`t${n}`)));
    publisher.publish('bob', failed(running('poison')));
    await soon();
    expect(delivered()).toHaveLength(9);
    expect(settled.sort()).toEqual(['poison', 't0', 't1', 't2', 't3', 't4', 't5', 't6', 't7', 't8']);
    expect(publisher.isDown).toBe(false);
    expect(log.lines).toEqual([
      { level: 'error', message: expect.stringContaining('413'), fields: { task: 'poison' } },
    ]);
  });

  it('of an owner who cannot have a channel harms nobody else', async () => {
    publisher.publish('', failed(running('nobody')));
    publisher.publish('ada', failed(running('a')));
    await soon();
    expect(delivered()).toEqual(['a failed 3']);
    expect(publisher.isDown).toBe(false);
  });

  it('does not make the other events of its request leave twice', async () => {
    bus.answer = (events, request) => {
      if (events.length > 1) return REFUSED;
      return request === 4 ? AWAY : null;
    };
    for (let n = 0; n < 5; n++) publisher.publish('ada', failed(running(`t${n}`)));
    await jest.advanceTimersByTimeAsync(5_000);
    expect(delivered()).toEqual([0, 1, 2, 3, 4].map((n) => `t${n} failed 3`));
  });

  it.each([401, 403, 404, 429, 500, 503])(
    'is not one that was refused with %d: the bus may take it later, so the store keeps it',
    async (status) => {
      bus.answer = () => new BusError(`the bus answered ${status}`, status);
      publisher.publish('ada', failed(running('a')));
      await jest.advanceTimersByTimeAsync(60_000);
      expect(settled).toEqual([]);
      expect(publisher.isDown).toBe(true);
      bus.answer = () => null;
      await jest.advanceTimersByTimeAsync(33_100);
      expect(publisher.isDown).toBe(false);
    },
  );
});

describe('a probe', () => {
  it('asks once where two are wanted at once', async () => {
    expect(publisher.hasSentWithin(Number.POSITIVE_INFINITY)).toBe(false);
    const first = publisher.probe();
    const second = publisher.probe();
    await soon();
    expect([await first, await second]).toEqual([true, true]);
    expect(bus.requests).toHaveLength(1);
    expect(bus.probes).toEqual([{ channel: 'private-inloop-probe', name: 'inloop.probe', data: '{}' }]);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(publisher.hasSentWithin(60_000)).toBe(false);
    expect(publisher.hasSentWithin(61_000)).toBe(true);
  });

  it('says no from the first push that failed until the bus takes one, and asks nothing meanwhile', async () => {
    bus.answer = () => AWAY;
    const probe = publisher.probe();
    await soon();
    expect(await probe).toBe(false);
    await jest.advanceTimersByTimeAsync(60_000);
    const asked = bus.requests.length;
    for (let n = 0; n < 20; n++) expect(await publisher.probe()).toBe(false);
    expect(bus.requests.length).toBe(asked);
    bus.answer = () => null;
    await jest.advanceTimersByTimeAsync(2_100);
    expect(publisher.isDown).toBe(false);
  });

  it('counts the bus as up if it refuses only the probe', async () => {
    bus.answer = () => new BusError('the bus answered 400: no such channel', 400);
    const probe = publisher.probe();
    await soon();
    expect(await probe).toBe(true);
  });
});

describe('the end of a session', () => {
  it('leaves at once, however many events wait, and is never settled', async () => {
    for (let n = 0; n < 80; n++) publisher.publish('ada', running(`t${n}`));
    await soon();
    publisher.publishSessionEnd('ada');
    await soon();
    const told = bus.delivered.filter(({ name }) => name === 'task.session');
    expect(told).toEqual([{ channel: 'private-user-ada', name: 'task.session', data: '{}' }]);
    expect(settled).toEqual([]);
  });
});

describe('a turn', () => {
  const never = new AbortController().signal;

  /** How many turns a task takes that moves all the time, in `ms`. */
  async function turnsIn(ms: number): Promise<number> {
    let turns = 0;
    const end = new AbortController();
    const moveOn = async () => {
      for (;;) {
        const turn = await publisher.takeTurn('ada', 'a', { after: 0, signal: end.signal });
        if (turn === null) return;
        turns += 1;
        turn.end();
      }
    };
    const moving = moveOn();
    await jest.advanceTimersByTimeAsync(ms);
    end.abort();
    await moving;
    return turns;
  }

  it('comes while the bus is away too', async () => {
    bus.answer = () => AWAY;
    publisher.publish('bob', running('b'));
    await jest.advanceTimersByTimeAsync(5_000);
    expect(await turnsIn(5_000)).toBeGreaterThanOrEqual(4);
  });

  it('comes less often while the bus is slow', async () => {
    expect(await turnsIn(5_000)).toBeGreaterThanOrEqual(48);
    bus.latency = 500;
    for (let n = 0; n < 10; n++) {
      publisher.publish('bob', failed(running(`b${n}`)));
      await jest.advanceTimersByTimeAsync(1_000);
    }
    expect(await turnsIn(1_000)).toBeLessThanOrEqual(2);
  });

  it('never comes after close', async () => {
    const given = publisher.takeTurn('ada', 'a', { after: 0, signal: never });
    publisher.close();
    expect(await given).toBeNull();
  });
});

describe('drain', () => {
  it('resolves once nothing waits any more', async () => {
    bus.latency = 300;
    publisher.publish('ada', failed(running('a')));
    const drained = publisher.drain(5_000).then(() => bus.delivered.length);
    await jest.advanceTimersByTimeAsync(400);
    await expect(drained).resolves.toBe(1);
    await publisher.drain(5_000);
  });

  it('gives up after its limit', async () => {
    bus.answer = () => AWAY;
    publisher.publish('ada', failed(running('a')));
    const drained = publisher.drain(2_000);
    await jest.advanceTimersByTimeAsync(2_000);
    await drained;
  });

  it('is not kept waiting by what was given up', async () => {
    bus.answer = () => AWAY;
    publisher.publish('ada', running('a'));
    const drained = publisher.drain(60_000);
    await jest.advanceTimersByTimeAsync(6_000);
    await drained;
  });
});

describe('after close', () => {
  it('nothing is sent any more', async () => {
    publisher.publish('ada', running('a'));
    publisher.close();
    publisher.publish('ada', running('b'));
    await soon();
    expect(bus.requests).toEqual([]);
  });
});

describe('over any course of events', () => {
  /** What happens in one step: tasks move on, time passes, the bus comes and goes. */
  const anySteps = fc.array(
    fc.record({
      owner: fc.nat(3),
      task: fc.nat(3),
      ends: fc.boolean(),
      wait: fc.constantFrom(0, 0, 1, 5, 50, 400, 3_000),
      bus: fc.constantFrom('up', 'up', 'away', 'slow', 'picky'),
    }),
    { minLength: 1, maxLength: 60 },
  );

  it('each task’s outcome comes last and once, or is left to the store, and the bus’s return is noticed', async () => {
    await fc.assert(
      fc.asyncProperty(anySteps, async (steps) => {
        makePublisher();
        const tasks = new Map<string, Snapshot>();
        for (const step of steps) {
          bus.latency = step.bus === 'slow' ? 700 : 3;
          bus.answer = (events) => {
            if (step.bus === 'away') return AWAY;
            return step.bus === 'picky' && events.length > 1 ? REFUSED : null;
          };
          const owner = `user-${step.owner}`;
          const id = `${owner}/${step.task}`;
          const known = tasks.get(id);
          if (!known?.finishedAt) {
            const before = known ?? running(id);
            const now = step.ends ? failed(before) : progressed(before, before.revision);
            tasks.set(id, now);
            publisher.publish(owner, now);
          }
          await jest.advanceTimersByTimeAsync(step.wait);
        }
        bus.answer = () => null;
        bus.latency = 3;
        await jest.advanceTimersByTimeAsync(10_000);

        expect(bus.overlaps).toBe(0);
        expect(publisher.waiting.events).toBe(0);
        for (const [id, last] of tasks) {
          const sent = bus.delivered.map(dataOf).filter((snapshot) => snapshot.id === id);
          const revisions = sent.map(({ revision }) => revision);
          expect(revisions).toEqual([...new Set(revisions)].sort((a, b) => a - b));
          if (last.finishedAt === null) continue;
          const isSent = sent.some(({ finishedAt }) => finishedAt !== null);
          if (isSent) expect(sent.at(-1)).toEqual(last);
          expect(settled.filter((settledId) => settledId === id)).toHaveLength(isSent ? 1 : 0);
        }
        expect(publisher.isDown).toBe(false);
      }),
      { numRuns: 150 },
    );
  });

  it('the last state of every task arrives when the bus is up throughout', async () => {
    await fc.assert(
      fc.asyncProperty(anySteps, async (steps) => {
        makePublisher();
        const tasks = new Map<string, Snapshot>();
        for (const { owner, task, wait } of steps) {
          const id = `${owner}/${task}`;
          const now = progressed(tasks.get(id) ?? running(id), tasks.get(id)?.revision ?? 1);
          tasks.set(id, now);
          publisher.publish(`user-${owner}`, now);
          await jest.advanceTimersByTimeAsync(wait);
        }
        await jest.advanceTimersByTimeAsync(1_100);
        for (const [id, last] of tasks) {
          expect(bus.delivered.map(dataOf).findLast((snapshot) => snapshot.id === id)).toEqual(last);
        }
      }),
      { numRuns: 50 },
    );
  });
});
