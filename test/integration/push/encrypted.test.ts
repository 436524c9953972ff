// Encrypted channels on a real Soketi: what is sent, how large it may be, and how clients go on when the key has changed.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import express, { type Express } from 'express';
import pusherJs from 'pusher-js';
import { WebSocket } from 'ws';
import { z } from 'zod';
import type { Backend } from '../../../backend/backend.ts';
import { type ConnectionState, connectTasks, type TaskFeed } from '../../../client/index.ts';
import { defineTask } from '../../../core/tasks/definition.ts';
import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import { createTaskServer, type TaskServer } from '../../../server/task-server.ts';
import { eventually } from '../../support/eventually.ts';
import { backendOn, startBus, type TestBus } from '../../support/parts.ts';
import { move, newTask, time } from '../../support/task-events.ts';

const keyOf = (byte: number) => Buffer.alloc(32, byte).toString('base64');
const sort = defineTask({ name: 'sort', input: z.object({ secret: z.string() }), title: (input) => input.secret });
const USER = 'ada';
/** A feed that gets no events fetches after 15 s. */
const BY_PUSH = { within: 10_000 };
jest.setTimeout(60_000);

/** One process of the application. Its key never changes. */
interface Process {
  readonly backend: Backend;
  readonly tasks: TaskServer;
  readonly app: Express;
}

let bus: TestBus;
let server: Server;
let url: string;
/** The process that answers now. A restart replaces it. */
let current: Process;
const processes: Process[] = [];
/** The requests that were answered, as `POST /auth`. */
const asked: string[] = [];
const feeds: TaskFeed[] = [];

function startProcess(key: string | null): Process {
  const backend = backendOn({ ...bus.env, ...(key === null ? {} : { PUSHER_ENCRYPTION_KEY: key }) });
  const tasks = createTaskServer({ backend, tasks: [sort], identify: (req) => req.get('x-user') ?? null });
  const app = express();
  app.use('/tasks', tasks.router);
  const started = { backend, tasks, app };
  processes.push(started);
  return started;
}

