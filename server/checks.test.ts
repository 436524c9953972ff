// The messages for wrong options of the functions with which an application sets inloop up: those of a server, and, so that all
// are worded alike, also those of a worker and of a backend.
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { type Backend, createBackend } from '../backend/backend.ts';
import type { BackendOptions } from '../backend/options.ts';
import { ConfigError } from '../core/config-error.ts';
import { defineTask } from '../core/tasks/definition.ts';
import { createTaskWorker } from '../worker/task-worker.ts';
import { checkAccepted } from './checks.ts';
import { createTaskServer } from './task-server.ts';
import { createTasks } from './tasks/create-tasks.ts';
import { TaskOperations } from './tasks/operations.ts';

const task = defineTask({ name: 'ping', input: z.object({}) });
// Only what the checks look at: nothing here may get as far as Redis.
const backend = { store: {}, publisher: {}, queues: {}, redis: { retention: 3_600 } } as unknown as Backend;
const identify = () => 'ada';
const pusher = { appId: 'a', key: 'k', secret: 's', cluster: 'eu', server: null, browser: null, encryptionKey: null };
const redis = 'redis://127.0.0.1:1';

/** The message with which a call refuses. The error must be one of ours. */
function refusalOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).code).toMatch(/^invalid_(options|duration)$/);
    return (error as Error).message;
  }
  throw new Error('was not refused');
}

