// The operator's router on a real Redis, beside a task server and a worker, with a bus that can be switched off. For the tests of
// `inloop/operator`.
import { afterAll, beforeAll } from '@jest/globals';
import { createClient } from '@redis/client';
import express from 'express';
import type { z } from 'zod';
import type { Backend } from '../../../backend/backend.ts';
import { TaskError } from '../../../core/error.ts';
import type { ActPreview, ActRequest, ActResult } from '../../../core/operator/acts.ts';
import type { Status } from '../../../core/tasks/snapshot.ts';
import { createOperator, type Operator } from '../../../operator/create-operator.ts';
import type { OperatorOptions } from '../../../operator/options.ts';
import { createTaskServer, type TaskServer } from '../../../server/task-server.ts';
import type { TaskContext } from '../../../worker/context.ts';
import { createTaskWorker } from '../../../worker/task-worker.ts';
import { type BusSwitch, startBusSwitch } from '../bus/bus-switch.ts';
import { eventually } from '../eventually.ts';
import { startHttpServer } from '../http-server.ts';
import { type RecordingLog, recordLog } from '../log.ts';
import { backendOn } from '../parts.ts';
import { startRedis, type TestRedis } from '../redis/redis.ts';
import { alone, DEFINITIONS, type inputOfWork, parent, pausable, work } from './operator-tasks.ts';

type WorkInput = Partial<z.infer<typeof inputOfWork>>;
type Role = 'act' | 'view' | 'none';

const rawClient = (url: string) => createClient({ url });

export interface OperatorWorld {
  readonly backend: Backend;
  readonly tasks: TaskServer;
  readonly operator: Operator;
  /** `http://127.0.0.1:<port>/operator` */
  readonly url: string;
  readonly log: RecordingLog;
  readonly bus: BusSwitch;
  /** `REDIS_URL` and `PUSHER_*`, for another process. */
  readonly env: Record<string, string>;
  /** A plain client of the Redis, for what the operator's calls do not tell. */
  readonly raw: ReturnType<typeof rawClient>;
  /** Starts a task of `work`. Default of `owner`: `ada`. */
  start(input?: WorkInput, owner?: string): Promise<{ readonly id: string }>;
  /** Waits until a task has the status, for 15 s at most. Default of `owner`: `ada`. */
  reaches(id: string, status: Status, owner?: string): Promise<void>;
  /** Lets a task end that waits because its input says `holds`. */
  letGo(id: string): void;
  /** Starts another worker, which handles `work`, `alone`, `parent` and `pausable`. @returns what ends it */
  startWorker(): Promise<() => Promise<void>>;
  /** Mounts the page on a backend of its own, as another process would. */
  mount(
    options?: Partial<OperatorOptions>,
  ): Promise<{ readonly url: string; readonly backend: Backend; close(): Promise<void> }>;
  /** Calls the operator's router. `path` begins with `/`. Default of `role`: `act`. */
  call(path: string, init?: RequestInit, role?: Role): Promise<Response>;
  /** The JSON of a call that has to succeed. */
  // biome-ignore lint/suspicious/noExplicitAny: the answer of the server, which the tests check
  get(path: string): Promise<any>;
  /** The answer to a `POST /api/acts`. */
  post(body: ActRequest | Record<string, unknown>, role?: Role, headers?: Record<string, string>): Promise<Response>;
  preview(body: Pick<Extract<ActRequest, { target: unknown }>, 'act' | 'target'>): Promise<ActPreview>;
  /** Acts until all is done. Returns the sum of all calls. */
  act(body: ActRequest): Promise<ActResult>;
}

/** Starts all of it for the tests of the calling file. */
export function useOperator(): OperatorWorld {
  let parts: Parts;
  const log = recordLog();
  const workers = new WorkerStarter();
  /** What ends the workers, and the mounts that tests have made. */
  const closers: (() => Promise<void>)[] = [];
  const newBackend = () => backendOn({ REDIS_URL: parts.redis.url, ...parts.bus.env }, { log });
  const startWorker = async () => {
    const close = workers.start(newBackend());
    closers.push(close);
    return close;
  };
  const mount: OperatorWorld['mount'] = async (options = {}) => {
    const mounted = await mountOperator(newBackend(), options);
    closers.push(mounted.close);
    return mounted;
  };

  beforeAll(async () => {
    parts = await startParts(log);
    await startWorker();
  });
  afterAll(async () => {
    workers.letAllGo();
    await Promise.all(closers.map((close) => close()));
    await parts?.close();
  });

  const calls = callsOf(() => parts.url);
  return {
    get backend() {
      return parts.backend;
    },
    get tasks() {
      return parts.tasks;
    },
    get operator() {
      return parts.operator;
    },
    get url() {
      return parts.url;
    },
    get raw() {
      return parts.raw;
    },
    get bus() {
      return parts.bus;
    },
    get env() {
      return { REDIS_URL: parts.redis.url, ...parts.bus.env };
    },
    ...{ log, mount, startWorker, ...calls },
    start: (input = {}, owner = 'ada') => parts.tasks.start(work, input, { owner }),
    reaches: async (id, status, owner = 'ada') => {
      const isThere = async () => (await parts.tasks.tasks.get(owner, id)).status === status;
      await eventually(isThere, { within: 15_000, that: `task ${id} to be ${status}` });
    },
    letGo: (id) => workers.letGo(id),
  };
}

