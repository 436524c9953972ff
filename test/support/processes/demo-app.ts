// The demo's app and worker in this process, with a Redis and a Soketi, and HTTP calls to the app. For the tests of the demo.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from '@jest/globals';
import type { Problem, Snapshot } from 'inloop';
import { type Backend, createBackend, pusherFromEnv } from 'inloop/backend';
import { createTaskWorker } from 'inloop/worker';
import { LOOPBACK } from '../../../cli/processes/ports.ts';
import { createApp } from '../../../demo/app.ts';
import { createExportHandler } from '../../../demo/contacts/export-contacts.ts';
import { createImportHandler } from '../../../demo/contacts/import-contacts.ts';
import { listen } from '../../../demo/process.ts';
import { exportContacts, importContacts } from '../../../demo/tasks.ts';
import { openTempData, type TempData } from '../../../demo/testing/temp-folder.ts';
import { pusherEnvOf } from '../../../soketi/pusher-app.ts';
import { startSoketi, type TestSoketi } from '../bus/soketi/soketi.ts';
import { eventually } from '../eventually.ts';
import { startRedis, type TestRedis } from '../redis/redis.ts';

/** Bytes of the largest upload that the app takes. */
const MAX_UPLOAD = 100_000;

/** How many tasks a user may start within a minute. */
export const MAX_STARTS = 40;

/** The user who may open the operator's page. */
export const OPERATOR = 'olga';

/** A running demo. */
export class DemoApp {
  readonly soketi: TestSoketi;
  readonly data: TempData;
  /** `http://127.0.0.1:1234` */
  readonly url: string;
  readonly #redis: TestRedis;
  readonly #backend: Backend;
  readonly #server: Server;
  readonly #worker: Promise<void>;
  readonly #stopWorker = new AbortController();

  private constructor(redis: TestRedis, soketi: TestSoketi, data: TempData, backend: Backend, server: Server) {
    this.#redis = redis;
    this.soketi = soketi;
    this.data = data;
    this.#backend = backend;
    this.#server = server;
    this.url = `http://${LOOPBACK}:${(server.address() as AddressInfo).port}`;
    this.#worker = createTaskWorker({ backend })
      .handle(importContacts, createImportHandler({ ...data, slowRowMs: 20 }))
      .handle(exportContacts, createExportHandler(data))
      .run({ signal: this.#stopWorker.signal });
  }

  static async start(): Promise<DemoApp> {
    const [redis, soketi] = await Promise.all([startRedis(), startSoketi()]);
    const data = openTempData();
    const publicDir = join(data.folder.root, 'public');
    mkdirSync(publicDir);
    writeFileSync(join(publicDir, 'index.html'), '<!doctype html><title>page</title>');
    const bus = pusherFromEnv(pusherEnvOf(soketi.pusher, soketi.pusher.port));
    const backend = createBackend({ redis: redis.url, pusher: bus });
    const sessionSecret = 'a secret for these tests';
    const limits = { owner: { startsPerMinute: MAX_STARTS } };
    const more = { maxUploadBytes: MAX_UPLOAD, limits, operators: [OPERATOR] };
    const app = createApp({ ...data, backend, bus, publicDir, sessionSecret, ...more });
    return new DemoApp(redis, soketi, data, backend, await listen(app, LOOPBACK, 0));
  }

  async stop(): Promise<void> {
    this.#stopWorker.abort();
    await this.#worker;
    this.#server.close();
    this.#server.closeAllConnections();
    await this.#backend.close();
    await Promise.all([this.#redis.stop(), this.soketi.stop()]);
    this.data.remove();
  }

  /** Signs in; resolves with the cookie. */
  async signIn(user = 'ada'): Promise<string> {
    const response = await this.post('/session', JSON.stringify({ user }), { 'Content-Type': 'application/json' });
    expect(response.status).toBe(200);
    return (response.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  }

  get(path: string, cookie = ''): Promise<Response> {
    return fetch(this.url + path, { headers: { cookie } });
  }

  post(path: string, body: BodyInit | null, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(this.url + path, { method: 'POST', body, headers });
  }

  /** The tasks of the user whose cookie this is. */
  async tasksOf(cookie: string): Promise<Snapshot[]> {
    return ((await (await this.get('/tasks', cookie)).json()) as { tasks: Snapshot[] }).tasks;
  }

  /** Expects a 202 and waits for the outcome of its task. */
  async outcomeOf(response: Response, cookie: string): Promise<Snapshot> {
    expect(response.status).toBe(202);
    const location = response.headers.get('location') ?? '';
    return eventually(async () => {
      const task = (await (await this.get(location, cookie)).json()) as Snapshot;
      return task.finishedAt === null ? null : task;
    }) as Promise<Snapshot>;
  }

  /** The names of the uploaded files that are stored now. */
  uploads(): string[] {
    return readdirSync(this.data.folder.uploads);
  }

  /** Waits until no uploaded file is stored, which is so when every task is done. */
  async expectNoUploads(): Promise<void> {
    await eventually(() => expect(this.uploads()).toEqual([]));
  }
}

/** Starts a demo before the tests of the file that calls it, hands it to `take`, and stops it afterwards. */
export function useDemoApp(take: (started: DemoApp) => void): void {
  let demo: DemoApp | undefined;
  beforeAll(async () => {
    demo = await DemoApp.start();
    take(demo);
  }, 60_000);
  afterAll(() => demo?.stop(), 30_000);
}

/** Expects problem+json with the status of its response. */
export async function problemOf(response: Response): Promise<Problem> {
  expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  const problem = (await response.json()) as Problem;
  expect(problem.status).toBe(response.status);
  return problem;
}

/** A form with a file in it. */
export function form(content: string | Uint8Array<ArrayBuffer>, filename = 'people.csv', field = 'file'): FormData {
  const data = new FormData();
  data.append(field, new Blob([content]), filename);
  return data;
}