beforeAll(async () => {
  bus = await startBus();
  server = createServer((req, res) => {
    asked.push(`${req.method} ${req.url}`);
    current.app(req, res);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}, 60_000);

beforeEach(() => {
  current = startProcess(keyOf(1));
});

afterEach(async () => {
  for (const feed of feeds.splice(0)) feed.close();
  await Promise.all(processes.splice(0).map(({ backend }) => backend.close()));
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await bus.stop();
}, 30_000);

const post = (path: string, body: Record<string, string>) =>
  fetch(url + path, { method: 'POST', headers: { 'x-user': USER }, body: new URLSearchParams(body) });
const connection = async () =>
  (await (await fetch(`${url}/tasks/connection`, { headers: { 'x-user': USER } })).json()) as Record<string, string>;
const authCalls = () => asked.filter((request) => request === 'POST /tasks/auth').length;

interface Frames {
  readonly frames: string[];
  close(): void;
}

/** Enters the channel without pusher-js, and keeps every frame as it came. */
async function listen(): Promise<Frames> {
  const { key, wsHost, wsPort, channel = '' } = await connection();
  const socket = new WebSocket(`ws://${wsHost}:${wsPort}/app/${key}?protocol=7`);
  const frames: string[] = [];
  socket.on('message', (data) => frames.push(data.toString()));
  const greeting = await eventually(() => frames.find((frame) => frame.includes('connection_established')));
  const { socket_id } = JSON.parse(JSON.parse(greeting).data) as { socket_id: string };
  const signed = (await (await post('/tasks/auth', { socket_id, channel_name: channel })).json()) as { auth: string };
  socket.send(JSON.stringify({ event: 'pusher:subscribe', data: { channel, auth: signed.auth } }));
  await eventually(() => frames.find((frame) => frame.includes('subscription_succeeded')));
  return { frames, close: () => socket.terminate() };
}

const Pusher = pusherJs as unknown as typeof pusherJs.default;

/** Starts a bare pusher-js client. Resolves when it is in the channel. */
async function follow() {
  const { key = '', cluster = '', channel = '', wsHost = '', wsPort } = await connection();
  const pusher = new Pusher(key, {
    cluster,
    wsHost,
    wsPort: Number(wsPort),
    forceTLS: false,
    enabledTransports: ['ws'],
    channelAuthorization: { endpoint: `${url}/tasks/auth`, transport: 'ajax', headers: { 'x-user': USER } },
  });
  const events: Snapshot[] = [];
  const subscription = pusher.subscribe(channel).bind_global((name: string, data: Snapshot) => {
    if (name.startsWith('task.')) events.push(data);
  });
  await eventually(() => subscription.subscribed);
  return { events, pusher };
}

async function openFeed(): Promise<{ feed: TaskFeed; states: ConnectionState['status'][] }> {
  const feed = await connectTasks({ url: `${url}/tasks`, Pusher: pusherJs, headers: { 'x-user': USER } });
  feeds.push(feed);
  const states: ConnectionState['status'][] = [];
  await eventually(() => feed.getSnapshot().connection.status === 'live');
  feed.subscribe(() => states.push(feed.getSnapshot().connection.status));
  return { feed, states };
}

const start = (by: Process, secret: string) => by.tasks.start(sort, { secret }, { owner: USER });

describe('an encrypted channel', () => {
  it('carries nothing readable, and a bare client with the key reads everything', async () => {
    const [wire, { events, pusher }] = [await listen(), await follow()];
    const task = await start(current, 'the plans of the winter palace');
    await current.tasks.tasks.cancel(USER, task.id);
    await eventually(() => events.length >= 2);
    expect(events).toEqual([
      expect.objectContaining({ id: task.id, title: 'the plans of the winter palace', status: 'queued' }),
      expect.objectContaining({ id: task.id, status: 'cancelled' }),
    ]);
    await eventually(() => wire.frames.filter((frame) => frame.includes('ciphertext')).length >= 2);
    const said = wire.frames.join('\n');
    for (const word of ['palace', 'sort', task.id, 'revision']) expect(said).not.toContain(word);
    // Two things stay readable: the channel, which names the owner, and the event's name, which names the status.
    expect(said).toContain('private-encrypted-user-ada');
    expect(said).toContain('task.queued');
    wire.close();
    pusher.disconnect();
  });

  it('takes a message of the largest size, and of one more byte without its result', async () => {
    const { events, pusher } = await follow();
    const of = (result: string) =>
      move(
        newTask(),
        { type: 'start', at: time(1) },
        { type: 'succeed', at: time(2), attempt: 1, result, progress: null },
      );
    const room = 7_619 - Buffer.byteLength(JSON.stringify(of('')));
    current.backend.publisher.publish(USER, of('r'.repeat(room)));
    await eventually(() => events.length === 1);
    expect(events[0]?.result).toBe('r'.repeat(room));
    current.backend.publisher.publish(USER, of('r'.repeat(room + 1)));
    await eventually(() => events.length === 2);
    expect(events[1]).toMatchObject({ result: null, resultOmitted: true });
    // With one block of base64 more the bus would refuse it, so the limit could not be higher.
    const { bus: sender } = current.backend;
    const data = (bytes: number) => JSON.stringify('r'.repeat(bytes - 2));
    const channel = current.backend.channelOf(USER);
    await sender.send([{ channel, name: 'task.test', data: data(7_619) }]);
    await expect(sender.send([{ channel, name: 'task.test', data: data(7_620) }])).rejects.toThrow(/limit|size|KB/i);
    pusher.disconnect();
  });
});

describe('after a restart with another key', () => {
  it('a bare client asks for the key again by itself, with the first event that it cannot read', async () => {
    const { events, pusher } = await follow();
    const before = authCalls();
    current = startProcess(keyOf(2));
    const task = await start(current, 'one');
    await eventually(() => events.length === 1);
    expect(events[0]?.id).toBe(task.id);
    await current.tasks.tasks.cancel(USER, task.id);
    await eventually(() => events.length === 2);
    expect(authCalls() - before).toBe(1);
    pusher.disconnect();
  });

  it('a bare client drops every event under a key that the server does not give out', async () => {
    const { events, pusher } = await follow();
    const before = authCalls();
    const other = startProcess(keyOf(2));
    const task = await start(other, 'one');
    await eventually(() => authCalls() - before === 1);
    await other.tasks.tasks.cancel(USER, task.id);
    await eventually(() => authCalls() - before === 2);
    await start(current, 'read');
    await eventually(() => events.length > 0);
    expect(events.map(({ title }) => title)).toEqual(['read']);
    pusher.disconnect();
  });

  it('the feed goes on at once, on the same connection', async () => {
    const { feed, states } = await openFeed();
    const before = authCalls();
    current = startProcess(keyOf(2));
    const task = await start(current, 'one');
    await eventually(() => feed.get(task.id));
    await current.tasks.tasks.cancel(USER, task.id);
    await eventually(() => feed.get(task.id)?.status === 'cancelled', BY_PUSH);
    expect(authCalls() - before).toBe(1);
    expect(new Set(states)).toEqual(new Set(['live']));
  });

  it('the feed misses nothing while a worker has a key that the server does not, and asks only now and then', async () => {
    const { feed, states } = await openFeed();
    const worker = startProcess(keyOf(2));
    const before = authCalls();
    const tasks = await Promise.all(Array.from({ length: 20 }, (_, n) => start(worker, `task ${n}`)));
    for (const { id } of tasks) await worker.tasks.tasks.cancel(USER, id);
    await eventually(() => tasks.every(({ id }) => feed.get(id)?.status === 'cancelled'), BY_PUSH);
    expect(authCalls() - before).toBeLessThan(5);
    expect(new Set(states)).toEqual(new Set(['live']));
  });
});

describe('when encryption is switched on under a client', () => {
  it('it changes to the encrypted channel at its next fetch', async () => {
    current = startProcess(null);
    const { feed } = await openFeed();
    const task = await start(current, 'plain');
    await eventually(() => feed.get(task.id));
    current = startProcess(keyOf(1));
    const before = authCalls();
    await start(current, 'sealed');
    // Its task is silent for 15 s, so it fetches, learns of the new channel, and replaces its connection.
    await current.tasks.tasks.cancel(USER, task.id);
    await eventually(() => feed.get(task.id)?.status === 'cancelled', { within: 25_000 });
    await eventually(() => authCalls() - before >= 2 && feed.getSnapshot().connection.status === 'live', {
      within: 15_000,
    });
    const pushed = await start(current, 'pushed');
    await eventually(() => feed.get(pushed.id), BY_PUSH);
  }, 60_000);
});
