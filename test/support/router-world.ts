// A task router on a real Redis, without a bus. For the tests of the router.
import { afterAll, beforeAll } from '@jest/globals';
import { createClient } from '@redis/client';
import express from 'express';
import { z } from 'zod';
import type { Backend } from '../../backend/backend.ts';
import { defineTask } from '../../core/tasks/definition.ts';
import type { TaskServerOptions } from '../../server/options.ts';
import { createTaskServer, type TaskServer } from '../../server/task-server.ts';
import { type HttpServer, startHttpServer } from './http-server.ts';
import { backendOn, NO_BUS } from './parts.ts';
import { startRedis, type TestRedis } from './redis/redis.ts';

/** The secret with which the bus signs webhooks. */
export const BUS_SECRET = 'secret-of-the-test';
/** The definition that browsers may start. */
export const report = defineTask({ name: 'report', input: z.strictObject({ n: z.number() }), browser: true });
export const JSON_TYPE = { 'content-type': 'application/json' };

export interface RouterWorld {
  /** A client of the Redis, for what the store does not tell. */
  readonly raw: ReturnType<typeof createClient>;
  readonly backend: Backend;
  /** The task server at `/tasks`. A request waits for a task, and for its body, for one second. */
  readonly tasks: TaskServer;
  readonly url: string;
  /** Another task server with the same definition. */
  taskServer(options?: Partial<TaskServerOptions>): TaskServer;
  /** Serves `app` until the end of the file. Resolves with its address. */
  listen(app: express.Express): Promise<string>;
  /** A call of the router as `user`, who is Ada unless named; null for nobody. */
  call(path: string, init?: RequestInit, user?: string | null): Promise<Response>;
  /** A `POST` of JSON. */
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  /** Starts a task of Ada. */
  start(): ReturnType<TaskServer['start']>;
}

/** Starts the router for the tests of the calling file. */
export function useRouter(): RouterWorld {
  let redis: TestRedis;
  let raw: ReturnType<typeof createClient>;
  let backend: Backend;
  let tasks: TaskServer;
  let url: string;
  const servers: HttpServer[] = [];

  const taskServer = (options: Partial<TaskServerOptions> = {}) =>
    createTaskServer({ backend, tasks: [report], identify: (req) => req.get('x-user') ?? null, ...options });
  const listen = async (app: express.Express) => {
    const server = await startHttpServer(app);
    servers.push(server);
    return server.url;
  };
  const call: RouterWorld['call'] = (path, init = {}, user = 'ada') => {
    const headers = { ...(user === null ? {} : { 'x-user': user }), ...init.headers };
    return fetch(`${url}/tasks${path}`, { ...init, headers });
  };

  beforeAll(async () => {
    redis = await startRedis();
    raw = createClient({ url: redis.url });
    await raw.connect();
    backend = backendOn({ ...NO_BUS, PUSHER_SECRET: BUS_SECRET, REDIS_URL: redis.url });
    tasks = taskServer({ limits: { waitSeconds: 1, bodySeconds: 1 } });
    url = await listen(express().use('/tasks', tasks.router));
  }, 30_000);

  afterAll(async () => {
    for (const server of servers) await server.close();
    await backend.close();
    raw.destroy();
    await redis.stop();
  }, 30_000);

  return {
    get raw() {
      return raw;
    },
    get backend() {
      return backend;
    },
    get tasks() {
      return tasks;
    },
    get url() {
      return url;
    },
    taskServer,
    listen,
    call,
    post: (path, body, headers = {}) =>
      call(path, { method: 'POST', body: JSON.stringify(body), headers: { ...JSON_TYPE, ...headers } }),
    start: () => tasks.start(report, { n: 1 }, { owner: 'ada' }),
  };
}
