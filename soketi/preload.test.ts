import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { findNode20 } from '../dev/setup/node20.ts';
import { type Child, type Command, startChild } from '../dev/stack/child.ts';
import { findFreePort } from '../dev/stack/ports.ts';
import { createPusherApp, signPusherCall, soketiCommand } from '../dev/stack/soketi.ts';
import { FRAMES_OF_BAD_UTF8, HOSTILE_FRAMES } from '../test/support/bus/hostile-frames.ts';
import { RawWebSocket } from '../test/support/bus/raw-websocket.ts';
import { startSoketi, type TestSoketi } from '../test/support/bus/soketi.ts';
import { ScriptedClient, startScripted } from '../test/support/bus/soketi-script.ts';
import { eventually } from '../test/support/eventually.ts';

const PRIVATE = 'private-user-bob';
let soketi: TestSoketi;
let firstPid: number;
/** Somebody else, connected all the while. */
let bystander: RawWebSocket;
let webhooks: { names: string[]; url: string; close(): void };

beforeAll(async () => {
  webhooks = await collectWebhooks();
  soketi = await startSoketi({ webhooks: webhooks.url });
  firstPid = soketi.pid;
  bystander = await joinChannel('room');
}, 30_000);

afterAll(async () => {
  bystander.close();
  await soketi.stop();
  webhooks.close();
});

let sequence = 0;
/** Publishes an event and waits until the bystander has it: the server lives, its clients too, and events flow. */
async function expectEventsToFlow(): Promise<void> {
  const name = `tick-${++sequence}`;
  expect(await call('POST', '/events', JSON.stringify({ name, channel: 'room', data: '{}' }))).toMatchObject({
    status: 200,
  });
  await bystander.receive((message) => message.event === name, name);
  expect(bystander.closed).toBe(false);
  expect(() => process.kill(firstPid, 0)).not.toThrow();
}

async function open(): Promise<RawWebSocket> {
  const socket = await RawWebSocket.open(soketi.pusher.port, soketi.pusher.key);
  await socket.socketId();
  return socket;
}

async function joinChannel(channel: string): Promise<RawWebSocket> {
  const socket = await open();
  const { key, secret } = soketi.pusher;
  const signature = createHmac('sha256', secret)
    .update(`${await socket.socketId()}:${channel}`)
    .digest('hex');
  socket.sendText({ event: 'pusher:subscribe', data: { channel, auth: `${key}:${signature}` } });
  await socket.receive((message) => message.event === 'pusher_internal:subscription_succeeded');
  return socket;
}

interface Answer {
  status: number;
  body: string;
}

function call(method: string, path: string, body?: string | Uint8Array, agent?: Agent): Promise<Answer> {
  return send(method, signPusherCall(soketi.pusher, method, path, body), body, agent);
}

function send(method: string, path: string, body?: string | Uint8Array, agent?: Agent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port: soketi.pusher.port,
      method,
      path,
      timeout: 5_000,
      ...(agent && { agent }),
    };
    const sent = request(options, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += String(chunk);
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
    });
    sent.on('timeout', () => sent.destroy(new Error(`no answer to ${method} ${path.split('?')[0]}`)));
    sent.on('error', reject);
    sent.end(body);
  });
}

