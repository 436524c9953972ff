// Redis first, push second: what is pushed, and which named event is told, of each change that is stored or refused.
import { describe, expect, it } from '@jest/globals';
import { TaskError } from '../core/error.ts';
import type { Snapshot } from '../core/tasks/snapshot.ts';
import { type TaskEvent, transition } from '../core/tasks/transition.ts';
import type { SeenEvent } from '../core/wire.ts';
import { FAILURE, move, newTask, time } from '../test/support/task-events.ts';
import type { EventName, NamedEvent } from './events/event-map.ts';
import { Events } from './events/events.ts';
import { LINES } from './events/log-events.ts';
import type { Applied, Created } from './store/store.ts';
import { TaskChanges } from './task-changes.ts';

const OWNER = 'ada';
const NAMES = Object.keys(LINES) as EventName[];
const start: TaskEvent = { type: 'start', at: time(1) };
const cancel: TaskEvent = { type: 'cancel', at: time(2) };
const progress: TaskEvent = { type: 'progress', at: time(2), attempt: 1, progress: { done: 1, total: 2 } };
const succeed: TaskEvent = { type: 'succeed', at: time(3), attempt: 1, result: 1 };
const fail: TaskEvent = { type: 'fail', at: time(3), attempt: 1, error: FAILURE, retryAt: time(9) };
const release: TaskEvent = { type: 'release', at: time(3), attempt: 1, error: FAILURE };
const stop: TaskEvent = { type: 'stop', at: time(3), attempt: 1 };
const unavailable = () => new TaskError('store_unavailable', 'The store is away.', { status: 503 });

/** A store of one task and a bus, which keep in one list what was asked of them. */
function setUp(task: Snapshot, { watched = true }: { watched?: boolean } = {}) {
  let stored = task;
  const calls: string[] = [];
  /** What happens to the next call of the store: its answer gets lost after it was done, or it is not done at all. */
  let trouble: 'answer lost' | 'away' | null = null;
  let created: Created = { result: 'created', ahead: null, replaces: [], watched };
  /** Gives the answer of the store, or throws if there is trouble. */
  const answer = <T>(value: T): T => {
    if (trouble === null) return value;
    trouble = null;
    throw unavailable();
  };
  const told: NamedEvent[] = [];
  const events = new Events({ info() {}, warn() {}, error() {} });
  for (const name of NAMES) events.on(name, (event) => void told.push(event));
  const changes = new TaskChanges(
    {
      create: async () => {
        calls.push('store created');
        return answer(created);
      },
      apply: async (_task, event): Promise<Applied> => {
        // Throws before anything is stored.
        if (trouble === 'away') answer(null);
        const moved = transition(stored, event);
        if (!moved.ok) return answer({ ok: false, refusal: moved.refusal, snapshot: stored });
        stored = moved.snapshot;
        calls.push(`store ${stored.status}`);
        return answer({ ok: true, snapshot: stored, watched });
      },
      read: async (id) => (id === 'gone' ? null : { owner: OWNER, snapshot: stored }),
      settleReplaced: async (ids) => void calls.push(`store settled ${ids.join()}`),
      see: async (_owner, ids): Promise<SeenEvent> => {
        calls.push('store seen');
        return { ids: ids.filter((id) => id !== 'unknown'), seenAt: time(5) };
      },
      dismiss: async (_owner, ids) => {
        calls.push('store dismissed');
        return ids.filter((id) => id !== 'unknown');
      },
      clear: async () => {
        calls.push('store cleared');
        return Array.from({ length: 1_200 }, (_, n) => `t${n}`);
      },
      forget: async () => {
        calls.push('store forgot');
        return { ids: ['a'], isDone: true };
      },
    },
    {
      publish: (owner, snapshot) => void calls.push(`push ${snapshot.status} to ${owner}`),
      share: () => undefined,
      publishSeen: (owner, { ids }) => void calls.push(`push seen ${ids.join()} to ${owner}`),
      publishDismissed: (owner, ids) =>
        void calls.push(`push ${ids.length > 9 ? ids.length : ids.join()} dismissed to ${owner}`),
    },
    events,
  );
  return {
    changes,
    calls,
    told,
    owned: { owner: OWNER, snapshot: task },
    failNext(kind: 'answer lost' | 'away') {
      trouble = kind;
    },
    answerCreate(answer: Created) {
      created = answer;
    },
  };
}

