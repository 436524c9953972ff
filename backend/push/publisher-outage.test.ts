/** What the publisher does while the bus is away or slow, or refuses an event. The bus and the time are fake. */

import { describe, expect, it, jest } from '@jest/globals';
import {
  AWAY,
  counted,
  dataOf,
  delivered,
  type FakeBus,
  failed,
  OVER_QUOTA,
  type PublisherParts,
  progressed,
  REFUSED,
  running,
  soon,
  succeeded,
  usePublisher,
} from '../../test/support/fakes/publisher-setup.ts';
import { time } from '../../test/support/task-events.ts';
import { BusError, type BusEvent } from './bus/bus.ts';
import type { Publisher } from './publisher.ts';

let bus: FakeBus;
let log: PublisherParts['log'];
let settled: string[];
let publisher: Publisher;
usePublisher((made) => {
  ({ bus, log, settled, publisher } = made);
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
    // The pauses have grown to 2 s.
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
    // The end of the outage is noticed within 2 s. So of 3 s with 10 steps each, the last second's steps arrive at least.
    expect(delivered(bus).length).toBeGreaterThanOrEqual(10);
  });

  it.each([
    ['403', OVER_QUOTA],
    ['429', new BusError('the bus answered 429: slow down', 429)],
  ])('because of quota (%s): the bus is asked every 30 s, however much waits to be sent', async (_, fault) => {
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

  it('does not end with the answer to a request that was under way when it began', async () => {
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
    // Made once and copied: to make 300,000 tasks one by one would take longer than the test itself.
    const begun = running('t');
    const ended = succeeded(begun, result);
    const before = counted(publisher, 'dropped');
    let most = 0;
    for (let second = 0; second < 600; second++) {
      for (let n = 0; n < 500; n++) {
        // Each task of another owner, a tenth of the updates outcomes with big results.
        publisher.publish(`user-${second}-${n}`, { ...(n % 10 === 0 ? ended : begun), id: `t${second}-${n}` });
      }
      await jest.advanceTimersByTimeAsync(1_000);
      most = Math.max(most, publisher.waiting.events);
    }
    // Events wait only in the first two seconds of the outage: 1,000 of them, and some of the next second.
    expect(most).toBeLessThanOrEqual(1_500);
    expect(publisher.waiting).toEqual({ owners: 0, events: 0, bytes: 0 });
    expect(counted(publisher, 'dropped') - before).toBe(300_000);

    bus.answer = () => null;
    await jest.advanceTimersByTimeAsync(10_000);
    expect(bus.delivered).toEqual([]);
    // Owners whose outcomes were left to the store are served like any other.
    for (const second of [1, 300, 599]) publisher.publish(`user-${second}-0`, failed(running(`again-${second}`)));
    await soon();
    expect(delivered(bus).filter((line) => line.startsWith('again'))).toHaveLength(3);
  });

  it('in which the bus is only slow costs bounded memory too', async () => {
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
    expect(delivered(bus)).toHaveLength(9);
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
    expect(delivered(bus)).toEqual(['a failed 3']);
    expect(publisher.isDown).toBe(false);
  });

  it('does not make the other events of its request leave twice', async () => {
    bus.answer = (events, request) => {
      if (events.length > 1) return REFUSED;
      return request === 4 ? AWAY : null;
    };
    for (let n = 0; n < 5; n++) publisher.publish('ada', failed(running(`t${n}`)));
    await jest.advanceTimersByTimeAsync(5_000);
    expect(delivered(bus)).toEqual([0, 1, 2, 3, 4].map((n) => `t${n} failed 3`));
  });

  it.each([401, 403, 404, 429, 500, 503])(
    'is kept by the store if the bus answered %d: the bus may take it later',
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
  it('is one request for two callers that want it at the same time', async () => {
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
