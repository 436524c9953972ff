// An application with encrypted channels, on a real Redis and a real Soketi: its processes, and the feeds that follow it. For
// tests of keys that change.
import express, { type Express } from 'express';
import pusherJs from 'pusher-js';
import { z } from 'zod';
import type { Backend } from '../../../backend/backend.ts';
import { type ConnectionState, connectTasks, type TaskFeed } from '../../../client/index.ts';
import { defineTask } from '../../../core/tasks/definition.ts';
import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import { createTaskServer, type TaskServer } from '../../../server/task-server.ts';
import { eventually } from '../../support/eventually.ts';
import { startHttpServer } from '../../support/http-server.ts';
import { backendOn, startBus } from '../../support/parts.ts';

const sort = defineTask({ name: 'sort', input: z.object({ secret: z.string() }), title: (input) => input.secret });

/** The user of all tasks. */
export const USER = 'ada';
/** Options of `eventually` for what must come by push: a feed that gets no events fetches after 15 s. */
export const BY_PUSH = { within: 10_000 };

/** A key for `PUSHER_ENCRYPTION_KEY`, another for each byte. */
export const keyOf = (byte: number): string => Buffer.alloc(32, byte).toString('base64');

/** One process of the application. Its key never changes. */
export interface Process {
  readonly backend: Backend;
  readonly tasks: TaskServer;
  readonly app: Express;
}

/** What {@link startEncryptedWorld} returns. */
export interface EncryptedWorld {
  readonly url: string;
  /** The process that answers. A restart replaces it. */
  current: Process;
  /** Starts a process; with null, its channels are not encrypted. */
  startProcess(key: string | null): Process;
  /** Starts a task whose title is `secret`. */
  start(by: Process, secret: string): Promise<Snapshot>;
  /** Opens a feed. Resolves once it is live. `states` gets the status of its connection at each change of the feed after that. */
  openFeed(): Promise<{ readonly feed: TaskFeed; readonly states: ConnectionState['status'][] }>;
  /** How often the key of a channel was asked for so far. */
  authCalls(): number;
  /** Closes the feeds and the processes. Others may be started then. */
  endProcesses(): Promise<void>;
  /** Ends everything. */
  close(): Promise<void>;
}

/** Starts Redis, Soketi and a process with the first key. */
export async function startEncryptedWorld(): Promise<EncryptedWorld> {
  const bus = await startBus();
  const processes: Process[] = [];
  const feeds: TaskFeed[] = [];
  let authCalls = 0;

  const startProcess = (key: string | null): Process => {
    const backend = backendOn({ ...bus.env, ...(key === null ? {} : { PUSHER_ENCRYPTION_KEY: key }) });
    const tasks = createTaskServer({ backend, tasks: [sort], identify: (req) => req.get('x-user') ?? null });
    const app = express();
    app.use('/tasks', tasks.router);
    const started = { backend, tasks, app };
    processes.push(started);
    return started;
  };
  const server = await startHttpServer((req, res) => {
    if (req.method === 'POST' && req.url === '/tasks/auth') authCalls += 1;
    world.current.app(req, res);
  });

  const endProcesses = async (): Promise<void> => {
    for (const feed of feeds.splice(0)) feed.close();
    await Promise.all(processes.splice(0).map(({ backend }) => backend.close()));
  };
  const world: EncryptedWorld = {
    url: server.url,
    current: startProcess(keyOf(1)),
    startProcess,
    start: (by, secret) => by.tasks.start(sort, { secret }, { owner: USER }),
    async openFeed() {
      const feed = await connectTasks({ url: `${server.url}/tasks`, Pusher: pusherJs, headers: { 'x-user': USER } });
      feeds.push(feed);
      const states: ConnectionState['status'][] = [];
      await eventually(() => feed.getSnapshot().connection.status === 'live');
      feed.subscribe(() => states.push(feed.getSnapshot().connection.status));
      return { feed, states };
    },
    authCalls: () => authCalls,
    endProcesses,
    async close() {
      await endProcesses();
      await server.close();
      await bus.stop();
    },
  };
  return world;
}
