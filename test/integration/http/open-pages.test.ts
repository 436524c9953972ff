// Which owners are watched, and what ends when a user signs out. Real Redis and Soketi, a worker, and bare Pusher clients. The
// test signs webhooks itself, to imitate a bus that is late or wrong.
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import WebSocket from 'ws';
import { z } from 'zod';
import type { Backend } from '../../../backend/backend.ts';
import { defineTask } from '../../../core/tasks/definition.ts';
import { createTaskWorker } from '../../../worker/task-worker.ts';
import { eventually } from '../../support/eventually.ts';
import { backendOn, type Follower, startApp, startBus, type TestApp, type TestBus } from '../../support/parts.ts';

const move = defineTask({ name: 'move', input: z.object({}) });

let bus: TestBus;
let server: Backend;
let workerBackend: Backend;
let app: TestApp;
const shutdown = new AbortController();
let working: Promise<void>;

beforeAll(async () => {
  bus = await startBus({ userSignIn: true });
  server = backendOn(bus.env);
  app = await startApp(server, [move], { userSignIn: true });
  workerBackend = backendOn(bus.env);
  const worker = createTaskWorker({ backend: workerBackend, drain: '100ms', grace: '500ms' });
  worker.handle(move, async (_input, task) => {
    for (let done = 1; ; done++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      task.signal.throwIfAborted();
      // A changed note is told within a second; steady work alone every 10 s.
      task.progress({ done, note: `Row ${done}` });
    }
  });
  working = worker.run({ signal: shutdown.signal });
}, 60_000);

afterAll(async () => {
  shutdown.abort();
  await working;
  await app.close();
  await Promise.all([server.close(), workerBackend.close()]);
  await bus.stop();
}, 30_000);

/** Tells the server, in the name of the bus, that nobody is in a channel any more. */
const vacate = async (channel: string) => {
  const body = JSON.stringify({ time_ms: Date.now(), events: [{ name: 'channel_vacated', channel }] });
  const { key, secret } = bus.soketi.pusher;
  const signature = createHmac('sha256', secret).update(body).digest('hex');
  const response = await app.call(null, '/tasks/webhook', {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', 'x-pusher-key': key, 'x-pusher-signature': signature },
  });
  expect(response.status).toBe(200);
};
const steps = ({ events }: Follower) => events.filter(({ name }) => name === 'task.running').length;
const noteOpened = (owner: string) => server.redis.noteWebhook(server.channelOf(owner), 'opened', 1);

/** Starts a task of a user with an open page, and waits for its progress there. */
async function startMoving(owner: string) {
  const follower = await app.follow(owner);
  const task = await app.tasks.start(move, {}, { owner });
  await eventually(() => steps(follower) >= 2, { within: 15_000 });
  return { follower, end: () => app.tasks.tasks.cancel(owner, task.id) };
}

describe('a page', () => {
  it('that is open, though the bus reports it closed, gets progress again within 2 s', async () => {
    const { follower, end } = await startMoving('ada');
    for (let n = 0; n < 3; n++) {
      await vacate(server.channelOf('ada'));
      const before = steps(follower);
      // The first step comes within 2 s, the second one within another second. The rest is for a busy machine.
      await eventually(() => steps(follower) >= before + 2, { within: 4_000 });
    }
    await end();
  }, 60_000);

  it('that is closed gets no more events', async () => {
    const { follower, end } = await startMoving('bea');
    follower.close();
    await eventually(async () => !(await server.bus.isOccupied(server.channelOf('bea'))));
    await vacate(server.channelOf('bea'));
    const sent = () => workerBackend.eventCounters().progress.sent;
    // Events that were on their way may still arrive.
    await eventually(
      async () => {
        const before = sent();
        await new Promise((resolve) => setTimeout(resolve, 1_500));
        expect(sent()).toBe(before);
      },
      { within: 15_000 },
    );
    await end();
  }, 60_000);

  it('of an unknown user leaves no key in Redis', async () => {
    await vacate(server.channelOf('nobody'));
    // The webhook of a channel without a key is not noted, and is answered with `unknown`.
    expect(await noteOpened('nobody')).toBe('unknown');
  });
});

describe('endSessions', () => {
  it('reaches every page of the user, and no page of others', async () => {
    const pages = await Promise.all([app.follow('cyd'), app.follow('cyd'), app.follow('dan')]);
    await app.tasks.endSessions('cyd');
    const told = (page: Follower | undefined) => page?.events.filter(({ name }) => name === 'task.session');
    await eventually(() => pages.slice(0, 2).every((page) => told(page)?.length === 1), { within: 2_000 });
    expect(told(pages[0])).toEqual([{ name: 'task.session', data: {} }]);
    expect(told(pages[2])).toEqual([]);
  });

  it.each(['eve', 'eve@example.org', 'auth0|5f7c', 'a/../b?c#d%', 'x'.repeat(300)])(
    'ends the connections that %s has signed in',
    async (owner) => {
      const signedIn = await signIn(owner);
      const other = await signIn('fay');
      await app.tasks.endSessions(owner);
      // 4009: closed by the application, for good.
      expect(await signedIn.closed).toBe(4_009);
      expect(other.socket.readyState).toBe(WebSocket.OPEN);
      other.socket.terminate();
    },
  );
});

/** Opens a connection that is signed in to the bus, as `pusher.signin()` does it. */
async function signIn(owner: string) {
  const { host, port, key } = bus.soketi.pusher;
  const socket = new WebSocket(`ws://${host}:${port}/app/${key}?protocol=7`);
  const closed = new Promise<number>((resolve) => {
    socket.on('close', (code) => {
      socket.terminate();
      resolve(code);
    });
  });
  const next = (name: string) =>
    new Promise<Record<string, string>>((resolve) => {
      const take = (frame: unknown) => {
        const { event, data } = JSON.parse(String(frame)) as { event: string; data: string };
        if (event !== name) return;
        socket.off('message', take);
        resolve(typeof data === 'string' ? JSON.parse(data) : data);
      };
      socket.on('message', take);
    });
  const { socket_id = '' } = await next('pusher:connection_established');
  const body = new URLSearchParams({ socket_id });
  const signed = await (await app.call(owner, '/tasks/auth', { method: 'POST', body })).json();
  const welcome = next('pusher:signin_success');
  socket.send(JSON.stringify({ event: 'pusher:signin', data: signed }));
  await welcome;
  return { socket, closed };
}
