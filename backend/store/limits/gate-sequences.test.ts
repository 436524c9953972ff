// Random sequences of what happens to tasks with concurrency keys, over two processes: who goes into a gate, and that every gate
// is empty in the end.
import { randomUUID } from 'node:crypto';
import { expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { WHEN_BUSY, type WhenBusy } from '../../../core/tasks/concurrency.ts';
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
/** What can happen. The acts that make others possible are listed more than once, so that they come more often. */
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
  /** Picks the task: its place in the list of tasks, modulo the length of the list. */
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

  /** While there is room, lets tasks in, in the order of their start. */
  #admit(): void {
    for (const { id, key } of this.tasks) if (this.insideOf(key).length < this.limit) this.inside.add(id);
  }
}

let simulations = 0;

/** Carries out steps in Redis and in the model, and compares both. Each simulation has concurrency keys of its own. */
class Simulation {
  readonly #whenBusy: WhenBusy;
  readonly #limit: number;
  readonly #stores: readonly TaskStore[];
  readonly #model: Model;
  readonly #ownKeys = `${++simulations}:`;
  readonly #ended: Task[] = [];

  constructor(whenBusy: WhenBusy, limit: number, stores: readonly TaskStore[]) {
    this.#whenBusy = whenBusy;
    this.#limit = limit;
    this.#stores = stores;
    this.#model = new Model(limit);
  }

  async act(step: Step): Promise<void> {
    const { tasks } = this.#model;
    const store = this.#stores[step.process] as TaskStore;
    const task = tasks[step.which % Math.max(tasks.length, 1)];
    switch (step.act) {
      case 'start':
        return this.#create(step, null);
      case 'take':
        await this.#take(store);
        return;
      case 'retry': {
        const old = this.#ended[step.which % Math.max(this.#ended.length, 1)];
        const snapshot = old && (await read(old))?.snapshot;
        if (old && snapshot && canRetry(snapshot.status)) await this.#create({ ...step, ...old }, old.id);
        return;
      }
      case 'forget':
        await store.forget(step.owner);
        return this.#model.end(tasks.filter(({ owner }) => owner === step.owner).map(({ id }) => id));
      case 'discard': {
        const isNew = task && (await read(task))?.snapshot.revision === 1;
        if (task && isNew) await store.discard(task.id, task.owner);
        if (task && isNew) this.#model.end([task.id]);
        return;
      }
      case 'lose': {
        // Removes a record, as a Redis that loses data does. The sweeper finds that out.
        if (!task || step.which % 4 > 0) return;
        await world.raw.del(`${world.prefix}task:${task.id}`);
        this.#model.end([task.id]);
        await sweep();
        return;
      }
      default:
        if (task) await this.#happen(store, task, step.act);
    }
  }