const running = move(newTask(), start);

describe('a new task that replaces others', () => {
  it('is pushed first; then the others are cancelled, unless they are gone, have ended or are being cancelled', async () => {
    const replaced = async (task: Snapshot, id: string) => {
      const { changes, calls, answerCreate } = setUp(task);
      answerCreate({ result: 'created', ahead: null, replaces: [id], watched: true });
      await changes.create({ snapshot: newTask({ id: 'new', at: time(9) }), owner: OWNER, input: 1 }, null);
      expect(calls.splice(0, 2)).toEqual(['store created', 'push queued to ada']);
      return calls;
    };
    expect(await replaced(running, 'old')).toEqual(['store cancelling', 'push cancelling to ada', 'store settled old']);
    expect(await replaced(newTask(), 'old')).toEqual(['store cancelled', 'push cancelled to ada', 'store settled old']);
    for (const task of [move(running, succeed), move(running, { type: 'cancel', at: time(3) })])
      expect(await replaced(task, 'old')).toEqual(['store settled old']);
    expect(await replaced(running, 'gone')).toEqual(['store settled gone']);
  });

  it('is kept although the others cannot be cancelled now', async () => {
    const { changes, calls, failNext, answerCreate } = setUp(running);
    answerCreate({ result: 'created', ahead: null, replaces: ['old'], watched: true });
    const creating = changes.create({ snapshot: newTask(), owner: OWNER, input: 1 }, null);
    // The store has been asked to create by now. So the next call, which fails, is the one that cancels.
    failNext('away');
    await creating;
    expect(calls).toEqual(['store created', 'push queued to ada']);
  });
});

describe('a change of a task', () => {
  it('is stored, then pushed', async () => {
    const { changes, calls, owned } = setUp(running);
    expect(await changes.apply(owned, progress)).toMatchObject({ ok: true, pushed: true, snapshot: { revision: 3 } });
    expect(calls).toEqual(['store running', 'push running to ada']);
  });

  it('is not pushed if the owner is not watching, unless it ends the task', async () => {
    const { changes, calls, owned } = setUp(running, { watched: false });
    expect(await changes.apply(owned, progress)).toMatchObject({ ok: true, pushed: false, watched: false });
    expect(await changes.apply(owned, succeed)).toMatchObject({ ok: true, pushed: true });
    expect(calls).toEqual(['store running', 'store succeeded', 'push succeeded to ada']);
  });

  it('is not pushed if it is quiet, unless it ends the task', async () => {
    const { changes, calls, owned } = setUp(running);
    expect(await changes.apply(owned, progress, { isQuiet: true })).toMatchObject({ ok: true, pushed: false });
    expect(await changes.apply(owned, succeed, { isQuiet: true })).toMatchObject({ ok: true, pushed: true });
    expect(calls).toEqual(['store running', 'store succeeded', 'push succeeded to ada']);
  });

  it('that the store refuses is not pushed', async () => {
    const done = move(running, succeed);
    const { changes, calls, owned } = setUp(done);
    expect(await changes.apply(owned, progress)).toEqual({ ok: false, refusal: 'final', snapshot: done });
    expect(calls).toEqual([]);
  });

  it('that could not be stored is not pushed', async () => {
    const { changes, calls, owned, failNext } = setUp(running);
    failNext('away');
    await expect(changes.apply(owned, succeed)).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(calls).toEqual([]);
  });
});

