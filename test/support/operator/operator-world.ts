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
import { eventually } from '../eventually.ts';
import { type HttpServer, startHttpServer } from '../http-server.ts';
import { type RecordingLog, recordLog } from '../log.ts';
import { backendOn } from '../parts.ts';
import { startRedis, type TestRedis } from '../redis/redis.ts';
import { type BusSwitch, startBusSwitch } from './bus-switch.ts';
import { alone, DEFINITIONS, type inputOfWork, parent, pausable, work } from './operator-tasks.ts';

type WorkInput = Partial<z.infer<typeof inputOfWork>>;
type Role = 'act' | 'view' | 'none';

export interface OperatorWorld {
  readonly backend: Backend;
  readonly tasks: TaskServer;
  readonly operator: Operator;
  readonly url: string;
  readonly log: RecordingLog;
  readonly bus: BusSwitch;
  /** `REDIS_URL` and `PUSHER_*`, for another process. */
  readonly env: Record<string, string>;
  /** A client for what the calls do not tell. */
  readonly raw: ReturnType<typeof createClient>;
  /** Starts a task of `work` for Ada. */
  start(input?: WorkInput, owner?: string): Promise<{ readonly id: string }>;
  reaches(id: string, status: Status, owner?: string): Promise<void>;
  /** Lets this task end that holds. */
  letGo(id: string): void;
  /** Starts another worker of all definitions that have one. @returns what ends it */
  work(): Promise<() => Promise<void>>;
  /** Mounts the page in another process, as it were: on a backend of its own. */
  mount(
    options?: Partial<OperatorOptions>,
  ): Promise<{ readonly url: string; readonly backend: Backend; close(): Promise<void> }>;
  call(path: string, init?: RequestInit, role?: Role): Promise<Response>;
  /** The JSON of a call that has to succeed. */
  // biome-ignore lint/suspicious/noExplicitAny: the answer of the server, which the tests check
  get(path: string): Promise<any>;
  post(body: ActRequest | Record<string, unknown>, role?: Role, headers?: Record<string, string>): Promise<Response>;
  preview(body: Pick<Extract<ActRequest, { target: unknown }>, 'act' | 'target'>): Promise<ActPreview>;
  /** Acts until all is done. */
  act(body: ActRequest): Promise<ActResult>;
}

/** Starts all of it for the tests of the calling file. */
export function useOperator(): OperatorWorld {
  let redis: TestRedis;
  let bus: BusSwitch;
  let server: HttpServer;
  const parts: { -readonly [P in 'backend' | 'tasks' | 'operator' | 'raw']?: OperatorWorld[P] } = {};
  const log = recordLog();
  const held = new Map<string, () => void>();
  const stops: (() => Promise<void>)[] = [];
  const newBackend = () => backendOn({ REDIS_URL: redis.url, ...bus.env }, { log });

  const mount: OperatorWorld['mount'] = async (options = {}) => {
    const backend = newBackend();
    const operator = createOperator({ backend, tasks: DEFINITIONS, allow: allowByHeader, ...options });
    const app = express().use('/operator', operator.router);
    const mounted = await startHttpServer(app);
    let isClosed = false;
    const close = async () => {
      if (isClosed) return;
      isClosed = true;
      operator.close();
      await mounted.close();
      await backend.close();
    };
    stops.push(close);
    return { url: `${mounted.url}/operator`, backend, close };
  };

  const workOnce: OperatorWorld['work'] = async () => {
    const backend = newBackend();
    const stop = new AbortController();
    const worker = createTaskWorker({ backend, concurrency: 4, stallInterval: 2_000, drain: '100ms', grace: '100ms' });
    const run = async ({ fails, code, message, holds }: z.infer<typeof inputOfWork>, task: HeldTask) => {
      if (task.attempt <= fails) throw new TaskError(code, message, { retryable: true });
      task.progress({ done: 1, total: 2, note: 'a note' });
      if (holds) await hold(held, task);
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
    const end = async () => {
      stop.abort();
      await running.catch(() => undefined);
      await backend.close();
    };
    stops.push(end);
    return end;
  };

  const call: OperatorWorld['call'] = (path, init = {}, role = 'act') =>
    fetch(`${server.url}/operator${path}`, { ...init, headers: { 'x-role': role, ...init.headers } });
  const post: OperatorWorld['post'] = (body, role = 'act', headers = {}) =>
    call(
      '/api/acts',
      { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } },
      role,
    );
  const answer = async (response: Promise<Response>) => {
    const got = await response;
    const text = await got.text();
    if (!got.ok) throw new Error(`${got.status} ${text}`);
    return JSON.parse(text);
  };

  beforeAll(async () => {
    [redis, bus] = await Promise.all([startRedis(), startBusSwitch()]);
    const backend = newBackend();
    parts.backend = backend;
    parts.tasks = createTaskServer({ backend, tasks: DEFINITIONS, identify: () => null });
    parts.operator = createOperator({ backend, tasks: DEFINITIONS, allow: allowByHeader });
    parts.raw = createClient({ url: redis.url });
    await parts.raw.connect();
    server = await startHttpServer(express().use('/operator', parts.operator.router));
    await eventually(() => parts.raw?.exists('inloop:operator'), { that: 'the page to be mounted' });
    await workOnce();
  });
  afterAll(async () => {
    for (const letGo of held.values()) letGo();
    parts.operator?.close();
    await Promise.all(stops.map((stop) => stop()));
    await server?.close();
    await parts.backend?.close();
    parts.raw?.destroy();
    bus?.close();
    await redis?.stop();
  });

  return {
    get backend() {
      return parts.backend as Backend;
    },
    get tasks() {
      return parts.tasks as TaskServer;
    },
    get operator() {
      return parts.operator as Operator;
    },
    get url() {
      return `${server.url}/operator`;
    },
    get raw() {
      return parts.raw as ReturnType<typeof createClient>;
    },
    get bus() {
      return bus;
    },
    get env() {
      return { REDIS_URL: redis.url, ...bus.env };
    },
    log,
    mount,
    work: workOnce,
    start: (input = {}, owner = 'ada') => (parts.tasks as TaskServer).start(work, input, { owner }),
    reaches: async (id, status, owner = 'ada') => {
      const isThere = async () => (await (parts.tasks as TaskServer).tasks.get(owner, id)).status === status;
      await eventually(isThere, { within: 15_000, that: `task ${id} to be ${status}` });
    },
    letGo: (id) => held.get(id)?.(),
    call,
    post,
    get: (path) => answer(call(path)),
    preview: (body) => answer(post({ ...body, preview: true })),
    act: async (body) => {
      let result: ActResult = await answer(post(body));
      while (result.next !== null) {
        const { done, refused, refusals } = result;
        const more: ActResult = await answer(post({ act: body.act, token: result.next }));
        result = {
          ...more,
          done: done + more.done,
          refused: refused + more.refused,
          refusals: [...refusals, ...more.refusals],
        };
      }
      return result;
    },
  };
}

type HeldTask = Pick<TaskContext, 'id' | 'attempt' | 'signal' | 'progress'>;

/** Waits until the task is let go, or is told to stop. */
function hold(held: Map<string, () => void>, { id, signal }: HeldTask): Promise<void> {
  return new Promise((resolve, reject) => {
    held.set(id, resolve);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

const allowByHeader: OperatorOptions['allow'] = (req) => {
  const role = req.get('x-role');
  if (role === 'act') return { role, who: req.get('x-who') ?? 'grace' };
  return role === 'view' ? 'view' : null;
};
