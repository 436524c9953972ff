// What the memory backend offers to tests. That it does what every backend must: test/conformance/backends.test.ts.
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { channelOf } from '../../core/channel.ts';
import { defineTask } from '../../core/tasks/definition.ts';
import { createTaskServer } from '../../server/task-server.ts';
import { createTestClock } from '../time/test-clock.ts';
import { createMemoryBackend, type MemoryBackendOptions } from './memory-backend.ts';

const letter = defineTask({
  name: 'letter',
  input: z.object({ to: z.string() }),
  attempts: 2,
  backoff: { initial: '1m' },
});
const owner = 'ada';

/** A backend in memory, and a server that starts tasks on it. */
function world(options: MemoryBackendOptions = {}) {
  const backend = createMemoryBackend(options);
  return { backend, tasks: createTaskServer({ backend, tasks: [letter], identify: () => owner }) };
}

describe('runAll', () => {
  it('runs what waits in the order in which it was started, and what is started meanwhile', async () => {
    const { backend, tasks } = world();
    const sent: string[] = [];
    backend.handle(letter, async ({ to }) => {
      sent.push(to);
      if (to === 'bob') await tasks.start(letter, { to: 'copy of bob' }, { owner });
    });
    for (const to of ['bob', 'eve']) await tasks.start(letter, { to }, { owner });
    await backend.runAll();
    expect(sent).toEqual(['bob', 'eve', 'copy of bob']);
    expect((await tasks.tasks.list(owner, { state: 'active' })).tasks).toEqual([]);
    await backend.runAll();
    expect(sent).toHaveLength(3);
  });

  it('jumps over the waits between attempts, by the clock of the test', async () => {
    const clock = createTestClock('2026-05-01');
    const { backend, tasks } = world({ clock });
    backend.handle(letter, (_input, { attempt }) => {
      if (attempt === 1) throw new Error('no stamps');
    });
    const { id } = await tasks.start(letter, { to: 'bob' }, { owner });
    await backend.runAll();
    expect(await tasks.tasks.get(owner, id)).toMatchObject({
      status: 'succeeded',
      createdAt: '2026-05-01T00:00:00.000Z',
      finishedAt: '2026-05-01T00:01:00.000Z',
    });
  });

  it('says whose handler is missing', async () => {
    const { backend, tasks } = world();
    await backend.runAll();
    await tasks.start(letter, { to: 'bob' }, { owner });
    await expect(backend.runAll()).rejects.toThrow(
      'runAll: tasks wait whose handler is not known: letter. Call backend.handle(definition, handler) for each.',
    );
  });

  it('ends a task that its owner cancels while it runs', async () => {
    const { backend, tasks } = world();
    const { id } = await tasks.start(letter, { to: 'bob' }, { owner });
    backend.handle(letter, async (_input, { signal }) => {
      await tasks.tasks.cancel(owner, id);
      signal.throwIfAborted();
    });
    await backend.runAll();
    expect(await tasks.tasks.get(owner, id)).toMatchObject({ status: 'cancelled' });
  });
});

it('notes what would be pushed, and nothing but outcomes while the channel is vacant', async () => {
  const clock = createTestClock();
  const { backend, tasks } = world({ clock });
  backend.handle(letter, () => undefined);
  await tasks.start(letter, { to: 'bob' }, { owner });
  await backend.runAll();
  expect(backend.pushed.map(({ name }) => name)).toEqual(['task.queued', 'task.succeeded']);
  expect(backend.pushed.at(-1)).toMatchObject({ owner, snapshot: { title: 'letter', status: 'succeeded' } });
  const channel = channelOf(owner);
  await backend.redis.noteWatched(channel, owner);
  await clock.advance('1s');
  await backend.redis.noteWebhook(channel, 'vacated', clock.now());
  await tasks.start(letter, { to: 'eve' }, { owner });
  await backend.runAll();
  expect(backend.pushed.slice(2).map(({ name }) => name)).toEqual(['task.succeeded']);
});
