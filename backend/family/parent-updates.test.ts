// Parents are in step with their children, whoever changes what, and whichever process dies, on a real Redis.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { ChildFailurePolicy } from '../../core/tasks/children.ts';
import { isFinished, type Snapshot } from '../../core/tasks/snapshot.ts';
import { type TaskEvent, transition } from '../../core/tasks/transition.ts';
import { makeTask, now, start, succeed, useStore } from '../../test/support/redis/store-world.ts';
import { FAILURE } from '../../test/support/task-events.ts';
import { Events } from '../events/events.ts';
import { FamilyStore } from '../store/families.ts';
import type { OwnedTask, RunState } from '../store/record.ts';
import { TaskChanges } from '../task-changes.ts';
import { systemTime } from '../time.ts';
import { ParentUpdates } from './parent-updates.ts';

const world = useStore();
const OWNER = 'ada';
const FINAL = { ...FAILURE, retryable: false };

/** A process of ours. With `diesEarly` it stores changes, and dies before it updates the parents of the changed tasks. */
function openProcess({ diesEarly = false } = {}) {
  const pushed: Snapshot[] = [];
  const publisher = {
    publish: (_owner: string, snapshot: Snapshot) => void pushed.push(snapshot),
    share: () => undefined,
    publishSeen: () => undefined,
    publishDismissed: () => undefined,
  };
  const families = new FamilyStore(world.redis);
  const parents: ParentUpdates = new ParentUpdates({
    store: world.store,
    families: {
      children: (id, owner) => families.children(id, owner),
      release: (id, release) => families.release(id, release),
      correct: (id, version, counts) => families.correct(id, version, counts),
      // The sweeper does not wait 3 s for other processes to make an update: it takes what is due now or within 1 s.
      changed: (_ms, limit) => families.changed(-1_000, limit),
    },
    changes: { apply: (task, event) => changes.apply(task, event) },
    clock: { iso: now },
    // Updates wait 2.5 ms for further changes, not 250.
    time: { delay: (ms, signal) => systemTime.delay(ms / 100, signal) },
  });
  const changes: TaskChanges = new TaskChanges(
    world.store,
    publisher,
    new Events(world.log),
    diesEarly ? undefined : parents,
  );
  /** Lets `event` happen to a task. */
  const happen = async (id: string, event: TaskEvent) => {
    const task = (await world.store.read(id, { run: true })) as OwnedTask & RunState;
    const begun = event.type === 'start' ? { start: { worker: 'w1', isolation: 'free' as const } } : {};
    return changes.apply(task, event, { run: task.run, ...begun });
  };
  return {
    pushed,
    parents,
    happen,
    /** Stores a new task. @param options `parent`: the task whose handler starts it @returns its id; null if it was refused */
    async accept({ onChildFailure = 'fail', parent }: { onChildFailure?: ChildFailurePolicy; parent?: string } = {}) {
      const snapshot = makeTask(parent ? { parent } : {});
      const record = parent ? ((await world.store.read(parent, { run: true })) as RunState) : null;
      const child = parent && record ? { parent, run: record.run, key: snapshot.id } : null;
      const created = await changes.create({ snapshot, owner: OWNER, input: 1, onChildFailure, child }, null);
      return created.result === 'created' ? snapshot.id : null;
    },
    /** Sweeps until every parent has been updated. */
    async sweep() {
      do await parents.sweep();
      while ((await families.changed(-1_000, 1)).length > 0);
    },
  };
}

const read = async (id: string) => (await world.store.read(id))?.snapshot as Snapshot;
const statuses = (ids: readonly string[]) => Promise.all(ids.map(async (id) => (await read(id)).status));

/** A parent whose handler has started `count` tasks and returned. */
async function waitingParent(
  process: ReturnType<typeof openProcess>,
  count: number,
  onChildFailure: ChildFailurePolicy = 'fail',
) {
  const parent = (await process.accept({ onChildFailure })) as string;
  await process.happen(parent, start());
  const children: string[] = [];
  for (let n = 0; n < count; n++) children.push((await process.accept({ parent })) as string);
  await process.happen(parent, succeed('all'));
  return { parent, children: children as [string, ...string[]] };
}

