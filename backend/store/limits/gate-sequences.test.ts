// Random sequences of what happens to tasks with concurrency keys, over two processes: who goes into a gate, and that every gate
// is empty in the end.
import { randomUUID } from 'node:crypto';
import { expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { WHEN_BUSY } from '../../../core/tasks/concurrency.ts';
import { isFinished } from '../../../core/tasks/snapshot.ts';
import { canRetry, type TaskEvent } from '../../../core/tasks/transition.ts';
import { makeTask, now, useStore } from '../../../test/support/redis/store-world.ts';
import { repairGates } from '../commands/process/repair-gates.ts';
import type { TaskStore } from '../store.ts';
import { gateName } from './gates.ts';

jest.setTimeout(120_000);
const world = useStore();

const KEYS = ['k', 'l'];
const OWNERS = ['ada', 'bob'];
/** The acts that make the others possible come more often. */
const ACTS = [
  'start',
  'start',
  'start',
  'take',
  'take',
  'succeed',
  'fail',
  'release',
  'cancel',
  'stop',
  'retry',
  'discard',
  'forget',
  'lose',
] as const;
const anyStep = fc.record({
  act: fc.constantFrom(...ACTS),
  /** Picks the task: its place in the list of tasks, counted round. */
  which: fc.nat(100),
  key: fc.constantFrom(...KEYS),
  owner: fc.constantFrom(...OWNERS),
  process: fc.nat(1),
  /** Whether the process dies between storing a task and cancelling those that it replaces. */
  dies: fc.boolean(),
});
type Step = typeof anyStep extends fc.Arbitrary<infer T> ? T : never;

interface Task {
  readonly id: string;
  readonly owner: string;
  readonly key: string;
}

/** Who should be inside each gate, worked out from a list of all tasks in the order of their start. */
class Model {
  readonly limit: number;
  tasks: Task[] = [];
  readonly inside = new Set<string>();

  constructor(limit: number) {
    this.limit = limit;
  }

  add(task: Task): void {
    this.tasks.push(task);
    this.#admit();
  }

  end(ids: readonly string[]): void {
    this.tasks = this.tasks.filter(({ id }) => !ids.includes(id));
    for (const id of ids) this.inside.delete(id);
    this.#admit();
  }

  insideOf(key: string): string[] {
    return this.tasks.filter((task) => task.key === key && this.inside.has(task.id)).map(({ id }) => id);
  }

  /** Whoever is first in the order of start goes in, while there is room. */
  #admit(): void {
    for (const { id, key } of this.tasks) if (this.insideOf(key).length < this.limit) this.inside.add(id);
  }
}