describe('a change that is tried again since its answer got lost', () => {
  const cancelling = move(running, cancel);
  const lastAttempt = move(newTask({ attempts: 1 }), start);
  it.each<[string, Snapshot, TaskEvent]>([
    ['succeeded', running, succeed],
    ['retrying', running, fail],
    ['failed', lastAttempt, fail],
    ['retrying', running, release],
    ['cancelled', cancelling, stop],
  ])('to %s is pushed by the second try, also where nobody seemed to watch', async (status, before, event) => {
    const { changes, calls, owned, failNext } = setUp(before, { watched: false });
    failNext('answer lost');
    await expect(changes.apply(owned, event)).rejects.toThrow();
    expect(await changes.apply(owned, event, { isRepeated: true })).toMatchObject({ ok: true, pushed: true });
    expect(calls).toEqual([`store ${status}`, `push ${status} to ada`]);
  });

  it('and that only the second try has stored is pushed once', async () => {
    const { changes, calls, owned, failNext } = setUp(running);
    failNext('away');
    await expect(changes.apply(owned, succeed)).rejects.toThrow();
    await changes.apply(owned, succeed, { isRepeated: true });
    expect(calls).toEqual(['store succeeded', 'push succeeded to ada']);
  });

  it('stays refused if the task has ended in another way', async () => {
    const { changes, calls, owned } = setUp(move(running, succeed));
    expect(await changes.apply(owned, fail, { isRepeated: true })).toMatchObject({ ok: false, refusal: 'final' });
    expect(calls).toEqual([]);
  });

  it('is refused if it is not said to be repeated: somebody else has done it', async () => {
    const { changes, calls, owned } = setUp(move(running, succeed));
    expect(await changes.apply(owned, succeed)).toMatchObject({ ok: false, refusal: 'final' });
    expect(calls).toEqual([]);
  });
});

describe('a new task', () => {
  const task = { snapshot: newTask(), owner: OWNER, input: 1 };

  it('is stored, then pushed', async () => {
    const { changes, calls } = setUp(running);
    expect(await changes.create(task, null)).toMatchObject({ result: 'created', ahead: null, watched: true });
    expect(calls).toEqual(['store created', 'push queued to ada']);
  });

  it('is not pushed if the owner is not watching, or if its key names an older task', async () => {
    const { changes, calls, answerCreate } = setUp(running, { watched: false });
    await changes.create(task, null);
    for (const answer of [{ result: 'exists', id: 'other' }, { result: 'mismatch' }] as const) {
      answerCreate(answer);
      expect(await changes.create(task, 'key')).toEqual(answer);
    }
    expect(calls).toEqual(['store created', 'store created', 'store created']);
  });
});

describe('outcomes that were seen', () => {
  it('are told to the other pages of their owner', async () => {
    const { changes, calls } = setUp(running);
    await changes.see(OWNER, ['a', 'unknown', 'b']);
    expect(calls).toEqual(['store seen', 'push seen a,b to ada']);
  });

  it('are not pushed if there were none', async () => {
    const { changes, calls } = setUp(running);
    await changes.see(OWNER, ['unknown']);
    expect(calls).toEqual(['store seen']);
  });
});

describe('tasks that were removed', () => {
  it('are told to the pages of their owner, at most 1,000 of them', async () => {
    const { changes, calls } = setUp(running);
    await changes.dismiss(OWNER, ['a', 'unknown', 'b']);
    expect(await changes.clear(OWNER, {})).toHaveLength(1_200);
    expect(await changes.forget(OWNER)).toBe(1);
    expect(calls).toEqual([
      'store dismissed',
      'push a,b dismissed to ada',
      'store cleared',
      'push 1000 dismissed to ada',
      'store forgot',
      'push a dismissed to ada',
    ]);
  });

  it('are not pushed if there were none', async () => {
    const { changes, calls } = setUp(running);
    await changes.dismiss(OWNER, ['unknown']);
    expect(calls).toEqual(['store dismissed']);
  });
});

describe('what is stored already', () => {
  it('is pushed if the owner is watching, and an outcome always', () => {
    const { changes, calls } = setUp(running);
    expect(changes.push({ owner: OWNER, snapshot: running }, false)).toBe(false);
    expect(changes.push({ owner: OWNER, snapshot: running }, true)).toBe(true);
    expect(changes.push({ owner: OWNER, snapshot: move(running, succeed) }, false)).toBe(true);
    expect(calls).toEqual(['push running to ada', 'push succeeded to ada']);
  });
});

