// Mistakes that somebody new to inloop makes, of which the log of a server or a worker tells. For mistakes.test.ts.
import { createHmac } from 'node:crypto';
import { jest } from '@jest/globals';
import express, { type Express } from 'express';
import session from 'express-session';
import type { Backend } from '../../../backend/backend.ts';
import type { Identify } from '../../../server/options.ts';
import { createTaskServer, type TaskServer } from '../../../server/task-server.ts';
import type { TaskContext } from '../../../worker/context.ts';
import { createTaskWorker } from '../../../worker/task-worker.ts';
import { startHttpServer } from '../../support/http-server.ts';
import { backendOn } from '../../support/parts.ts';
import { startScript } from '../../support/processes/script-process.ts';
import { block } from '../work/processes/fault-tasks.ts';
import { backendWith, type Made, type Mistakes, report, type World } from './world.ts';

type Env = Readonly<Record<string, string>>;

export const inLog: Mistakes = {
  'identify returns a number': identifying(() => 7 as never),
  'identify returns an object': identifying(() => ({ id: 'ada' }) as never),
  'identify returns undefined': identifying(() => undefined as never),
  'the router before the session': serving(
    {},
    async ({ app, tasks, call }) => {
      app.use('/tasks', tasks.router);
      app.use(session({ secret: 'a secret', resave: false, saveUninitialized: false }));
      await call('/tasks');
    },
    (req) => (req as unknown as { session?: { user: string } }).session?.user ?? null,
  ),
  'no Redis': serving({ REDIS_URL: 'redis://127.0.0.1:1' }, async () => {}),
  'a wrong password of Redis': async (world) => {
    await world.bus.redis.say('ACL', 'SETUSER', 'mistaken', 'on', '>right', '~*', '&*', '+@all');
    return serving({ REDIS_URL: world.bus.env.REDIS_URL?.replace('//', '//mistaken:wrong@') ?? '' }, async () => {})(
      world,
    );
  },
  // Nothing is pushed here: each process asks the bus once after its start.
  'a wrong port of the bus': serving({ PUSHER_PORT: '1' }, async () => {}),
  'a wrong secret of the bus': working({ PUSHER_SECRET: 'another' }),
  'the bus of another app': serving({ PUSHER_APP_ID: 'another' }, async () => {}),
  'a body parsed before the webhook': serving({}, async ({ app, tasks, call, env }) => {
    app.use(express.json());
    app.use('/tasks', tasks.router);
    const body = '{ "time_ms": 1, "events": [] }';
    const signature = createHmac('sha256', env.PUSHER_SECRET ?? '')
      .update(body)
      .digest('hex');
    const headers = { 'x-pusher-key': env.PUSHER_KEY ?? '', 'x-pusher-signature': signature };
    await call('/tasks/webhook', body, headers);
  }),
  'a worker without the handler': serving({}, async ({ tasks }) => {
    await tasks.start(report, {}, { owner: 'ada' });
  }),
  'a page starts a closed definition': serving({}, async ({ app, tasks, call }) => {
    app.use('/tasks', tasks.router);
    await call('/tasks', JSON.stringify({ name: 'report', input: {} }));
  }),
  async 'a handler that never yields'({ bus, worker }) {
    const backend = backendOn(bus.env);
    const tasks = createTaskServer({ backend, tasks: [block], identify: () => null });
    const child = await startScript(worker, bus.env, 'worker ready');
    await tasks.start(block, { ms: 60_000 }, { owner: 'ada' });
    return {
      lines: () => child.output().replaceAll('inloop warn: ', '').split('\n'),
      async end() {
        await child.kill();
        await backend.close();
      },
    };
  },
  'progress with NaN': serving({}, (parts) => runOne(parts, (task) => task.progress({ done: Number.NaN, total: 10 }))),
  'a result that is no JSON': serving({}, (parts) => runOne(parts, () => 10n)),
  async 'a clock that is off'(world) {
    const now = Date.now;
    const clock = jest.spyOn(Date, 'now').mockImplementation(() => now() + 600_000);
    const made = await serving({}, async ({ backend }) => backend.clock.ready())(world);
    clock.mockRestore();
    return made;
  },
};

/** A server that is set up wrongly. */
interface Parts {
  readonly backend: Backend;
  readonly tasks: TaskServer;
  readonly app: Express;
  readonly env: Env;
  /** Sends a request as a program would, with a body as POST. */
  call(path: string, body?: string, headers?: Env): Promise<void>;
  readonly stop: AbortController;
}

/** Makes a mistake with a server of its own. @param env in place of the right variables */
function serving(env: Env, act: (parts: Parts) => Promise<unknown>, identify: Identify = () => 'ada') {
  return async ({ bus }: World): Promise<Made> => {
    const all = { ...bus.env, ...env };
    const { backend, lines } = backendWith(all);
    const stop = new AbortController();
    const tasks = createTaskServer({ backend, tasks: [report], identify });
    const app = express();
    const server = await startHttpServer(app);
    const call: Parts['call'] = async (path, body, headers = {}) => {
      const init = body === undefined ? {} : { method: 'POST', body };
      await fetch(server.url + path, { ...init, headers: { 'content-type': 'application/json', ...headers } });
    };
    await act({ backend, tasks, app, env: all, call, stop });
    return {
      lines,
      async end() {
        stop.abort();
        await server.close();
        await backend.close();
      },
    };
  };
}

/** Makes a mistake with a worker and no server. @param env in place of the right variables */
function working(env: Env) {
  return async ({ bus }: World): Promise<Made> => {
    const { backend, lines } = backendWith({ ...bus.env, ...env });
    const stop = new AbortController();
    const worker = createTaskWorker({ backend, drain: '100ms', grace: '100ms' }).handle(report, async () => null);
    const ended = worker.run({ signal: stop.signal });
    return {
      lines,
      async end() {
        stop.abort();
        await ended;
        await backend.close();
      },
    };
  };
}

/** Makes the mistake of an `identify` that returns something wrong, which shows only when requests come. */
function identifying(identify: Identify) {
  return serving(
    {},
    async ({ app, tasks, call }) => {
      app.use('/tasks', tasks.router);
      await call('/tasks');
      // The log tells of the mistake once, not at each request.
      await call('/tasks');
    },
    identify,
  );
}

/** Runs a task in a worker of this process. */
async function runOne({ backend, tasks, stop }: Parts, handle: (task: TaskContext) => unknown = () => null) {
  const worker = createTaskWorker({ backend, drain: '100ms', grace: '100ms' });
  worker.handle(report, async (_input, task) => handle(task) as null);
  void worker.run({ signal: stop.signal });
  await tasks.start(report, {}, { owner: 'ada' });
}