/** What all tests of a file share. */
interface Parts extends Pick<OperatorWorld, 'backend' | 'tasks' | 'operator' | 'raw' | 'bus' | 'url'> {
  readonly redis: TestRedis;
  close(): Promise<void>;
}

async function startParts(log: RecordingLog): Promise<Parts> {
  const [redis, bus] = await Promise.all([startRedis(), startBusSwitch()]);
  const backend = backendOn({ REDIS_URL: redis.url, ...bus.env }, { log });
  const tasks = createTaskServer({ backend, tasks: DEFINITIONS, identify: () => null });
  const raw = rawClient(redis.url);
  await raw.connect();
  const { operator, url, close } = await mountOperator(backend);
  await eventually(() => raw.exists('inloop:operator'), { that: 'the page to be mounted' });
  return {
    ...{ redis, bus, backend, tasks, operator, raw, url },
    async close() {
      await close();
      raw.destroy();
      await bus.close();
      await redis.stop();
    },
  };
}

/** Mounts the page at `/operator` of an app of its own. `close` ends the backend, too; it may be called twice. */
async function mountOperator(backend: Backend, options: Partial<OperatorOptions> = {}) {
  const operator = createOperator({ backend, tasks: DEFINITIONS, allow: allowByHeader, ...options });
  const server = await startHttpServer(express().use('/operator', operator.router));
  let isClosed = false;
  const close = async () => {
    if (isClosed) return;
    isClosed = true;
    operator.close();
    await server.close();
    await backend.close();
  };
  return { operator, url: `${server.url}/operator`, backend, close };
}

/** Starts workers whose tasks can be held. */
class WorkerStarter {
  /** By the id of a task that is held: lets it end. */
  readonly #held = new Map<string, () => void>();

  letGo(id: string): void {
    this.#held.get(id)?.();
  }

  letAllGo(): void {
    for (const letGo of this.#held.values()) letGo();
  }

  /** Starts a worker. Returns what ends it and its backend. */
  start(backend: Backend): () => Promise<void> {
    const stop = new AbortController();
    const worker = createTaskWorker({ backend, concurrency: 4, stallInterval: 2_000, drain: '100ms', grace: '100ms' });
    const run = async ({ fails, code, message, holds }: z.infer<typeof inputOfWork>, task: HeldTask) => {
      if (task.attempt <= fails) throw new TaskError(code, message, { retryable: true });
      task.progress({ done: 1, total: 2, note: 'a note' });
      if (holds) await hold(this.#held, task);
      return { secret: 'result' };
    };
    worker
      .handle(work, run)
      .handle(alone, run)
      .handle(pausable, async () => null);
    worker.handle(parent, async (input, task) => {
      await task.start(work, input);
      return null;
    });
    const running = worker.run({ signal: stop.signal });
    return async () => {
      stop.abort();
      await running.catch(() => undefined);
      await backend.close();
    };
  }
}

/** The calls of the operator's router at `url`. */
function callsOf(url: () => string): Pick<OperatorWorld, 'call' | 'get' | 'post' | 'preview' | 'act'> {
  const call: OperatorWorld['call'] = (path, init = {}, role = 'act') =>
    fetch(url() + path, { ...init, headers: { 'x-role': role, ...init.headers } });
  const post: OperatorWorld['post'] = (body, role = 'act', headers = {}) =>
    call(
      '/api/acts',
      { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } },
      role,
    );
  return {
    call,
    post,
    get: (path) => readJson(call(path)),
    preview: (body) => readJson(post({ ...body, preview: true })),
    async act(body) {
      let sum: ActResult = await readJson(post(body));
      while (sum.next !== null) {
        const more: ActResult = await readJson(post({ act: body.act, token: sum.next }));
        const [done, refused] = [sum.done + more.done, sum.refused + more.refused];
        sum = { ...more, done, refused, refusals: [...sum.refusals, ...more.refusals] };
      }
      return sum;
    },
  };
}

/** The JSON of an answer. @throws Error with the status and the text, if it is no success */
async function readJson(response: Promise<Response>) {
  const got = await response;
  const text = await got.text();
  if (!got.ok) throw new Error(`${got.status} ${text}`);
  return JSON.parse(text);
}

type HeldTask = Pick<TaskContext, 'id' | 'attempt' | 'signal' | 'progress'>;

/** Waits until the task is let go, or is told to stop. */
function hold(held: Map<string, () => void>, { id, signal }: HeldTask): Promise<void> {
  return new Promise((resolve, reject) => {
    held.set(id, resolve);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/** The header `x-role` says what the operator may do, and `x-who` who it is. */
const allowByHeader: OperatorOptions['allow'] = (req) => {
  const role = req.get('x-role');
  if (role === 'act') return { role, who: req.get('x-who') ?? 'grace' };
  return role === 'view' ? 'view' : null;
};