describe('the named event of a change', () => {
  const cancelling = move(running, cancel);
  const retrying = move(running, fail);
  it.each<[string, Snapshot, TaskEvent, object]>([
    ['task.started', newTask(), start, { attempt: 1, waitSeconds: 1 }],
    ['task.started', retrying, { type: 'start', at: time(11) }, { attempt: 2, waitSeconds: 2 }],
    ['task.progressed', running, progress, { attempt: 1, done: 1, total: 2 }],
    ['task.alive', running, { type: 'alive', at: time(2), attempt: 1 }, { attempt: 1 }],
    ['task.retried', running, fail, { attempt: 2, code: FAILURE.code, isHandedBack: false, delaySeconds: 6 }],
    ['task.retried', running, release, { attempt: 1, isHandedBack: true, delaySeconds: 0 }],
    ['task.cancelling', running, cancel, { attempt: 1 }],
    [
      'task.ended',
      newTask(),
      cancel,
      { status: 'cancelled', attempt: 0, code: null, waitSeconds: 2, runSeconds: null },
    ],
    ['task.ended', cancelling, stop, { status: 'cancelled', code: null }],
    ['task.ended', running, succeed, { status: 'succeeded', code: null, waitSeconds: 1, runSeconds: 2 }],
    ['task.ended', move(newTask({ attempts: 1 }), start), fail, { status: 'failed', code: FAILURE.code }],
    ['task.without-worker', newTask(), { type: 'wait', at: time(1), for: 'worker' }, { status: 'queued' }],
  ])('%s: once, when it is stored', async (name, before, event, fields) => {
    const { changes, told, owned } = setUp(before);
    expect(await changes.apply(owned, event)).toMatchObject({ ok: true });
    expect(told).toEqual([expect.objectContaining({ event: name, task: before.id, name: before.name, ...fields })]);
  });

  it('of a refused change says which change was refused and why; no other event says that the change happened', async () => {
    const done = move(running, succeed);
    const { changes, told, owned } = setUp(done);
    await changes.apply(owned, progress);
    expect(told).toMatchObject([{ event: 'change.refused', task: done.id, change: 'progress', why: 'final' }]);
  });

  it('comes once if the answer of the store got lost: from the next try, which finds the change stored', async () => {
    const { changes, told, owned, failNext } = setUp(running);
    failNext('answer lost');
    await expect(changes.apply(owned, succeed)).rejects.toThrow();
    expect(told).toEqual([]);
    await changes.apply(owned, succeed, { isRepeated: true });
    expect(told).toMatchObject([{ event: 'task.ended', status: 'succeeded' }]);
  });

  it('of a new task comes with its creation, and not if its key names an older task', async () => {
    const { changes, told, answerCreate } = setUp(running);
    const task = { snapshot: newTask(), owner: OWNER, input: 1 };
    await changes.create(task, null);
    answerCreate({ result: 'exists', id: 'other' });
    await changes.create(task, 'key');
    expect(told).toMatchObject([{ event: 'task.accepted', task: task.snapshot.id, retryOf: null }]);
  });

  it('has no owner, input, result, title, note or error message in it', async () => {
    const secret = 'secret-of-ada';
    const task = newTask({ title: secret });
    const { changes, told } = setUp(task);
    const owned = { owner: secret, snapshot: task };
    await changes.create({ ...owned, snapshot: task, input: secret }, secret);
    await changes.apply(owned, start);
    await changes.apply(owned, {
      ...progress,
      progress: { done: 1, total: 2, note: secret, stage: secret },
    } as TaskEvent);
    await changes.apply(owned, { ...fail, error: { ...FAILURE, message: secret } } as TaskEvent);
    await changes.apply(owned, { type: 'start', at: time(11) });
    await changes.apply(owned, { type: 'succeed', at: time(12), attempt: 2, result: secret });
    await changes.see(secret, ['a']);
    await changes.dismiss(secret, ['a']);
    await changes.forget(secret);
    expect(told.map(({ event }) => event)).toEqual([
      'task.accepted',
      'task.started',
      'task.progressed',
      'task.retried',
      'task.started',
      'task.ended',
      'outcomes.seen',
      'tasks.dismissed',
      'tasks.dismissed',
      'owner.forgotten',
    ]);
    expect(JSON.stringify(told)).not.toContain(secret);
  });
});