async function collectWebhooks() {
  const names: string[] = [];
  const server = createServer((incoming, response) => {
    let text = '';
    incoming.on('data', (chunk) => {
      text += String(chunk);
    });
    incoming.on('end', () => {
      const { events } = JSON.parse(text) as { events: { name: string; channel: string }[] };
      names.push(...events.map(({ name, channel }) => `${name} ${channel}`));
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    names,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () => server.close(),
  };
}

describe.each([
  ['before authorization', open],
  ['after authorization', () => joinChannel(PRIVATE)],
])('a hostile frame %s', (_when, connect) => {
  let hostile: RawWebSocket;
  beforeEach(async () => {
    hostile = await connect();
  });
  afterEach(() => hostile.close());

  it.each(HOSTILE_FRAMES)('%s harms nobody', async (_name, content) => {
    const before = hostile.messages.length;
    hostile.sendText(content);
    await eventually(() => hostile.closed || hostile.messages.length > before, { that: 'an answer or a close' });
    const answers = hostile.messages.slice(before).map((message) => message.event);
    for (const answer of answers) expect(['pusher:error', 'pusher:subscription_error']).toContain(answer);
    // A client that slipped once can still go on.
    if (!hostile.closed) {
      hostile.sendText({ event: 'pusher:ping', data: {} });
      await hostile.receive((message) => message.event === 'pusher:pong');
    }
    await expectEventsToFlow();
  });

  it.each(FRAMES_OF_BAD_UTF8)('bad UTF-8: %s harms nobody', async (_name, content) => {
    const before = hostile.messages.length;
    hostile.sendText(content);
    await eventually(() => hostile.closed || hostile.messages.length > before, { that: 'an answer or a close' });
    await expectEventsToFlow();
  });

  it('binary frames are refused, whatever is in them', async () => {
    hostile.sendBinary(JSON.stringify({ event: 'pusher:subscribe', data: { channel: 'room' } }));
    hostile.sendBinary(Uint8Array.of(0, 255, 254));
    await eventually(() => hostile.messages.filter(({ event }) => event === 'pusher:error').length === 2);
    await expectEventsToFlow();
  });

  it('a frame beyond 64 KiB closes its own connection only', async () => {
    hostile.sendText(`{"event":"pusher:ping","data":"${'x'.repeat(200_000)}"}`);
    await eventually(() => hostile.closed);
    await expectEventsToFlow();
  });

  it('bytes that are no WebSocket frame close their own connection only', async () => {
    hostile.sendBytes(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
    await eventually(() => hostile.closed);
    await expectEventsToFlow();
  });

  it('a thousand bad frames at once are all answered', async () => {
    for (let n = 0; n < 1_000; n++) hostile.sendText({ event: 'pusher:subscribe' });
    await eventually(
      () => hostile.closed || hostile.messages.filter((m) => m.event === 'pusher:error').length >= 1_000,
    );
    await expectEventsToFlow();
  });
});

describe('frames that only cost', () => {
  it('neither leaving a channel never joined nor joining twice calls a webhook', async () => {
    const hostile = await open();
    hostile.sendText({ event: 'pusher:unsubscribe', data: { channel: 'never-joined' } });
    for (let n = 0; n < 3; n++) hostile.sendText({ event: 'pusher:subscribe', data: { channel: 'twice' } });
    await eventually(() => hostile.messages.filter(({ event }) => event === 'pusher:error').length === 2);
    // Webhooks leave in order of their channels' changes, so when this one is here the others would be, too.
    hostile.close();
    await eventually(() => webhooks.names.includes('channel_vacated twice'));
    expect(webhooks.names.filter((name) => name === 'channel_occupied twice')).toHaveLength(1);
    expect(webhooks.names).not.toContain('channel_vacated never-joined');
  });

  it('a frame to an application that does not exist gets 4001', async () => {
    const stranger = await RawWebSocket.open(soketi.pusher.port, 'nobody');
    stranger.sendText({ event: 'pusher:subscribe', data: { channel: 'room' } });
    const { data } = await stranger.receive(({ event }) => event === 'pusher:error');
    expect(data).toMatchObject({ code: 4001 });
    await expectEventsToFlow();
  });
});

const event = (over: object): string => JSON.stringify({ name: 'n', channel: 'room', data: '{}', ...over });
const batch = (...events: unknown[]): string => JSON.stringify({ batch: events });
const good = { name: 'n', channel: 'room', data: '{}' };

describe('a correctly signed API body', () => {
  it.each<[path: string, name: string, body: string | Uint8Array, status: number]>([
    ['/events', 'nothing', '', 400],
    ['/events', 'not JSON', '{', 400],
    ['/events', 'null', 'null', 400],
    ['/events', 'a number', '1', 400],
    ['/events', 'a list', '[]', 400],
    ['/events', 'an empty object', '{}', 400],
    ['/events', 'bad UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d), 400],
    ['/events', 'a name of a number', event({ name: 1 }), 400],
    ['/events', 'a name of an object', event({ name: { length: 1 } }), 400],
    ['/events', 'an empty name', event({ name: '' }), 400],
    ['/events', 'a name of 201 characters', event({ name: 'n'.repeat(201) }), 400],
    ['/events', 'no channel', event({ channel: undefined }), 400],
    ['/events', 'a channel of 123', event({ channel: 123 }), 400],
    ['/events', 'a channel of null', event({ channel: null }), 400],
    ['/events', 'a channel of 165 characters', event({ channel: 'c'.repeat(165) }), 400],
    ['/events', 'a channel with a space', event({ channel: 'a b' }), 400],
    ['/events', 'channels in a string', event({ channels: 'room' }), 400],
    ['/events', 'channels in an object', event({ channels: { length: 1 } }), 400],
    ['/events', 'no channels', event({ channels: [] }), 400],
    ['/events', 'channels with null among them', event({ channels: ['room', null] }), 400],
    ['/events', '101 channels', event({ channels: Array.from({ length: 101 }, (_, n) => `c${n}`) }), 400],
    ['/events', 'no data', event({ data: undefined }), 400],
    ['/events', 'data of an object', event({ data: { a: 1 } }), 400],
    [
      '/events',
      'data nested deeply',
      `{"name":"n","channel":"room","data":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
      400,
    ],
    ['/events', 'data of 10,241 bytes', event({ data: 'x'.repeat(10_241) }), 413],
    ['/events', 'a body of 2 MB', event({ data: 'x'.repeat(2_000_000) }), 413],
    ['/events', 'a socket id of a number', event({ socket_id: 1 }), 400],
    ['/events', 'a socket id of an object', event({ socket_id: {} }), 400],
    ['/events', '__proto__ with everything in it', `{"__proto__":${event({})}}`, 400],
    ['/batch_events', 'nothing', '', 400],
    ['/batch_events', 'an empty object', '{}', 400],
    ['/batch_events', 'a list', '[]', 400],
    ['/batch_events', 'null', 'null', 400],
    ['/batch_events', 'a batch of null', '{"batch":null}', 400],
    ['/batch_events', 'a batch in an object', '{"batch":{"length":1}}', 400],
    ['/batch_events', 'a batch in a string', '{"batch":"abc"}', 400],
    ['/batch_events', 'a batch of nulls', batch(null), 400],
    ['/batch_events', 'a batch of lists', batch([]), 400],
    ['/batch_events', 'a bad event after a good one', batch(good, { name: 'n' }), 400],
    ['/batch_events', 'eleven events', batch(...Array.from({ length: 11 }, () => good)), 400],
    ['/batch_events', 'one event too big', batch(good, { ...good, data: 'x'.repeat(10_241) }), 413],
    ['/batch_events', 'ten thousand events', batch(...Array.from({ length: 10_000 }, () => good)), 400],
    ['/users/__proto__/terminate_connections', 'null', 'null', 200],
  ])('%s: %s gets its true status and harms nobody', async (path, _name, body, status) => {
    expect((await call('POST', path, body)).status).toBe(status);
    await expectEventsToFlow();
  });

  it('just within every limit is taken', async () => {
    const body = event({ channels: Array.from({ length: 100 }, (_, n) => `c${n}`), data: 'x'.repeat(10_240) });
    expect(await call('POST', '/events', body)).toEqual({ status: 200, body: '{"ok":true}' });
    expect((await call('POST', '/batch_events', batch(...Array(10).fill(good)))).status).toBe(200);
  });
});

describe('an API call that is not ours', () => {
  const body = event({});
  it.each<[name: string, path: () => string, status: number]>([
    ['an unsigned call', () => `/apps/${soketi.pusher.appId}/events`, 401],
    ['a wrong signature', () => signPusherCall({ ...soketi.pusher, secret: 'wrong' }, 'POST', '/events', body), 401],
    ['a signature over another body', () => signPusherCall(soketi.pusher, 'POST', '/events', '{}'), 401],
    [
      'a signature given twice',
      () => `${signPusherCall(soketi.pusher, 'POST', '/events', body)}&auth_signature=x`,
      401,
    ],
    ['a query that does not decode', () => `/apps/${soketi.pusher.appId}/events?auth_signature=%E0%A4%A&%=%`, 401],
    ['a query of prototype names', () => `/apps/${soketi.pusher.appId}/events?__proto__=1&constructor=2&toString`, 401],
    ['an unknown application', () => signPusherCall({ ...soketi.pusher, appId: 'x' }, 'POST', '/events', body), 404],
    ['an application named __proto__', () => '/apps/__proto__/events', 404],
    ['an unknown path', () => '/nowhere', 404],
  ])('%s gets its true status and harms nobody', async (_name, path, status) => {
    expect((await send('POST', path(), body)).status).toBe(status);
    await expectEventsToFlow();
  });

  it('a caller that hangs up in the middle of its body harms nobody', async () => {
    const path = signPusherCall(soketi.pusher, 'POST', '/events', body);
    for (let n = 0; n < 20; n++) {
      const sent = request({
        host: '127.0.0.1',
        port: soketi.pusher.port,
        method: 'POST',
        path,
        headers: { 'content-length': 999 },
      });
      sent.on('error', () => {});
      await new Promise((resolve) => sent.write('{"name":', resolve));
      sent.destroy();
    }
    await expectEventsToFlow();
  });
});

describe('an old call', () => {
  /** A signed call whose time is `seconds` ahead of now. */
  const callAt = async (seconds: number): Promise<Answer> => {
    const real = Date.now;
    Date.now = () => real() + seconds * 1_000;
    const path = signPusherCall(soketi.pusher, 'GET', '/channels');
    Date.now = real;
    return send('GET', path);
  };

  it.each([-605, 605, -86_400, 1e9])('of %i s from now is refused, as hosted Pusher does', async (seconds) => {
    const { status, body } = await callAt(seconds);
    expect([status, body]).toEqual([401, expect.stringContaining('Timestamp expired')]);
  });

  it.each([-590, 0, 590])('of %i s from now is answered', async (seconds) => {
    expect((await callAt(seconds)).status).toBe(200);
  });
});

describe('what is for operators', () => {
  it.each(['/accept-traffic', '/usage', '/metrics'])('%s is not where everybody comes by', async (path) => {
    expect((await send('GET', path)).status).toBe(404);
  });

  it('is answered on the metrics port, and whether it is up is no secret', async () => {
    const inside = await findFreePort();
    const other = await startScripted('hardened', { METRICS_SERVER_PORT: String(inside) });
    for (const path of ['/accept-traffic', '/usage']) {
      const response = await fetch(`http://127.0.0.1:${inside}${path}`);
      expect([response.status, await response.json()]).toMatchObject([200, { memory: {} }]);
    }
    for (const path of ['/', '/ready']) expect((await fetch(`http://127.0.0.1:${other.port}${path}`)).status).toBe(200);
    await other.stop();
  }, 20_000);
});

describe('a Soketi for the channels of tasks', () => {
  let closed: TestSoketi;
  let hooks: Awaited<ReturnType<typeof collectWebhooks>>;
  beforeAll(async () => {
    hooks = await collectWebhooks();
    closed = await startSoketi({ webhooks: hooks.url, tasksOnly: true });
  }, 30_000);
  afterAll(async () => {
    await closed.stop();
    hooks.close();
  });
  const client = () => ScriptedClient.open(closed.pusher.port, closed.pusher);

  it.each([
    'room',
    'cache-room',
    'presence-room',
    'private-room',
    'private-encrypted-room',
    'private-user',
    'xprivate-user-bob',
    'user-bob',
  ])('refuses %s, rightly signed or not', async (channel) => {
    const bob = await client();
    const member = channel.startsWith('presence-') ? { user_id: 'bob' } : undefined;
    expect(await bob.enter(channel, member)).toEqual([
      'pusher:subscription_error',
      { type: 'AuthError', status: 403, error: expect.any(String) },
    ]);
    expect(await bob.enter(PRIVATE)).toEqual(['pusher_internal:subscription_succeeded', undefined]);
    expect(await bob.enter('private-encrypted-user-bob')).toEqual([
      'pusher_internal:subscription_succeeded',
      undefined,
    ]);
    bob.socket.close();
  });

  it('keeps nothing of four clients that enter made-up channels as fast as they can', async () => {
    const flooders = await Promise.all(
      [1, 2, 3, 4].map(() => RawWebSocket.open(closed.pusher.port, closed.pusher.key)),
    );
    hooks.names.length = 0;
    for (let n = 0; n < 2_500; n++) {
      for (const [who, flooder] of flooders.entries()) {
        flooder.sendText({ event: 'pusher:subscribe', data: { channel: `made-up-${who}-${n}` } });
      }
    }
    const isRefused = ({ event }: { event: string }) => event === 'pusher:subscription_error';
    for (const flooder of flooders) {
      await eventually(() => flooder.messages.filter(isRefused).length === 2_500, { within: 20_000 });
    }
    const bob = await client();
    await bob.enter('private-user-flood');
    const answer = await fetch(
      `http://127.0.0.1:${closed.pusher.port}${signPusherCall(closed.pusher, 'GET', '/channels')}`,
    );
    expect(Object.keys(((await answer.json()) as { channels: object }).channels)).toEqual(['private-user-flood']);
    await eventually(() => hooks.names.includes('channel_occupied private-user-flood'));
    expect(hooks.names.filter((name) => name.includes('made-up'))).toEqual([]);
    for (const flooder of flooders) flooder.close();
    bob.socket.close();
  }, 40_000);

  it('lets a connection into so many at once, and into another for each that it leaves', async () => {
    const bob = await client();
    for (let n = 0; n < 30; n++) bob.ask(`private-user-${n}`);
    const told = (event: string) => bob.socket.messages.filter((message) => message.event === event);
    await eventually(() => told('pusher_internal:subscription_succeeded').length === 20);
    await eventually(() => told('pusher:subscription_error').length === 10);
    expect(told('pusher:subscription_error')[0]?.data).toMatchObject({ type: 'LimitReached', status: 4100 });
    bob.send('pusher:unsubscribe', { channel: 'private-user-3' });
    expect(await bob.enter('private-user-40')).toEqual(['pusher_internal:subscription_succeeded', undefined]);
    bob.socket.close();
  });
});

describe('starting', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'inloop-soketi-'));
  });
  const children: Child[] = [];
  afterEach(async () => {
    for (const child of children.splice(0)) await child.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  /** Starts one that is ended after the test, should it run. */
  const start = async (command: Command): Promise<Child> => {
    const child = await startChild(command);
    children.push(child);
    return child;
  };

  const command = (port: number) =>
    soketiCommand({ node: findNode20() as string, app: createPusherApp(), port, folder });

  it.each([
    ['another program', null],
    ['a Soketi', 'hardened'],
    ['a Soketi that nobody hardened', 'plain'],
  ] as const)(
    'on a port that is taken by %s ends in an error that names it',
    async (_who, kind) => {
      const server = createServer();
      const soketi = kind === null ? null : await startScripted(kind);
      if (soketi === null) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const port = soketi?.port ?? (server.address() as AddressInfo).port;
      const child = await start(await command(port));
      expect(await child.end).toBe('exit code 1');
      expect(child.lastLines.join('\n')).toContain(`Could not listen on port ${port}`);
      expect(child.lastLines.join('\n')).not.toContain('up and running');
      server.close();
      await soketi?.stop();
    },
    20_000,
  );

  it('goes on without a metrics port that is taken, and says so; with metrics switched on it does not', async () => {
    const inside = new URL(webhooks.url).port;
    const first = await command(await findFreePort());
    const env = { ...first.env, SOKETI_METRICS_SERVER_PORT: String(inside) };
    const child = await start({ ...first, env });
    await eventually(() => child.lastLines.join('\n').includes('up and running'), { within: 10_000 });
    expect(child.lastLines.join('\n')).toContain(`Could not listen on port ${inside}, for /usage and /metrics`);
    await child.stop();
    const second = await start({ ...first, env: { ...env, SOKETI_METRICS_ENABLED: 'true' } });
    expect(await second.end).toBe('exit code 1');
  }, 30_000);

  it.each([
    ['INLOOP_SOKETI_CHANNELS', 'private-user-*,née'],
    ['INLOOP_SOKETI_SUBSCRIPTIONS', '0'],
    ['INLOOP_SOKETI_SUBSCRIPTIONS', 'many'],
  ])('with a bad %s ends in a line that names it', async (name, value) => {
    const { env, ...rest } = await command(await findFreePort());
    const child = await start({ ...rest, env: { ...env, [name]: value } });
    expect(await child.end).toBe('exit code 1');
    expect(child.lastLines).toEqual([expect.stringContaining(name)]);
  });
});

describe('the API', () => {
  it('keeps a connection open over good and bad calls', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const sockets = new Set<unknown>();
    agent.on('free', (socket) => sockets.add(socket));
    for (let n = 0; n < 5; n++) {
      expect((await call('POST', '/events', event({}), agent)).status).toBe(200);
      expect((await call('POST', '/events', '{}', agent)).status).toBe(400);
      expect((await call('GET', '/channels/room', undefined, agent)).status).toBe(200);
    }
    expect(sockets.size).toBe(1);
    agent.destroy();
  });
});