it('with one key as many tasks are at work as `limit` allows, in the order of start, and none waits while there is room', async () => {
  const stores: readonly TaskStore[] = [world.store, world.connect().store];
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...WHEN_BUSY),
      fc.integer({ min: 1, max: 2 }),
      fc.array(anyStep, { maxLength: 30 }),
      async (whenBusy, limit, steps) => {
        const model = new Model(limit);
        /** Each run of this property has keys of its own. */
        const own = `${++runs}:`;
        const ended: Task[] = [];

        const read = async ({ id }: Task) => (await world.store.read(id, { run: true })) ?? null;
        const happen = async (store: TaskStore, task: Task, type: TaskEvent['type']) => {
          const record = await read(task);
          if (!record) return;
          const { snapshot, run, owner } = record;
          const error = { code: 'broken', message: 'Broken.', retryable: true };
          const common = { type, at: now(), result: 1, error };
          const event = (
            /^(start|cancel)$/.test(type) ? common : { ...common, attempt: snapshot.attempt }
          ) as TaskEvent;
          const start = type === 'start' ? { start: { worker: 'w1', isolation: 'free' as const } } : {};
          const applied = await store.apply({ snapshot, owner }, event, type === 'cancel' ? {} : { run, ...start });
          if (!applied.ok || !isFinished(applied.snapshot)) return;
          model.end([task.id]);
          ended.push(task);
        };
        const create = async ({ key, owner, process, dies }: Step, retryOf: string | null) => {
          const store = stores[process] as TaskStore;
          // Ids that say nothing about the order of start, as those of processes whose clocks differ.
          const snapshot = { ...makeTask({ id: randomUUID() }), retryOf };
          const gate = { key: own + key, limit, whenBusy };
          const wasInside = model.insideOf(key);
          const statuses = await Promise.all(wasInside.map(async (id) => (await store.read(id))?.snapshot.status));
          const created = await store.create({ snapshot, owner, input: 1, gate }, null);
          if (created.result === 'busy') expect([whenBusy, wasInside.length]).toEqual(['refuse', limit]);
          if (created.result === 'joined') {
            expect([whenBusy, wasInside.length]).toEqual(['join', limit]);
            expect(model.tasks.filter((task) => task.key === key).map(({ id }) => id)).toContain(created.id);
          }
          if (created.result !== 'created') return;
          if (whenBusy === 'refuse' || (whenBusy === 'join' && !statuses.every((status) => status === 'cancelling')))
            expect(wasInside.length).toBeLessThan(limit);
          const active = model.tasks.filter((task) => task.key === key);
          model.add({ id: snapshot.id, owner, key });
          if (whenBusy !== 'replace') return expect(created.replaces).toEqual([]);
          const isGoing = (id: string) => statuses[wasInside.indexOf(id)] !== 'cancelling';
          const going = active.filter(({ id }) => isGoing(id)).map(({ id }) => id);
          expect(created.replaces).toEqual(going.slice(0, Math.max(going.length + 1 - limit, 0)));
          if (dies) return;
          for (const id of created.replaces)
            await happen(store, active.find((task) => task.id === id) as Task, 'cancel');
          await store.settleReplaced(created.replaces);
        };
        const take = async (store: TaskStore) => {
          const id = (await world.takeJob())?.split(':')[0];
          const task = model.tasks.find((one) => one.id === id);
          if (!task) return id !== undefined;
          expect([...model.inside]).toContain(id);
          await happen(store, task, 'start');
          return true;
        };
        const act = async (step: Step) => {
          const store = stores[step.process] as TaskStore;
          const task = model.tasks[step.which % Math.max(model.tasks.length, 1)];
          switch (step.act) {
            case 'start':
              return create(step, null);
            case 'take':
              return void (await take(store));
            case 'retry': {
              const old = ended[step.which % Math.max(ended.length, 1)];
              const snapshot = old && (await read(old))?.snapshot;
              if (old && snapshot && canRetry(snapshot.status)) await create({ ...step, ...old }, old.id);
              return;
            }
            case 'forget':
              await store.forget(step.owner);
              return model.end(model.tasks.filter(({ owner }) => owner === step.owner).map(({ id }) => id));
            case 'discard': {
              const isNew = task && (await read(task))?.snapshot.revision === 1;
              if (task && isNew) await store.discard(task.id, task.owner);
              if (task && isNew) model.end([task.id]);
              return;
            }
            case 'lose': {
              // Removes a record, as a Redis that loses data does: the sweeper finds out.
              if (!task || step.which % 4 > 0) return;
              await world.raw.del(`${world.prefix}task:${task.id}`);
              model.end([task.id]);
              return sweep();
            }
            default:
              if (task) await happen(store, task, step.act);
          }
        };
        const sweep = async () => {
          const gates = await world.raw.zRange(`${world.prefix}gates`, 0, -1);
          for (const value of gates) await world.raw.zAdd(`${world.prefix}gates`, { score: 1, value });
          const replaced = await world.raw.zRange(`${world.prefix}replaced`, 0, -1);
          for (const value of replaced) await world.raw.zAdd(`${world.prefix}replaced`, { score: 1, value });
          return repairGates(world.redis);
        };
        const checkInside = async () => {
          for (const key of KEYS) {
            const gate = `${world.prefix}gate:${gateName('import', own + key)}`;
            // A task whose record is lost stays inside until somebody comes; it does not count.
            const inside = (await world.raw.zRange(gate, 0, -1)).filter((id) =>
              model.tasks.some((task) => task.id === id),
            );
            expect(inside).toEqual(model.insideOf(key));
          }
        };

        for (const step of steps) {
          await act(step);
          await checkInside();
        }
        // All workers come back and finish what there is.
        for (const id of await sweep()) {
          const task = model.tasks.find((one) => one.id === id);
          if (task) await happen(world.store, task, 'cancel');
          await world.store.settleReplaced([id]);
        }
        for (let round = 0; model.tasks.length > 0 && round < 300; round++) {
          while (await take(world.store));
          for (const task of [...model.tasks]) {
            const status = (await read(task))?.snapshot.status;
            if (status === 'running') await happen(world.store, task, 'succeed');
            if (status === 'cancelling') await happen(world.store, task, 'stop');
          }
        }
        expect(model.tasks).toEqual([]);
        await sweep();
        const left = await Promise.all(
          KEYS.map((key) => world.raw.keys(`${world.prefix}gate:${gateName('import', own + key)}*`)),
        );
        expect(left.flat()).toEqual([]);
        expect(await world.raw.exists([`${world.prefix}gates`, `${world.prefix}replaced`])).toBe(0);
        for (const owner of OWNERS) await world.store.forget(owner);
      },
    ),
    { numRuns: 60 },
  );
});
