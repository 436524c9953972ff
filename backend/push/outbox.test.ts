/** Which events leave with which request, and which are merged or dropped. The bus and the time are simulated. */

import { beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { busiestSecond, PushSimulation, type SentEvent } from '../../test/support/fakes/push-simulation.ts';
import { Budget } from './budget.ts';
import { Outbox, type OutboxEvent } from './outbox.ts';

const BATCH_WAIT_MS = 25;

/** Sends what leaves the outbox to a bus that answers after some ms. */
let push: PushSimulation;

beforeEach(() => {
  push = new PushSimulation();
});

const sentKeys = () => push.sent.map(({ event }) => event.key);

describe('an outcome', () => {
  it('leaves at once, whatever was sent before', () => {
    for (let n = 0; n < 10; n++) push.add('ada', `s${n}`, 1);
    push.pass(5);
    push.add('ada', 'late', 1);
    push.add('ada', 'o', 1, true);
    push.pass(5);
    expect(sentKeys()).toContain('o');
    expect(sentKeys()).not.toContain('late');
    push.pass(1_000);
    expect(sentKeys().at(-1)).toBe('late');
  });

  it('replaces an event of its task that waits', () => {
    for (let n = 0; n < 10; n++) push.add('ada', `s${n}`, 1);
    push.add('ada', 'a', 1);
    push.add('ada', 'a', 2, true);
    push.pass(3_000);
    expect(push.sent.filter(({ event }) => event.key === 'a').map(({ event }) => event.revision)).toEqual([2]);
    expect(push.merged).toEqual([{ key: 'a', revision: 1, isUrgent: false }]);
  });

  it('leaves at once also while much is sent, and waiting events share its request', () => {
    for (let n = 0; n < 200; n++) {
      push.add(`user-${n}`, `s${n}`, 1);
      push.add(`other-${n}`, `o${n}`, 1, true);
      expect(sentKeys().slice(-2)).toEqual([`s${n}`, `o${n}`]);
      push.pass(6);
    }
    expect(push.requests).toBeLessThanOrEqual(210);
  });

  it('leaves at once while little is sent', () => {
    for (let n = 0; n < 100; n++) {
      push.add('ada', `t${n}`, 1, true);
      expect(push.sent).toHaveLength(n + 1);
      push.pass(25);
    }
  });

  it('is dropped if too many wait, and so is the event that it would have replaced', () => {
    const dropped: string[] = [];
    const budget = new Budget(10);
    const onDropped = ({ key, revision }: OutboxEvent, why: string) => dropped.push(`${key}${revision} ${why}`);
    const outbox = new Outbox({ budget, maxUrgent: 2, onMerged: () => undefined, onDropped });
    const outcome = (key: string) => ({ key, revision: 2, isUrgent: true });
    expect(outbox.add('ada', outcome('a'), 0)).toBe(true);
    expect(outbox.add('bob', outcome('b'), 0)).toBe(true);
    expect(outbox.add('cyd', { key: 'c', revision: 1, isUrgent: false }, 0)).toBe(true);
    expect(outbox.add('cyd', outcome('c'), 0)).toBe(false);
    expect(outbox.add('dan', outcome('d'), 0)).toBe(false);
    expect(dropped).toEqual(['c1 full', 'c2 full', 'd2 full']);
    expect(outbox.size).toBe(2);
    expect(outbox.owners).toBe(2);
  });
});

describe('an event that is no outcome', () => {
  it('waits at most 25 ms for others if many come one by one, so that few requests carry them', () => {
    for (let n = 0; n < 200; n++) {
      push.add(`user-${n}`, `t${n}`, 1);
      push.pass(6);
    }
    push.pass(100);
    expect(push.sent).toHaveLength(200);
    expect(push.requests).toBeLessThan(200 / 3);
    for (const { at, event } of push.sent) {
      expect(at - Number(event.key.slice(1)) * 6).toBeLessThanOrEqual(BATCH_WAIT_MS);
    }
  });

  it('leaves at once while little is sent', () => {
    for (let n = 0; n < 20; n++) {
      push.add(`user-${n}`, `t${n}`, 1);
      expect(push.sent).toHaveLength(n + 1);
      push.pass(20);
    }
  });

  it('is dropped at once if as many events wait as leave in 10 s', () => {
    for (let n = 0; n < 150; n++) push.outbox.add('ada', { key: `s${n}`, revision: 1, isUrgent: false }, 0);
    push.outbox.add('bob', { key: 'b', revision: 1, isUrgent: false }, 0);
    expect(push.outbox.size).toBe(101);
    expect(push.dropped.map(({ key }) => key)).toEqual(Array.from({ length: 50 }, (_, n) => `s${100 + n}`));
  });

  it('is dropped if outcomes used up its budget for 10 s', () => {
    for (let n = 0; n < 100; n++) push.outbox.add('ada', { key: `s${n}`, revision: 1, isUrgent: false }, 0);
    for (let n = 0; n < 120; n++) {
      push.add('ada', `o${n}`, 1, true);
      push.pass(100);
    }
    // However many outcomes leave, at most 9 of them count in a second. So one of 10 messages is left for a step.
    const steps = push.sent.filter(({ event }) => !event.isUrgent);
    expect(steps.length).toBeLessThanOrEqual(25);
    for (const { at } of steps) expect(at).toBeLessThanOrEqual(11_000);
    expect(push.dropped.length).toBe(100 - steps.length);
  });

  it('that the budget holds back waits, in order, and is dropped after 10 s', () => {
    for (let n = 0; n < 500; n++) push.add('ada', `s${n}`, 1);
    push.pass(20_000);
    expect(push.sent.length).toBeGreaterThanOrEqual(100);
    expect(push.sent.length).toBeLessThanOrEqual(110);
    expect(sentKeys()).toEqual(push.sent.map((_, n) => `s${n}`));
    expect(push.dropped).toHaveLength(500 - push.sent.length);
    expect(push.outbox.size).toBe(0);
    expect(busiestSecond(push.sent)).toBe(10);
  });

  it('replaces an older one of its task in the queue, and never a newer one', () => {
    for (let n = 0; n < 10; n++) push.add('ada', `s${n}`, 1);
    push.add('ada', 'a', 2);
    push.add('ada', 'b', 1);
    push.add('ada', 'a', 3);
    push.add('ada', 'a', 1);
    push.pass(2_000);
    expect(push.sent.slice(10).map(({ event }) => `${event.key}${event.revision}`)).toEqual(['a3', 'b1']);
    expect(push.merged.map(({ revision }) => revision)).toEqual([2, 1]);
  });
});

describe('a request', () => {
  it('carries at most ten events, and an owner’s next one waits for its end', () => {
    for (let n = 0; n < 25; n++) push.outbox.add('ada', { key: `o${n}`, revision: 1, isUrgent: true }, 0);
    const first = push.outbox.takeBatch(0, 0);
    expect(first.map(({ event }) => event.key)).toEqual(Array.from({ length: 10 }, (_, n) => `o${n}`));
    push.outbox.add('bob', { key: 'b', revision: 1, isUrgent: true }, 0);
    expect(push.outbox.takeBatch(0, 1)).toMatchObject([{ owner: 'bob' }]);
    expect(push.outbox.takeBatch(0, 2)).toEqual([]);
    push.outbox.finish(first);
    expect(push.outbox.takeBatch(0, 1)).toHaveLength(10);
  });

  it('that failed puts its events back in front, unless newer ones of their tasks came meanwhile', () => {
    const event = (key: string, revision: number, isUrgent = true) => ({ key, revision, isUrgent });
    push.outbox.add('ada', event('a', 1, false), 0);
    push.outbox.add('ada', event('b', 1), 0);
    const failed = push.outbox.takeBatch(0, 0);
    push.outbox.add('ada', event('c', 1), 1);
    push.outbox.add('ada', event('a', 2), 1);
    push.outbox.putBack(failed, 2);
    push.outbox.finish(failed);
    const again = push.outbox.takeBatch(3, 0).map((outgoing) => `${outgoing.event.key}${outgoing.event.revision}`);
    expect(again).toEqual(['b1', 'c1', 'a2']);
    expect(push.merged).toEqual([event('a', 1, false)]);
  });

  it('does not carry what was dropped', () => {
    push.outbox.add('ada', { key: 'a', revision: 1, isUrgent: true }, 0);
    push.outbox.add('bob', { key: 'b', revision: 1, isUrgent: false }, 0);
    push.outbox.dropAll('closed');
    expect(push.dropped.map(({ key }) => key)).toEqual(['a', 'b']);
    expect(push.outbox.takeBatch(100, 0)).toEqual([]);
    expect([push.outbox.size, push.outbox.owners]).toEqual([0, 0]);
  });
});

describe('owners without events', () => {
  it('are forgotten', () => {
    for (let n = 0; n < 5_000; n++) {
      push.add(`user-${n}`, `t${n}`, 1);
      push.pass(10);
    }
    expect(push.outbox.owners).toBeLessThanOrEqual(10);
    push.pass(100);
    expect(push.outbox.owners).toBe(0);
  });
});

/**
 * The rules that the events sent to one owner break. They are compared by plain code: `expect` would be called 100,000 times, and
 * take most of the test's time.
 * @param addedAt when each outcome was added, by its key, in ms
 * @param budget how many events an owner may get in any second
 */
function brokenRules(sent: readonly SentEvent[], addedAt: ReadonlyMap<string, number>, budget: number): unknown[] {
  const ended = sent.filter(({ event }) => event.isUrgent);
  const steps = sent.filter(({ event }) => !event.isUrgent);
  const broken: unknown[] = [];
  const check = (isKept: boolean, ...rule: unknown[]) => isKept || broken.push(rule);
  for (const { at, event } of ended) {
    const began = addedAt.get(event.key) as number;
    const before = ended.filter((one) => (addedAt.get(one.event.key) as number) <= began && one.at >= began);
    // An outcome leaves at once. But the requests of one owner leave one after the other, with ten outcomes in each.
    const longestWait = push.latency * (1 + Math.ceil(before.length / 10));
    check(at - began <= longestWait, 'an outcome is in time', event, at, began);
    check(sent.findLast((one) => one.event.key === event.key)?.event === event, 'an outcome comes last', event);
  }
  const revisionSent = new Map<string, number>();
  for (const { event } of sent) {
    check(event.revision > (revisionSent.get(event.key) ?? 0), 'revisions grow', event);
    revisionSent.set(event.key, event.revision);
  }
  check(busiestSecond(steps) <= budget, 'steps keep to the budget');
  // A step leaves only if the second before it has room. Outcomes never take the last message of a second, so at most
  // `budget - 1` of them count.
  for (const { at } of steps) {
    const inSecond = sent.filter((one) => one.at > at - 1_000 && one.at < at);
    const urgent = inSecond.filter(({ event }) => event.isUrgent).length;
    check(inSecond.length - urgent + Math.min(urgent, budget - 1) < budget, 'room for outcomes', at);
  }
  return broken;
}

describe('over any course of events', () => {
  const anySteps = fc.array(
    fc.record({
      owner: fc.nat(2),
      task: fc.nat(3),
      what: fc.constantFrom('progress', 'progress', 'turn', 'turn', 'turn', 'outcome'),
      wait: fc.constantFrom(0, 0, 0, 1, 7, 30, 120, 700),
    }),
    { minLength: 1, maxLength: 150 },
  );

  it('outcomes are in time and last, owners get their events in order, and nobody gets more than the budget', () => {
    fc.assert(
      fc.property(anySteps, fc.constantFrom(1, 3, 10), fc.constantFrom(1, 20, 140), (steps, budget, latency) => {
        push = new PushSimulation(budget);
        push.latency = latency;
        /** The latest revision of each task. */
        const revisions = new Map<string, number>();
        /** How many tasks have ended in each of the 12 places. A new task takes the place of one that has ended. */
        const lives = new Map<string, number>();
        const addedAt = new Map<string, number>();
        const outcomes: string[] = [];
        const next = (key: string) => {
          revisions.set(key, (revisions.get(key) ?? 0) + 1);
          return revisions.get(key) as number;
        };
        push.onTurn = (owner, key) => push.addInTurn(owner, key, next(key));
        for (const step of steps) {
          const owner = `user-${step.owner}`;
          const place = `${owner}/${step.task}`;
          const key = `${place}/${lives.get(place) ?? 0}`;
          if (step.what === 'turn') push.request(owner, key);
          else if (step.what === 'progress') push.add(owner, key, next(key));
          else {
            lives.set(place, (lives.get(place) ?? 0) + 1);
            push.pacer.withdraw(owner, key);
            addedAt.set(key, push.now);
            outcomes.push(key);
            push.add(owner, key, next(key), true);
          }
          push.pass(step.wait);
        }
        push.pass(15_000);

        expect(push.outbox.size).toBe(0);
        expect(push.overlaps).toBe(0);
        for (const owner of ['user-0', 'user-1', 'user-2']) {
          const sent = push.sent.filter((one) => one.owner === owner);
          const ended = sent.filter(({ event }) => event.isUrgent);
          // Every outcome, once, in the order in which they happened.
          expect(ended.map(({ event }) => event.key)).toEqual(outcomes.filter((key) => key.startsWith(owner)));
          expect(brokenRules(sent, addedAt, budget)).toEqual([]);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('the steps of tasks that move all the time share their requests, within each owner’s budget', () => {
    let revision = 0;
    push.onTurn = (owner, key) => {
      revision += 1;
      push.addInTurn(owner, key, revision);
      push.pacer.request(owner, key, push.now, push.now);
    };
    for (let n = 0; n < 100; n++) push.request(`user-${n}`, `t${n}`);
    push.pass(10_000);
    expect(push.sent.length).toBeGreaterThan(9_000);
    expect(push.requests).toBeLessThan(push.sent.length / 8);
    expect(busiestSecond(push.sent.filter(({ owner }) => owner === 'user-0'))).toBe(10);
  });
});
