// Handlers that start other tasks. `runTask` runs such a handler alone, and notes what it starts. A memory backend also runs the
// tasks that were started.
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { whenAborted } from '../backend/async.ts';
import { TaskError } from '../core/error.ts';
import { defineTask } from '../core/tasks/definition.ts';
import { isFinished, type Snapshot } from '../core/tasks/snapshot.ts';
import { createTasks } from '../server/tasks/create-tasks.ts';
import type { Handler } from '../worker/context.ts';
import { createMemoryBackend } from './backend/memory-backend.ts';
import type { ChildRun } from './run-children.ts';
import { runTask } from './run-task.ts';

const sendMail = defineTask({ name: 'send-mail', input: z.object({ to: z.string() }), attempts: 1 });
const newsletter = defineTask({
  name: 'newsletter',
  input: z.object({ readers: z.array(z.string()), succeedsIn: z.number().default(1) }),
  backoff: { initial: 20 },
});
const send: Handler<typeof newsletter> = async ({ readers, succeedsIn }, task) => {
  // The order changes with each attempt.
  const order = task.attempt % 2 ? readers : readers.toReversed();
  await Promise.all(order.map((to) => task.start(sendMail, { to })));
  if (task.attempt < succeedsIn) throw new Error('not yet');
  return { sent: readers.length };
};
const READERS = ['ada', 'bob', 'ada'];

describe('runTask', () => {
  it('lists the tasks that the handler started, and each ends at once', async () => {
    const { outcome, children, snapshots } = await runTask(newsletter, send, { readers: READERS });
    expect(outcome).toMatchObject({
      status: 'succeeded',
      result: { sent: 3 },
      // While a task waits for its children, its bar counts them.
      progress: { done: 3, total: 3 },
      children: { total: 3, ended: 3, failed: 0 },
    });
    const noted = children.map(({ name, input, key, attempt }) => ({ name, input, key, attempt }));
    expect(noted).toEqual(READERS.map((to) => ({ name: 'send-mail', input: { to }, key: null, attempt: 1 })));
    expect(new Set(snapshots.map(({ id }) => id)).size).toBe(1);
  });

  it('notes a child once, whichever attempt starts it again', async () => {
    const { outcome, children } = await runTask(newsletter, send, { readers: READERS, succeedsIn: 3 });
    expect(outcome).toMatchObject({ status: 'succeeded', attempt: 3, children: { total: 3, ended: 3 } });
    expect(children.map(({ attempt }) => attempt)).toEqual([1, 1, 1]);
  });

  it.each([
    ['fail', 'failed'],
    ['ignore', 'succeeded'],
  ] as const)('ends the task as its definition says when a child has failed: %s', async (onChildFailure, status) => {
    const definition = defineTask({ name: 'newsletter', input: newsletter.input, onChildFailure });
    const childOutcome = ({ input }: ChildRun) =>
      (input as { to: string }).to === 'bob' ? ('failed' as const) : ('succeeded' as const);
    const { outcome } = await runTask(
      definition,
      send as Handler<typeof definition>,
      { readers: READERS },
      { childOutcome },
    );
    expect(outcome).toMatchObject({ status, children: { total: 3, ended: 3, failed: 1 } });
    expect(outcome.error?.code).toBe(status === 'failed' ? 'child_failed' : undefined);
  });

  it('refuses what cannot be started, with a reason', async () => {
    const thrown: unknown[] = [];
    const tryAll: Handler<typeof newsletter> = async (_input, task) => {
      const note = (start: () => Promise<unknown>) => start().catch((error: unknown) => thrown.push(error));
      await task.start(sendMail, { to: 'ada' }, { key: 'first' });
      await note(() => task.start(sendMail, { to: 'bob' }, { key: 'first' }));
      // @ts-expect-error: the input is that of the definition
      await note(() => task.start(sendMail, { to: 7 }));
      await note(() => task.start(undefined as never, {} as never));
      await note(() => task.start(sendMail, { to: 'ada' }, { key: '' }));
      await note(() => task.start(sendMail, { to: 'ada' }, { priority: 'urgent' as never }));
      await note(() => task.start(sendMail, { to: 'ada' }, 'first' as never));
    };
    const { children } = await runTask(newsletter, tryAll as typeof send, { readers: [] });
    expect(thrown.map((error) => (error as TaskError).code)).toEqual([
      'child_mismatch',
      'invalid_input',
      ...Array(4).fill('invalid_options'),
    ]);
    expect(children.length).toBe(1);
  });

  it('starts nothing more once the handler was told to stop', async () => {
    let reason: unknown;
    const late: Handler<typeof newsletter> = async (_input, task) => {
      await task.start(sendMail, { to: 'ada' });
      task.progress({ done: 1, total: 2 });
      await whenAborted(task.signal);
      await task.start(sendMail, { to: 'bob' }).catch((error: unknown) => {
        reason = error;
      });
      throw reason;
    };
    const { outcome, children } = await runTask(
      newsletter,
      late as typeof send,
      { readers: [] },
      { cancelWhen: () => true },
    );
    expect([outcome.status, children.length, (reason as TaskError).code]).toEqual(['cancelled', 1, 'cancelled']);
  });
});

describe('a backend in memory', () => {
  const setUp = () => {
    const backend = createMemoryBackend();
    const tasks = createTasks({ backend, tasks: [newsletter, sendMail] });
    const list = async () => (await tasks.list('ada', { limit: 100 })).tasks;
    return { backend, tasks, list };
  };
  const isChild = ({ parent }: Snapshot) => parent !== undefined;

  it('runs a task and those that it starts, and leaves only the outcome of the parent unseen', async () => {
    const { backend, tasks, list } = setUp();
    const mailed: string[] = [];
    backend.handle(newsletter, send).handle(sendMail, async ({ to }) => void mailed.push(to));
    const { id } = await tasks.start(newsletter, { readers: READERS, succeedsIn: 2 }, { owner: 'ada' });
    await backend.runAll();
    expect(mailed.sort()).toEqual(['ada', 'ada', 'bob']);
    expect(await tasks.get('ada', id)).toMatchObject({
      status: 'succeeded',
      attempt: 2,
      children: { total: 3, ended: 3 },
    });
    const children = (await list()).filter(isChild);
    expect(children.map(({ parent, status, seenAt }) => [parent, status, seenAt !== null])).toEqual(
      Array(3).fill([id, 'succeeded', true]),
    );
    expect((await tasks.list('ada', { state: 'unseen' })).tasks.map((task) => task.id)).toEqual([id]);
    await tasks.dismiss('ada', id);
    expect(await list()).toEqual([]);
  });

  it('ends a task whose child fails, and cancels the others', async () => {
    const { backend, tasks, list } = setUp();
    backend.handle(newsletter, send).handle(sendMail, async ({ to }) => {
      if (to === 'ada') throw new TaskError('no_such_reader', 'There is no such reader.', { retryable: false });
    });
    const { id } = await tasks.start(newsletter, { readers: ['ada', 'bob', 'eve'] }, { owner: 'ada' });
    await backend.runAll();
    expect(await tasks.get('ada', id)).toMatchObject({ status: 'failed', error: { code: 'child_failed' } });
    const statuses = (await list()).filter(isChild).map(({ status }) => status);
    expect(statuses.every((status) => status !== 'queued')).toBe(true);
    expect((await list()).every(isFinished)).toBe(true);
  });
});
