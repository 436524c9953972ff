// Real parts for integration tests: Redis, Soketi, an Express app with the router, and bare Pusher clients.
import express, { type Express } from 'express';
import { type Backend, createBackend } from '../../backend/backend.ts';
import type { BackendOptions } from '../../backend/options.ts';
import { pusherFromEnv } from '../../backend/push/bus/pusher-env.ts';
import type { ServerBackend } from '../../backend/server-backend.ts';
import type { AnyTaskDefinition } from '../../core/tasks/definition.ts';
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import type { TaskServerOptions } from '../../server/options.ts';
import { createTaskServer, type TaskServer } from '../../server/task-server.ts';
import { pusherEnvOf } from '../../soketi/pusher-app.ts';
import { Pusher } from './bus/pusher-class.ts';
import { startSoketi, type TestSoketi } from './bus/soketi/soketi.ts';
import { startHttpServer } from './http-server.ts';
import { recordLog } from './log.ts';
import { startRedis, type TestRedis } from './redis/redis.ts';

/** A running Redis and Soketi. */
export interface TestBus {
  readonly redis: TestRedis;
  readonly soketi: TestSoketi;
  /** `REDIS_URL` and the `PUSHER_*` variables, for this process or a child. */
  readonly env: Record<string, string>;
  stop(): Promise<void>;
}

/** Starts a Redis and a Soketi. */
export async function startBus(options: Parameters<typeof startSoketi>[0] = {}): Promise<TestBus> {
  const [redis, soketi] = await Promise.all([startRedis(), startSoketi(options)]);
  return {
    redis,
    soketi,
    env: {
      REDIS_URL: redis.url,
      ...pusherEnvOf(soketi.pusher, soketi.pusher.port),
    },
    async stop() {
      await Promise.all([redis.stop(), soketi.stop()]);
    },
  };
}

/** The variables of a bus that is never there: nothing listens on port 1. */
export const NO_BUS = {
  PUSHER_APP_ID: 'app',
  PUSHER_KEY: 'key',
  PUSHER_SECRET: 'secret',
  PUSHER_HOST: '127.0.0.1',
  PUSHER_PORT: '1',
};

/** A backend for the Redis and the bus that `env` names. It prints nothing unless `options` has a log. */
export function backendOn(env: Record<string, string>, options: Partial<BackendOptions> = {}): Backend {
  return createBackend({ redis: env.REDIS_URL, pusher: pusherFromEnv(env), log: recordLog(), ...options });
}

/** A running Express app with the task router at `/tasks`. The header `x-user` of a request names its user. */
export interface TestApp {
  readonly url: string;
  readonly tasks: TaskServer;
  readonly app: Express;
  /** `fetch` as a user: `call('ada', '/tasks')`. `null` is nobody. */
  call(user: string | null, path: string, init?: RequestInit): Promise<Response>;
  /** A `POST` as a user; `body` is sent as JSON. */
  post(user: string | null, path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
  /** Starts a bare pusher-js client that collects events. Resolves when it is in the user's channel. */
  follow(user: string): Promise<Follower>;
  close(): Promise<void>;
}

/** A bare pusher-js client, and the task events that it got. */
export interface Follower {
  readonly events: { readonly name: string; readonly data: Snapshot }[];
  readonly pusher: Pusher;
  close(): void;
}

/** Starts an Express app with the task router. @param options of the task server */
export async function startApp(
  backend: ServerBackend,
  definitions: readonly AnyTaskDefinition[],
  options: Partial<TaskServerOptions> = {},
): Promise<TestApp> {
  const app = express();
  const tasks = createTaskServer({
    backend,
    tasks: definitions,
    identify: (req) => req.get('x-user') ?? null,
    ...options,
  });
  app.use('/tasks', tasks.router);
  const server = await startHttpServer(app);
  const { url } = server;
  const followers: Follower[] = [];
  const call: TestApp['call'] = (user, path, init = {}) =>
    fetch(url + path, { ...init, headers: { ...(user === null ? {} : { 'x-user': user }), ...init.headers } });
  return {
    url,
    tasks,
    app,
    call,
    post: (user, path, body, headers = {}) =>
      call(user, path, {
        method: 'POST',
        headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    async follow(user) {
      const follower = await follow(url, await (await call(user, '/tasks/connection')).json(), user);
      followers.push(follower);
      return follower;
    },
    async close() {
      for (const follower of followers) follower.close();
      await server.close();
    },
  };
}

// biome-ignore lint/suspicious/noExplicitAny: the answer of the server, which the tests check
async function follow(url: string, info: any, user: string): Promise<Follower> {
  const pusher = new Pusher(info.key, {
    cluster: info.cluster,
    wsHost: info.wsHost,
    wsPort: info.wsPort,
    wssPort: info.wssPort,
    forceTLS: info.forceTLS,
    enabledTransports: ['ws'],
    channelAuthorization: { endpoint: url + info.authEndpoint, transport: 'ajax', headers: { 'x-user': user } },
  });
  const events: { name: string; data: Snapshot }[] = [];
  const channel = pusher.subscribe(info.channel);
  channel.bind_global((name: string, data: Snapshot) => {
    if (name.startsWith('task.')) events.push({ name, data });
  });
  await new Promise<void>((resolve, reject) => {
    channel.bind('pusher:subscription_succeeded', () => resolve());
    channel.bind('pusher:subscription_error', (error: unknown) => {
      // Otherwise the client would keep the process of the tests alive.
      pusher.disconnect();
      reject(new Error(JSON.stringify(error)));
    });
  });
  return { events, pusher, close: () => pusher.disconnect() };
}
