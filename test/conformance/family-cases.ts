// What every backend must do with a task whose handler starts others, seen through a task server. backends.test.ts runs it over each.
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { z } from 'zod';
import { TaskError } from '../../core/error.ts';
import { type AnyTaskDefinition, defineTask } from '../../core/tasks/definition.ts';
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import type { Handler } from '../../worker/context.ts';
import { startApp, type TestApp } from '../support/parts.ts';
import type { BackendKind, HANDLINGS, RunningBackend } from './backend-cases.ts';

/** Succeeds, unless it is to fail. */
const child = defineTask({ name: 'child', input: z.object({ fails: z.boolean() }), attempts: 1 });
const childHandler: Handler<typeof child> = async ({ fails }) => {
  if (fails) throw new TaskError('no_use', 'It is of no use.', { retryable: false });
};

/**
 * Starts a child for each of `children`; `true` is one that fails. Then its first attempt fails. The second one starts the same
 * children, and so gets those that exist.
 */
const parent = defineTask({
  name: 'parent',
  input: z.object({ children: z.array(z.boolean()) }),
  attempts: 2,
  backoff: { initial: 20 },
});
const parentHandler: Handler<typeof parent> = async ({ children }, task) => {
  for (const fails of children) await task.start(child, { fails });
  if (task.attempt === 1) throw new Error('not yet');
  return children.length;
};

export const FAMILY_HANDLINGS: typeof HANDLINGS = [
  [parent, parentHandler as unknown as Handler<AnyTaskDefinition>],
  [child, childHandler as unknown as Handler<AnyTaskDefinition>],
];

/** Declares the cases for one backend. */
export function itObeysTheFamilyCases({ start }: BackendKind): void {
  let running: RunningBackend;
  let app: TestApp;

  beforeAll(async () => {
    running = await start();
    app = await startApp(running.backend, [parent, child]);
  }, 30_000);
  afterAll(async () => {
    await app?.close();
    await running?.close();
  }, 30_000);

  const begin = (owner: string, children: readonly boolean[]) =>
    app.tasks.start(parent, { children: [...children] }, { owner }) as Promise<Snapshot>;
  const list = async (owner: string, state: 'all' | 'active' | 'unseen' = 'all') =>
    (await app.tasks.tasks.list(owner, { state, limit: 100 })).tasks;
  const run = (owner: string) => running.run(async () => (await list(owner, 'active')).length === 0);
  const post = (owner: string, id: string, what: string) => app.post(owner, `/tasks/${id}/${what}`);

  it('a task waits for its children, and tells of them', async () => {
    const { id } = await begin('waits', [false, false, false]);
    await run('waits');
    const ended = await app.tasks.tasks.get('waits', id);
    expect(ended).toMatchObject({
      ...{ status: 'succeeded', result: 3, attempt: 2, children: { total: 3, ended: 3, failed: 0 } },
      progress: { stage: 'children', done: 3, total: 3 },
    });
    expect(ended).not.toHaveProperty('waitingFor');
    const tasks = (await list('waits')).toReversed();
    expect(tasks.map((task) => [task.name, task.parent, task.seenAt !== null])).toEqual([
      ['parent', undefined, false],
      ...Array(3).fill(['child', id, true]),
    ]);
    expect((await list('waits', 'unseen')).map((task) => task.id)).toEqual([id]);
    expect((await app.call('waits', `/tasks/${id}`, { method: 'DELETE' })).status).toBe(204);
    expect(await list('waits')).toEqual([]);
  });

  it('a task fails if a child of it fails; a retry of the task starts new children, a retry of the child has no parent', async () => {
    const { id } = await begin('fails', [true]);
    await run('fails');
    expect(await app.tasks.tasks.get('fails', id)).toMatchObject({
      ...{ status: 'failed', result: null, error: { code: 'child_failed', retryable: false } },
      children: { total: 1, ended: 1, failed: 1 },
    });
    const failed = (await list('fails')).find((task) => task.parent === id);
    const retried = (await (await post('fails', failed?.id ?? '', 'retry')).json()) as Snapshot;
    expect(retried).toMatchObject({ retryOf: failed?.id, name: 'child' });
    expect(retried).not.toHaveProperty('parent');
    const again = (await (await post('fails', id, 'retry')).json()) as Snapshot;
    await run('fails');
    expect(await app.tasks.tasks.get('fails', again.id)).toMatchObject({ status: 'failed', children: { total: 1 } });
    expect((await list('fails')).length).toBe(5);
  });

  it('children of a user who is forgotten are gone', async () => {
    await begin('forgotten', [false, false]);
    await run('forgotten');
    expect(await app.tasks.forget('forgotten')).toBe(3);
    expect(await list('forgotten')).toEqual([]);
  });
}