describe('a parent that waits', () => {
  it('succeeds with its last child, and is pushed', async () => {
    const process = openProcess();
    const { parent, children } = await waitingParent(process, 3);
    for (const id of children) {
      expect((await read(parent)).status).toBe('running');
      await process.happen(id, start());
      await process.happen(id, succeed());
    }
    await process.parents.flush();
    expect(await read(parent)).toMatchObject({
      status: 'succeeded',
      result: 'all',
      progress: { done: 3, total: 3 },
      children: { total: 3, ended: 3, failed: 0 },
    });
    expect(process.pushed.at(-1)).toMatchObject({ id: parent, status: 'succeeded' });
    expect((await world.store.list(OWNER, { state: 'unseen' })).tasks.map(({ id }) => id)).toEqual([parent]);
  });

  it('fails with its first child that fails, and the others are cancelled', async () => {
    const process = openProcess();
    const { parent, children } = await waitingParent(process, 3);
    const [first, second] = children;
    await process.happen(second as string, start());
    await process.happen(first, start());
    await process.happen(first, { type: 'fail', at: now(), attempt: 1, error: FINAL });
    await process.parents.flush();
    expect(await read(parent)).toMatchObject({ status: 'failed', error: { code: 'child_failed', retryable: false } });
    expect(await statuses(children)).toEqual(['failed', 'cancelling', 'cancelled']);
  });

  it('succeeds in spite of failed children if its definition says so', async () => {
    const process = openProcess();
    const { parent, children } = await waitingParent(process, 2, 'ignore');
    for (const id of children) await process.happen(id, { type: 'cancel', at: now() });
    await process.parents.flush();
    expect(await read(parent)).toMatchObject({ status: 'succeeded', children: { total: 2, ended: 2, failed: 2 } });
  });

  it('is cancelled when those of its children that ran have stopped', async () => {
    const process = openProcess();
    const { parent, children } = await waitingParent(process, 2);
    await process.happen(children[0], start());
    await process.happen(parent, { type: 'cancel', at: now() });
    await process.parents.flush();
    expect(await statuses([parent, ...children])).toEqual(['cancelling', 'cancelling', 'cancelled']);
    await process.happen(children[0], { type: 'stop', at: now(), attempt: 1 });
    await process.parents.flush();
    expect(await read(parent)).toMatchObject({ status: 'cancelled', children: { total: 2, ended: 2, failed: 2 } });
  });

  it('is ended by the sweeper if every other process died in the middle', async () => {
    const dead = openProcess({ diesEarly: true });
    const { parent, children } = await waitingParent(dead, 2);
    for (const id of children) {
      await dead.happen(id, start());
      await dead.happen(id, succeed());
    }
    expect((await read(parent)).status).toBe('running');
    await openProcess().sweep();
    expect((await read(parent)).status).toBe('succeeded');
  });

  it('is updated by the sweeper after each change that a process stored just before it died', async () => {
    const [alive, dead] = [openProcess(), openProcess({ diesEarly: true })];
    /** Sweeps until nothing is left to do. */
    const sweepAll = async () => {
      await alive.sweep();
      expect(await new FamilyStore(world.redis).changed(-1_000, 10)).toEqual([]);
    };
    // Its last child ends.
    const one = await waitingParent(alive, 1);
    await dead.happen(one.children[0], start());
    await sweepAll();
    await dead.happen(one.children[0], succeed());
    await sweepAll();
    expect((await read(one.parent)).status).toBe('succeeded');
    // It is cancelled.
    const two = await waitingParent(alive, 2);
    await sweepAll();
    await dead.happen(two.parent, { type: 'cancel', at: now() });
    await sweepAll();
    expect(await statuses([two.parent, ...two.children])).toEqual(['cancelled', 'cancelled', 'cancelled']);
    // Its handler starts a child.
    const three = (await alive.accept()) as string;
    await alive.happen(three, start());
    await dead.accept({ parent: three });
    await sweepAll();
    expect((await read(three)).children?.total).toBe(1);
    // Its last attempt fails, so its child is cancelled.
    await dead.happen(three, { type: 'fail', at: now(), attempt: 1, error: FINAL });
    await sweepAll();
    const children = await new FamilyStore(world.redis).children(three, OWNER);
    expect(children.map(({ isActive }) => isActive)).toEqual([false]);
  });

  it('that is damaged, or cannot be updated, does not keep the sweeper from the others', async () => {
    const dead = openProcess({ diesEarly: true });
    const families = await Promise.all([waitingParent(dead, 1), waitingParent(dead, 1), waitingParent(dead, 1)]);
    const [damaged, unlucky, well] = families.map(({ parent }) => parent);
    for (const { children } of families) await dead.happen(children[0], start());
    for (const { children } of families) await dead.happen(children[0], succeed());
    // `s` is the snapshot, `cr` what the handler has returned.
    await world.raw.hSet(`${world.prefix}task:${damaged}`, { s: 'no JSON' });
    await world.raw.hSet(`${world.prefix}task:${unlucky}`, { cr: 'no JSON' });
    await openProcess().sweep();
    expect((await read(well as string)).status).toBe('succeeded');
  });

  it('counts its children again every 5 minutes, lest it wait for one that nobody has counted', async () => {
    const process = openProcess();
    const { parent, children } = await waitingParent(process, 3, 'ignore');
    const [lost, uncounted, last] = children;
    await process.parents.flush();
    // A Redis has lost the record of one. A worker of an earlier version has ended another, and did not count it (`ce`).
    await world.raw.del(`${world.prefix}task:${lost}`);
    await process.happen(uncounted as string, start());
    await world.raw.hSet(`${world.prefix}task:${parent}`, { ce: '0' });
    await openProcess({ diesEarly: true }).happen(uncounted as string, succeed());
    await world.raw.hSet(`${world.prefix}task:${parent}`, { ce: '0' });
    await process.sweep();
    expect(await read(parent)).toMatchObject({ status: 'running', children: { total: 3, ended: 2, failed: 1 } });
    // The next count is due in 300 s: not within 299 s, but within 301.
    expect(await new FamilyStore(world.redis).changed(-299_000, 10)).toEqual([]);
    expect(await new FamilyStore(world.redis).changed(-301_000, 10)).toEqual([parent]);
    await process.happen(last as string, start());
    await process.happen(last as string, succeed());
    await process.parents.flush();
    expect(await read(parent)).toMatchObject({ status: 'succeeded', children: { total: 3, ended: 3, failed: 1 } });
  });

  it('with a hundred children that end at once is updated a few times only', async () => {
    const process = openProcess();
    const { parent, children } = await waitingParent(process, 100, 'ignore');
    const before = (await read(parent)).revision;
    await Promise.all(
      children.map(async (id) => {
        await process.happen(id, start());
        await process.happen(id, succeed());
      }),
    );
    await process.parents.flush();
    expect(await read(parent)).toMatchObject({ status: 'succeeded', children: { total: 100, ended: 100 } });
    expect((await read(parent)).revision - before).toBeLessThan(100);
  });
});

