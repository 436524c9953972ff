/** Properties of the publisher that hold whatever happens, in whatever order. The bus and the time are fake. */

import { describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import {
  AWAY,
  dataOf,
  type FakeBus,
  failed,
  makePublisher,
  progressed,
  REFUSED,
  running,
  usePublisher,
} from '../../test/support/fakes/publisher-setup.ts';
import type { Publisher } from './publisher.ts';

let bus: FakeBus;
let settled: string[];
let publisher: Publisher;
usePublisher((made) => {
  ({ bus, settled, publisher } = made);
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
        ({ bus, settled, publisher } = makePublisher());
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
        // Long enough for every backoff and the longest window.
        await jest.advanceTimersByTimeAsync(10_000);

        // No two requests with events of one channel were under way together, so events of a task cannot overtake each other.
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
        publisher.close();
      }),
      { numRuns: 150 },
    );
  });

  it('the last snapshot of every task arrives when the bus is up throughout', async () => {
    await fc.assert(
      fc.asyncProperty(anySteps, async (steps) => {
        ({ bus, settled, publisher } = makePublisher());
        const tasks = new Map<string, Snapshot>();
        for (const { owner, task, wait } of steps) {
          const id = `${owner}/${task}`;
          const now = progressed(tasks.get(id) ?? running(id), tasks.get(id)?.revision ?? 1);
          tasks.set(id, now);
          publisher.publish(`user-${owner}`, now);
          await jest.advanceTimersByTimeAsync(wait);
        }
        // What the budget of a second holds back has left a second later.
        await jest.advanceTimersByTimeAsync(1_100);
        for (const [id, last] of tasks) {
          expect(bus.delivered.map(dataOf).findLast((snapshot) => snapshot.id === id)).toEqual(last);
        }
        expect(bus.overlaps).toBe(0);
        publisher.close();
      }),
      { numRuns: 50 },
    );
  });
});