describe('wrong options say what was expected and what came', () => {
  it.each<[unknown, string]>([
    [undefined, 'expected options like { backend, tasks, identify }, got undefined.'],
    [{}, 'backend must be what createBackend gives, got undefined.'],
    [{ backend: {} }, 'backend must be what createBackend gives, got an object.'],
    [{ backend }, 'identify must be a function from a request to a user id or null, got undefined.'],
    [{ backend, identify }, 'tasks must be a list of what defineTask gives, got undefined.'],
    [{ backend, identify, tasks: task }, 'tasks must be a list of what defineTask gives, got an object.'],
    [{ backend, identify, tasks: [task, 7] }, 'tasks must be a list of what defineTask gives, got one with 7.'],
    [{ backend, identify, tasks: [task], path: 7 }, 'path must be a path like /tasks, got 7.'],
    [{ backend, identify, tasks: [task], signal: {} }, 'signal must be an AbortSignal, got an object.'],
    [{ backend, identify, tasks: [task], limits: 5 }, 'limits must be an object like { waiters: 1000 }, got 5.'],
    [
      { backend, identify, tasks: [task], limits: { waiters: 2.5 } },
      'limits.waiters must be a whole number from 0 to 1000000, got 2.5.',
    ],
    [
      { backend, identify, tasks: [task], limits: { waiter: 2 } },
      'limits.waiter is not known; there are waitersPerOwner, waiters, waitSeconds, bodySeconds, owner, overall.',
    ],
    [
      { backend, identify, tasks: [task], limits: { owner: { active: 0 } } },
      'limits.owner.active must be a whole number from 1 to 1000000000, got 0.',
    ],
  ])('createTaskServer(%j)', (options, message) => {
    expect(refusalOf(() => createTaskServer(options as never))).toBe(`createTaskServer: ${message}`);
  });

  it.each<[unknown, string]>([
    [undefined, 'expected options like { backend, tasks }, got undefined.'],
    [{ backend: {} }, 'backend must be what createBackend gives, got an object.'],
    [{ backend, tasks: [7] }, 'tasks must be a list of what defineTask gives, got one with 7.'],
    [{ backend, tasks: [task], limits: { all: {} } }, 'limits.all is not known; there are owner and overall.'],
  ])('createTasks(%j)', (options, message) => {
    expect(refusalOf(() => createTasks(options as never))).toBe(`createTasks: ${message}`);
  });

  it('start names the function that must know the definition', async () => {
    const tasks = createTasks({ backend, tasks: [] });
    await expect(tasks.start(task, {}, { owner: 'ada' })).rejects.toMatchObject({
      message: 'start: ping is not among the tasks given to createTasks. Add it: createTasks({ tasks: [...] }).',
    });
  });

  it.each<[unknown, string]>([
    [undefined, 'backend must be what createBackend gives, got undefined.'],
    [{ backend, concurrency: '4' }, 'concurrency must be a whole number from 1 to 10000, got "4".'],
    [{ backend, stallInterval: '1ms' }, 'stallInterval: expected at least 500ms, got "1ms".'],
    [{ backend, stallInterval: '25d' }, 'stallInterval: expected at most 1d, got "25d".'],
    [{ backend, drain: '25d' }, 'drain: expected at most 7d, got "25d".'],
    [{ backend, grace: '25d' }, 'grace: expected at most 7d, got "25d".'],
  ])('createTaskWorker(%j)', (options, message) => {
    expect(refusalOf(() => createTaskWorker(options as never))).toBe(`createTaskWorker: ${message}`);
  });

  it.each<[string, unknown[], string]>([
    ['handle', [undefined], 'handle() expects a definition as defineTask gives it, got undefined.'],
    ['handle', [task, {}], 'handle(ping) expects a function (input, task) => result, got an object.'],
  ])('worker.%s', (_name, args, message) => {
    const worker = createTaskWorker({ backend });
    expect(refusalOf(() => worker.handle(...(args as [never, never])))).toBe(`createTaskWorker: ${message}`);
  });

  it.each([[undefined], [{}], [{ signal: 'SIGTERM' }]])('worker.run(%j)', async (options) => {
    const worker = createTaskWorker({ backend }).handle(task, async () => null);
    await expect(worker.run(options as never)).rejects.toMatchObject({
      code: 'invalid_options',
      message: expect.stringContaining('run({ signal }) expects an AbortSignal, which ends the worker, got '),
    });
  });

  it.each<[unknown, string]>([
    [undefined, 'the argument must be options like { redis, pusher }, got undefined.'],
    [{ redis }, 'pusher must be what pusherFromEnv(process.env) gives, got undefined.'],
    [{ redis, pusher: 'key' }, 'pusher must be what pusherFromEnv(process.env) gives, got "key".'],
    [
      { redis, pusher: { ...pusher, secret: 7 } },
      'pusher must be what pusherFromEnv(process.env) gives, got "one without appId, key and secret".',
    ],
    [
      { redis, pusher: { ...pusher, cluster: undefined, server: { host: 'h' } } },
      'pusher must be what pusherFromEnv(process.env) gives: it has neither a cluster nor a server with host and port.',
    ],
    [{ redis, pusher, prefix: 7 }, 'prefix must be a text like inloop:, got 7.'],
    [
      { redis, pusher, log: console.log },
      'log must be an object with the functions info, warn and error, got a function.',
    ],
    [{ redis, pusher, pushesPerSecond: '5' }, 'pushesPerSecond must be a whole number from 1 to 100, got "5".'],
    [{ redis, pusher, retention: '3654d' }, 'retention: expected at most ten years, got "3654d".'],
  ])('createBackend(%j)', (options, message) => {
    expect(refusalOf(() => createBackend(options as BackendOptions))).toBe(`createBackend: ${message}`);
  });

  it.each<[unknown, string]>([
    [undefined, 'got undefined.'],
    [{}, 'got an object.'],
    [Promise.resolve({ id: 'x' }), 'got a promise: await it.'],
  ])('accepted(res, %p)', (snapshot, words) => {
    expect(refusalOf(() => checkAccepted(snapshot as never))).toBe(
      `accepted: expected the snapshot that start resolves to, ${words}`,
    );
  });

  it.each<[unknown[], string]>([
    [[undefined], 'start: expected a definition as defineTask gives it, got undefined.'],
    [['ping'], 'start: expected a definition as defineTask gives it, got "ping".'],
    [[task, {}], 'start(ping): expected options like { owner: userId }, got undefined.'],
    [[task, {}, 'ada'], 'start(ping): expected options like { owner: userId }, got "ada".'],
  ])('start(%j)', async (args, message) => {
    const operations = new TaskOperations(backend, [task], 'createTaskServer');
    await expect(operations.start(...(args as [never, never, never]))).rejects.toMatchObject({
      code: 'invalid_options',
      message,
    });
  });
});