it('cancel goes down to the children of children', async () => {
  const process = openProcess();
  const { parent, children } = await waitingParent(process, 2);
  await process.happen(children[0], start());
  const grandchild = (await process.accept({ parent: children[0] })) as string;
  await process.happen(children[0], succeed());
  await process.happen(grandchild, start());
  await process.happen(parent, { type: 'cancel', at: now() });
  await process.parents.flush();
  const cancelled = ['cancelling', 'cancelling', 'cancelled', 'cancelling'];
  expect(await statuses([parent, ...children, grandchild])).toEqual(cancelled);
  await process.happen(grandchild, { type: 'stop', at: now(), attempt: 1 });
  await process.parents.flush();
  expect(await statuses([parent, ...children, grandchild])).toEqual(Array(4).fill('cancelled'));
});

/** A process in which {@link act} lets something happen. */
type Process = ReturnType<typeof openProcess>;
/** What may happen: often, or less often. */
const OFTEN = ['begin', 'child', 'succeed'] as const;
const SELDOM = ['fail', 'retry', 'release', 'cancel', 'sweep'] as const;
type Action = (typeof OFTEN | typeof SELDOM)[number];

/** A parent with its descendants, as the random test below makes them. */
interface Family {
  /** The first one is the parent of all. */
  readonly ids: string[];
  /** The parent of each child. */
  readonly parentOf: Map<string, string>;
  readonly onChildFailure: ChildFailurePolicy;
}