  /** Compares who is inside each gate with the model. */
  async checkInside(): Promise<void> {
    for (const key of KEYS) {
      const inside = await world.raw.zRange(this.#gate(key), 0, -1);
      // A task whose record is lost stays inside until a start or the sweeper removes it. It does not count.
      const counted = inside.filter((id) => this.#model.tasks.some((task) => task.id === id));
      expect(counted).toEqual(this.#model.insideOf(key));
    }
  }

  /** Ends every task, as workers and the sweeper do in the end. Expects that no gate is left. */
  async finish(): Promise<void> {
    for (const id of await sweep()) {
      const task = this.#model.tasks.find((one) => one.id === id);
      if (task) await this.#happen(world.store, task, 'cancel');
      await world.store.settleReplaced([id]);
    }
    for (let round = 0; this.#model.tasks.length > 0 && round < 300; round++) {
      while (await this.#take(world.store));
      for (const task of [...this.#model.tasks]) {
        const status = (await read(task))?.snapshot.status;
        if (status === 'running') await this.#happen(world.store, task, 'succeed');
        if (status === 'cancelling') await this.#happen(world.store, task, 'stop');
      }
    }
    expect(this.#model.tasks).toEqual([]);
    await sweep();
    const left = await Promise.all(KEYS.map((key) => world.raw.keys(`${this.#gate(key)}*`)));
    expect(left.flat()).toEqual([]);
    expect(await world.raw.exists([`${world.prefix}gates`, `${world.prefix}replaced`])).toBe(0);
    for (const owner of OWNERS) await world.store.forget(owner);
  }

  #gate(key: string): string {
    return `${world.prefix}gate:${gateName('import', this.#ownKeys + key)}`;
  }

  /** Applies an event to the current run of a task, if the task has a record. It may be refused. */
  async #happen(store: TaskStore, task: Task, type: TaskEvent['type']): Promise<void> {
    const record = await read(task);
    if (!record) return;
    const { snapshot, run, owner } = record;
    const error = { code: 'broken', message: 'Broken.', retryable: true };
    const common = { type, at: now(), result: 1, error };
    const event = (/^(start|cancel)$/.test(type) ? common : { ...common, attempt: snapshot.attempt }) as TaskEvent;
    const start = type === 'start' ? { start: { worker: 'w1', isolation: 'free' as const } } : {};
    const applied = await store.apply({ snapshot, owner }, event, type === 'cancel' ? {} : { run, ...start });
    if (!applied.ok || !isFinished(applied.snapshot)) return;
    this.#model.end([task.id]);
    this.#ended.push(task);
  }

  /** Starts a task, and checks that the answer fits who is inside the gate. */
  async #create({ key, owner, process, dies }: Step, retryOf: string | null): Promise<void> {
    const [model, whenBusy, limit] = [this.#model, this.#whenBusy, this.#limit];
    const store = this.#stores[process] as TaskStore;
    // Ids that say nothing about the order of start, as those of processes whose clocks differ.
    const snapshot = { ...makeTask({ id: randomUUID() }), retryOf };
    const gate = { key: this.#ownKeys + key, limit, whenBusy };
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
    const isCancelling = (id: string) => statuses[wasInside.indexOf(id)] === 'cancelling';
    const replaceable = active.filter(({ id }) => !isCancelling(id)).map(({ id }) => id);
    expect(created.replaces).toEqual(replaceable.slice(0, Math.max(replaceable.length + 1 - limit, 0)));
    if (dies) return;
    for (const id of created.replaces)
      await this.#happen(store, active.find((task) => task.id === id) as Task, 'cancel');
    await store.settleReplaced(created.replaces);
  }

  /** Lets a worker take a job. If its task is active, it must be inside its gate, and is started. @returns whether there was a job */
  async #take(store: TaskStore): Promise<boolean> {
    const id = (await world.takeJob())?.split(':')[0];
    const task = this.#model.tasks.find((one) => one.id === id);
    if (!task) return id !== undefined;
    expect([...this.#model.inside]).toContain(id);
    await this.#happen(store, task, 'start');
    return true;
  }
}

const read = async ({ id }: Task) => (await world.store.read(id, { run: true })) ?? null;

/** Repairs all gates, as if the time of their next check had come. Returns the ids of tasks that are still to be cancelled. */
async function sweep(): Promise<readonly string[]> {
  for (const set of ['gates', 'replaced']) {
    const members = await world.raw.zRange(world.prefix + set, 0, -1);
    for (const value of members) await world.raw.zAdd(world.prefix + set, { score: 1, value });
  }
  return repairGates(world.redis);
}

it('with one key as many tasks are at work as `limit` allows, in the order of start, and none waits while there is room', async () => {
  const stores: readonly TaskStore[] = [world.store, world.connect().store];
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...WHEN_BUSY),
      fc.integer({ min: 1, max: 2 }),
      fc.array(anyStep, { maxLength: 30 }),
      async (whenBusy, limit, steps) => {
        const simulation = new Simulation(whenBusy, limit, stores);
        for (const step of steps) {
          await simulation.act(step);
          await simulation.checkInside();
        }
        await simulation.finish();
      },
    ),
    { numRuns: 60 },
  );
});
