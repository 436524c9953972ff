// Encrypted channels on a real Soketi: what is sent, how large it may be, and how clients go on when the key has changed.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { WebSocket } from 'ws';
import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import { Pusher } from '../../support/bus/pusher-class.ts';
import { eventually } from '../../support/eventually.ts';
import { move, newTask, time } from '../../support/task-events.ts';
import { BY_PUSH, type EncryptedWorld, keyOf, startEncryptedWorld, USER } from './encrypted-world.ts';

jest.setTimeout(60_000);

let world: EncryptedWorld;
beforeAll(async () => {
  world = await startEncryptedWorld();
}, 60_000);
beforeEach(() => {
  world.current = world.startProcess(keyOf(1));
});
afterEach(() => world.endProcesses());
afterAll(() => world.close(), 30_000);

const post = (path: string, body: Record<string, string>) =>
  fetch(world.url + path, { method: 'POST', headers: { 'x-user': USER }, body: new URLSearchParams(body) });
const connection = async () =>
  (await (await fetch(`${world.url}/tasks/connection`, { headers: { 'x-user': USER } })).json()) as Record<
    string,
    string
  >;
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

/** Starts a bare pusher-js client. Resolves when it is in the channel. */
async function follow() {
  const { key = '', cluster = '', channel = '', wsHost = '', wsPort } = await connection();
  const pusher = new Pusher(key, {
    cluster,
    wsHost,
    wsPort: Number(wsPort),
    forceTLS: false,
    enabledTransports: ['ws'],
    channelAuthorization: { endpoint: `${world.url}/tasks/auth`, transport: 'ajax', headers: { 'x-user': USER } },
  });
  const events: Snapshot[] = [];
  const subscription = pusher.subscribe(channel).bind_global((name: string, data: Snapshot) => {
    if (name.startsWith('task.')) events.push(data);
  });
  await eventually(() => subscription.subscribed);
  return { events, pusher };
}

describe('an encrypted channel', () => {
  it('carries nothing readable, and a bare client with the key reads everything', async () => {
    const [wire, { events, pusher }] = [await listen(), await follow()];
    const task = await world.start(world.current, 'the plans of the winter palace');
    await world.current.tasks.tasks.cancel(USER, task.id);
    await eventually(() => events.length >= 2);
    expect(events).toEqual([
      expect.objectContaining({ id: task.id, title: 'the plans of the winter palace', status: 'queued' }),
      expect.objectContaining({ id: task.id, status: 'cancelled' }),
    ]);
    await eventually(() => wire.frames.filter((frame) => frame.includes('ciphertext')).length >= 2);
    const said = wire.frames.join('\n');
    // A word of the title, the name of the definition, the task's id, and the name of a property.
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
    // 7,619 bytes of plain data make the 10,240 bytes of the largest event: `MAX_ENCRYPTED_EVENT_BYTES` in push-events.ts.
    const room = 7_619 - Buffer.byteLength(JSON.stringify(of('')));
    world.current.backend.publisher.publish(USER, of('r'.repeat(room)));
    await eventually(() => events.length === 1);
    expect(events[0]?.result).toBe('r'.repeat(room));
    world.current.backend.publisher.publish(USER, of('r'.repeat(room + 1)));
    await eventually(() => events.length === 2);
    expect(events[1]).toMatchObject({ result: null, resultOmitted: true });
    // With one block of base64 more the bus would refuse it, so the limit could not be higher.
    const { bus: sender } = world.current.backend;
    const data = (bytes: number) => JSON.stringify('r'.repeat(bytes - 2));
    const channel = world.current.backend.channelOf(USER);
    await sender.send([{ channel, name: 'task.test', data: data(7_619) }]);
    await expect(sender.send([{ channel, name: 'task.test', data: data(7_620) }])).rejects.toThrow(/limit|size|KB/i);
    pusher.disconnect();
  });
});

describe('after a restart with another key', () => {
  it('a bare client asks for the key again by itself, with the first event that it cannot read', async () => {
    const { events, pusher } = await follow();
    const before = world.authCalls();
    world.current = world.startProcess(keyOf(2));
    const task = await world.start(world.current, 'one');
    await eventually(() => events.length === 1);
    expect(events[0]?.id).toBe(task.id);
    await world.current.tasks.tasks.cancel(USER, task.id);
    await eventually(() => events.length === 2);
    expect(world.authCalls() - before).toBe(1);
    pusher.disconnect();
  });

  it('a bare client drops every event under a key that the server does not give out', async () => {
    const { events, pusher } = await follow();
    const before = world.authCalls();
    const other = world.startProcess(keyOf(2));
    const task = await world.start(other, 'one');
    await eventually(() => world.authCalls() - before === 1);
    await other.tasks.tasks.cancel(USER, task.id);
    await eventually(() => world.authCalls() - before === 2);
    await world.start(world.current, 'read');
    await eventually(() => events.length > 0);
    expect(events.map(({ title }) => title)).toEqual(['read']);
    pusher.disconnect();
  });

  it('the feed goes on at once, on the same connection', async () => {
    const { feed, states } = await world.openFeed();
    const before = world.authCalls();
    world.current = world.startProcess(keyOf(2));
    const task = await world.start(world.current, 'one');
    await eventually(() => feed.get(task.id));
    await world.current.tasks.tasks.cancel(USER, task.id);
    await eventually(() => feed.get(task.id)?.status === 'cancelled', BY_PUSH);
    expect(world.authCalls() - before).toBe(1);
    expect(new Set(states)).toEqual(new Set(['live']));
  });

  it('the feed misses nothing while a worker has a key that the server does not, and asks only now and then', async () => {
    const { feed, states } = await world.openFeed();
    const worker = world.startProcess(keyOf(2));
    const before = world.authCalls();
    const tasks = await Promise.all(Array.from({ length: 20 }, (_, n) => world.start(worker, `task ${n}`)));
    for (const { id } of tasks) await worker.tasks.tasks.cancel(USER, id);
    await eventually(() => tasks.every(({ id }) => feed.get(id)?.status === 'cancelled'), BY_PUSH);
    expect(world.authCalls() - before).toBeLessThan(5);
    expect(new Set(states)).toEqual(new Set(['live']));
  });
});