/** Lets `what` happen to the task `id`, or starts a child of it, up to 7 tasks in all. What is not allowed changes nothing. */
async function act(process: Process, { ids, parentOf }: Family, id: string, what: Action): Promise<void> {
  const base = { at: now(), attempt: (await read(id)).attempt };
  if (what === 'begin') await process.happen(id, start());
  else if (what === 'succeed') await process.happen(id, { type: 'succeed', ...base, result: 1 });
  else if (what === 'fail') await process.happen(id, { type: 'fail', ...base, error: FINAL });
  else if (what === 'retry') await process.happen(id, { type: 'fail', ...base, error: FAILURE, retryAt: now() });
  else if (what === 'release') await process.happen(id, { type: 'release', ...base, error: FAILURE });
  else if (what === 'cancel') await process.happen(id, { type: 'cancel', at: now() });
  else if (what === 'sweep') await process.sweep();
  else if (ids.length < 7) {
    const child = await process.accept({ parent: id });
    if (child === null) return;
    ids.push(child);
    parentOf.set(child, id);
  }
}

/** Lets all tasks that are left succeed, children first. */
async function finishAll(process: Process, { ids }: Family): Promise<void> {
  await process.parents.flush();
  await process.sweep();
  for (const id of [...ids].reverse()) {
    for (const what of ['begin', 'succeed'] as const) {
      const task = await read(id);
      const { attempt } = task;
      const event: TaskEvent = what === 'begin' ? start() : { type: 'succeed', at: now(), attempt, result: 1 };
      if (transition(task, event).ok) await process.happen(id, event);
    }
    await process.parents.flush();
  }
  await process.sweep();
}

/** Throws unless the task has ended as its children say, and has counted each of them once. */
async function checkOutcome(id: string, { ids, parentOf, onChildFailure }: Family): Promise<void> {
  const task = await read(id);
  const children = await Promise.all([...parentOf].filter(([, of]) => of === id).map(([child]) => read(child)));
  const failed = children.filter(({ status }) => status !== 'succeeded').length;
  const counts = (await world.store.read(id, { family: true }))?.family?.children;
  const why = JSON.stringify([id, task, children]);
  if (!isFinished(task)) throw new Error(`not finished: ${why}`);
  if (children.length === 0) return;
  if (counts?.total !== children.length || counts.ended !== children.length || counts.failed !== failed)
    throw new Error(`counted ${JSON.stringify(counts)}: ${why}`);
  const mayFail = id !== ids[0] || onChildFailure === 'fail';
  if (task.status === 'succeeded' && failed > 0 && mayFail) throw new Error(`succeeded: ${why}`);
  if (task.error?.code === 'child_failed' && !(mayFail && failed > 0)) throw new Error(`failed: ${why}`);
}

it('whatever happens in a family, in whichever process, each parent ends as its children say, and counts each of them once', async () => {
  const step = fc.record({
    who: fc.nat(6),
    what: fc.constantFrom<Action>(...OFTEN, ...OFTEN, ...SELDOM),
    diesEarly: fc.boolean(),
  });
  const policy = fc.constantFrom<ChildFailurePolicy>('fail', 'ignore');
  await fc.assert(
    fc.asyncProperty(policy, fc.array(step, { maxLength: 30 }), async (onChildFailure, steps) => {
      const [alive, dead] = [openProcess(), openProcess({ diesEarly: true })];
      const ids = [(await alive.accept({ onChildFailure })) as string];
      const family: Family = { ids, parentOf: new Map(), onChildFailure };
      for (const { who, what, diesEarly } of steps) {
        await act(diesEarly ? dead : alive, family, ids[who % ids.length] as string, what);
      }
      await finishAll(alive, family);
      for (const id of ids) await checkOutcome(id, family);
      expect(await new FamilyStore(world.redis).changed(-1_000, 10)).toEqual([]);
    }),
    { numRuns: 60 },
  );
}, 120_000);
