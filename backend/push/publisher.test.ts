/** What the publisher sends, when and in which order. The bus and the time are fake. */

import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it, jest } from '@jest/globals';
import type { DismissedEvent } from '../../core/wire.ts';
import {
  AWAY,
  counted,
  dataOf,
  delivered,
  type FakeBus,
  failed,
  OVER_QUOTA,
  progressed,
  running,
  soon,
  succeeded,
  usePublisher,
} from '../../test/support/fakes/publisher-setup.ts';
import { time } from '../../test/support/task-events.ts';
import type { BusEvent } from './bus/bus.ts';
import type { Publisher } from './publisher.ts';

let bus: FakeBus;
let settled: string[];
let publisher: Publisher;
usePublisher((made) => {
  ({ bus, settled, publisher } = made);
});

describe('what is sent', () => {
  it('is the snapshot, on the channel of its owner, under the name of its status', async () => {
    const task = running('a');
    publisher.publish('ada@example.org', task);
    await soon();
    expect(bus.delivered).toEqual([
      { channel: 'private-user-ada@example.org', name: 'task.running', data: JSON.stringify(task) },
    ]);
  });

  it('is only the newest snapshot of a task, whatever the order of the calls', async () => {
    const first = running('a');
    const second = progressed(first, 1);
    publisher.publish('ada', first);
    publisher.publish('ada', progressed(second, 2));
    publisher.publish('ada', second);
    await soon();
    expect(delivered(bus)).toEqual(['a running 4']);
  });

  it('leaves outside of the request or attempt that has published it, since it may leave with events of others', async () => {
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    jest.spyOn(bus, 'send').mockImplementation(async () => {
      seen.push(storage.getStore());
    });
    storage.run('a request of ada', () => publisher.publish('ada', running('a')));
    storage.run('a request of bob', () => publisher.publish('bob', succeeded(running('b'))));
    await soon();
    await storage.run('a health check', () => publisher.probe());
    expect(seen.length).toBeGreaterThan(1);
    expect(seen.every((store) => store === undefined)).toBe(true);
  });

  it('shares a request with what else changed in the same tick, up to ten events', async () => {
    for (let n = 0; n < 25; n++) publisher.publish(`user-${n % 7}`, running(`t${n}`));
    await soon();
    // Requests with events of one owner never overlap. Where the limit cuts an owner's events in two, the second part waits.
    expect(bus.requests.every((events) => events.length <= 10)).toBe(true);
    expect(bus.requests.length).toBeLessThanOrEqual(5);
    expect(bus.delivered).toHaveLength(25);
    expect(publisher.counts.failures).toBe(0);
    expect(counted(publisher, 'sent')).toBe(25);
    expect(counted(publisher, 'dropped')).toBe(0);
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
    expect(delivered(bus, 'quiet')).toHaveLength(1);
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

describe('tasks that were removed', () => {
  it('are told to the other tabs in as few events as fit, after what was pushed of them before', async () => {
    const ids = Array.from({ length: 400 }, (_, n) => `01890000-0000-7000-8000-${String(n).padStart(12, '0')}`);
    publisher.publish('ada', succeeded(running('a')));
    publisher.publishDismissed('ada', ids);
    await soon();
    expect(bus.delivered.map(({ name }) => name)).toEqual(['task.succeeded', ...Array(3).fill('task.dismissed')]);
    expect(bus.delivered.slice(1).flatMap((event) => (JSON.parse(event.data) as DismissedEvent).ids)).toEqual(ids);
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
    expect(delivered(bus)).toEqual(['p running 2', 'o failed 3']);
    expect(settled).toEqual(['o']);
    expect(publisher.isDown).toBe(false);
  });

  it.each([
    // In ms: the longest wait before the bus is asked again, and a little more.
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
      expect(delivered(bus)).toEqual([]);
      expect(settled).toEqual([]);
      expect(counted(publisher, 'dropped')).toBe(3);
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
    expect(delivered(bus)).toEqual(['a succeeded 3']);
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

  it('does not wait for events that were given up', async () => {
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
