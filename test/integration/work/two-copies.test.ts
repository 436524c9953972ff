// Two copies of the package in one application, as a monorepo may install them: what one copy makes, the other takes.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import express from 'express';
import { z } from 'zod';
import { asTaskError, isUnavailable, TaskError } from '../../../core/error.ts';
import type { AnyTaskDefinition } from '../../../core/tasks/definition.ts';
import { problemHandler } from '../../../server/problem.ts';
import { createTaskServer, type TaskServer } from '../../../server/task-server.ts';
import { createTaskWorker } from '../../../worker/task-worker.ts';
import { eventually } from '../../support/eventually.ts';
import { startHttpServer } from '../../support/http-server.ts';
import { recordLog } from '../../support/log.ts';
import { NO_BUS } from '../../support/parts.ts';
import { startRedis, type TestRedis } from '../../support/redis/redis.ts';
import { loadSecondCopy, type SecondCopy } from '../mistakes/second-copy.ts';

let redis: TestRedis;
let copy: SecondCopy;
let definition: AnyTaskDefinition;
let backend: ReturnType<SecondCopy['inloop']['createBackend']>;
let tasks: TaskServer;
const log = recordLog();
const stop = new AbortController();
let running: Promise<void>;

/** Backend and definition are of the other copy; server and worker are of this one. */
beforeAll(async () => {
  [redis, copy] = await Promise.all([startRedis(), loadSecondCopy()]);
  const { createBackend, ConfigError, defineTask, pusherFromEnv, TaskError: OtherError } = copy.inloop;
  backend = createBackend({ redis: redis.url, pusher: pusherFromEnv(NO_BUS), log });
  definition = defineTask({
    name: 'fail',
    input: z.object({ how: z.string() }),
    attempts: 2,
    backoff: { initial: 10 },
  });
  tasks = createTaskServer({ backend, tasks: [definition], identify: () => 'ada' });
  const worker = createTaskWorker({ backend, drain: '100ms', grace: '100ms' });
  worker.handle(definition, async ({ how }: { how: string }) => {
    if (how === 'task')
      throw new OtherError('no_email_column', 'The file has no column "email".', { retryable: false });
    if (how === 'config') throw new ConfigError('invalid_options', 'The port is secret.');
    return how;
  });
  running = worker.run({ signal: stop.signal });
}, 60_000);

afterAll(async () => {
  stop.abort();
  await running;
  await backend.close();
  copy.remove();
  await redis.stop();
}, 30_000);

/** The outcome of a task of that kind. */
async function outcomeOf(how: string) {
  const { id } = await tasks.start(definition, { how }, { owner: 'ada' });
  return eventually(async () => {
    const task = (await tasks.tasks.list('ada', { state: 'all' })).tasks.find((one) => one.id === id);
    return task?.finishedAt ? task : null;
  });
}

describe('with the backend and the definition of another copy', () => {
  it('a task runs', async () => {
    expect(await outcomeOf('well')).toMatchObject({ status: 'succeeded', result: 'well' });
  });

  it('a TaskError of the other copy is told to the owner, and a ConfigError of it is not', async () => {
    expect(new copy.inloop.TaskError('a', 'b') instanceof TaskError).toBe(false);
    expect(await outcomeOf('task')).toMatchObject({
      error: { code: 'no_email_column', message: 'The file has no column "email".', retryable: false },
      attempt: 1,
    });
    // Trying again does not help, so the second attempt is not made.
    expect(await outcomeOf('config')).toMatchObject({ error: { code: 'internal' }, attempt: 1 });
    const lines = log.lines.filter(({ message }) => message.includes('failed by a fault'));
    expect(lines).toHaveLength(1);
  });

  it('a route answers a TaskError of the other copy with its status', async () => {
    const app = express();
    app.get('/', () => {
      throw new copy.inloop.TaskError('gone', 'It is gone.', { status: 410 });
    });
    app.use(problemHandler({ log }));
    const server = await startHttpServer(app);
    const answer = await fetch(server.url);
    expect([answer.status, await answer.json()]).toMatchObject([410, { code: 'gone', detail: 'It is gone.' }]);
    await server.close();
  });

  it('an error of the other copy that says Redis is away counts as one; an object with nothing but the name of an error does not', () => {
    expect(isUnavailable(new copy.inloop.TaskError('unavailable', 'Later.', { status: 503 }))).toBe(true);
    expect(asTaskError({ name: 'TaskError', code: 'a', message: 'hunter2' })).toMatchObject({ code: 'internal' });
    expect(asTaskError({ name: 'ConfigError', message: 'hunter2' })).toMatchObject({ retryable: true });
  });
});
