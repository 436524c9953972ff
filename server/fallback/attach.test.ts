import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import compression from 'compression';
import express from 'express';
import type { Log } from '../../backend/log.ts';
import { findFreePort } from '../../cli/processes/ports.ts';
import { type BusStandIn, startBusStandIn } from '../../test/support/bus/bus-stand-in.ts';
import { FallbackClient } from '../../test/support/bus/fallback-client.ts';
import { eventually } from '../../test/support/eventually.ts';
import { recordLog } from '../../test/support/log.ts';
import { backendOn } from '../../test/support/parts.ts';
import { attachFallback, type Fallback } from './attach.ts';
import type { FallbackLimits, FallbackOptions } from './options.ts';

const KEY = 'app-key';
const RESTING: Array<() => unknown> = [];

afterEach(async () => {
  for (const end of RESTING.splice(0).reverse()) await end();
});

interface Bridge {
  readonly url: string;
  readonly bus: BusStandIn;
  readonly fallback: Fallback;
  readonly server: Server;
  client(headers?: Record<string, string>): FallbackClient;
}

type BridgeOptions = Partial<FallbackLimits> & {
  readonly options?: Partial<FallbackOptions>;
  readonly isSilent?: boolean;
  readonly busPort?: number;
  readonly log?: Log;
};

async function startBridge({
  options = {},
  isSilent = false,
  busPort,
  log = recordLog(),
  ...limits
}: BridgeOptions = {}): Promise<Bridge> {
  const bus = await startBusStandIn({ isSilent });
  const env = {
    REDIS_URL: 'redis://127.0.0.1:1',
    PUSHER_APP_ID: 'app',
    PUSHER_KEY: KEY,
    PUSHER_SECRET: 'secret',
    PUSHER_HOST: '127.0.0.1',
    PUSHER_PORT: String(busPort ?? bus.port),
  };
  const backend = backendOn(env, { log });
  const app = express();
  app.use(compression({ threshold: 0 }));
  app.get('/page', (_req, res) => void res.send('a page'));
  const server = createServer(app);
  const fallback = attachFallback(server, { backend, ...options, limits });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  RESTING.push(async () => {
    fallback.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await Promise.all([bus.close(), backend.close()]);
  });
  return { url, bus, fallback, server, client: (headers) => new FallbackClient(url, KEY, headers, options.path) };
}

const closes = (line: string | undefined) => (line?.startsWith('c') ? (JSON.parse(line.slice(1)) as unknown[]) : null);
const event = (n: number, size = 0) =>
  JSON.stringify({ event: 'tick', channel: 'room', data: { n, fill: 'é'.repeat(size) } });
const numbers = (client: FallbackClient) =>
  client.messages.filter(({ event }) => event === 'tick').map(({ data }) => (data as { n: number }).n);
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

async function busOf(bridge: Bridge, index = 0) {
  return eventually(() => bridge.bus.clients[index], { that: 'a connection to the bus' });
}

describe('a session', () => {
  it('opens once the bus has accepted, and carries messages both ways', async () => {
    const bridge = await startBridge();
    const client = bridge.client();
    const stream = await client.receive();
    expect(stream.status).toBe(200);
    expect(stream.headers).toMatchObject({
      'content-type': 'application/javascript; charset=UTF-8',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
    });
    expect(stream.headers['content-encoding']).toBeUndefined();
    await client.message('pusher:connection_established');
    expect(stream.lines[0]).toBe('o');
    expect(bridge.bus.urls).toEqual([`/app/${KEY}?protocol=7&client=js&version=8.6.0`]);
    const frame = { event: 'pusher:subscribe', data: { channel: 'room' } };
    expect(await client.send(frame)).toBe(204);
    await eventually(() => expect(bridge.bus.frames).toEqual([JSON.stringify(frame)]));
  });

  it('leaves everything else to the application', async () => {
    const bridge = await startBridge();
    expect(await (await fetch(`${bridge.url}/page`)).text()).toBe('a page');
    expect((await fetch(`${bridge.url}/pusher/app/${KEY}/1/abc/xhr`, { method: 'POST' })).status).toBe(404);
  });

  it('polls: each request ends with the first line, and the next one gets what came between', async () => {
    const bridge = await startBridge();
    const client = bridge.client();
    expect(await client.poll((lines) => lines.length > 0)).toEqual(['o']);
    const bus = await busOf(bridge);
    for (const n of upTo(3)) bus.send(event(n));
    await client.poll(() => numbers(client).length === 3);
    expect(numbers(client)).toEqual([0, 1, 2]);
  });

  it('keeps everything while the client breaks off and comes back', async () => {
    const bridge = await startBridge();
    const client = bridge.client();
    const stream = await client.receive();
    await client.message('pusher:connection_established');
    const bus = await busOf(bridge);
    bus.send(event(0));
    await eventually(() => expect(numbers(client)).toEqual([0]));
    stream.abort();
    for (const n of [1, 2, 3]) bus.send(event(n));
    await client.receive();
    await eventually(() => expect(numbers(client)).toEqual([0, 1, 2, 3]));
    expect(bridge.bus.urls).toHaveLength(1);
  });

  it('gives what the network had not taken to the next request', async () => {
    const bridge = await startBridge({ buffered: 50_000_000 });
    const client = bridge.client();
    const stream = await client.receive();
    await client.message('pusher:connection_established');
    stream.pause();
    const bus = await busOf(bridge);
    // Far more than the sockets' buffers hold: the rest is the session's.
    for (const n of upTo(60)) bus.send(event(n, 200_000));
    await eventually(() => expect(bus.bufferedAmount).toBe(0));
    stream.abort();
    let last = 0;
    for (;;) {
      const next = await client.receive();
      await eventually(() => next.isFull || numbers(client).at(-1) === 59);
      next.abort();
      last = numbers(client).at(-1) as number;
      if (last === 59) break;
    }
    const got = numbers(client);
    // What was already in the network when the connection broke is not ours to know; after that nothing is missing.
    const missing = upTo(60).filter((n) => !got.includes(n));
    expect(missing.length).toBeLessThan(3);
    expect(got).toEqual(got.toSorted((a, b) => a - b));
    expect(new Set(got).size).toBe(got.length);
  }, 20_000);

  it('writes nothing beyond the length at which pusher-js opens a new request, and loses nothing there', async () => {
    const bridge = await startBridge({ buffered: 5_000_000 });
    const client = bridge.client();
    let stream = await client.receive();
    await client.message('pusher:connection_established');
    const bus = await busOf(bridge);
    for (const n of upTo(400)) bus.send(event(n, 2_600));
    let rotations = 0;
    for (;;) {
      await eventually(() => stream.isFull || numbers(client).length === 400);
      if (numbers(client).length === 400) break;
      const { length } = stream;
      // Had it written on, that would have come by the time a request of its own is answered.
      await client.send();
      expect(stream.length).toBe(length);
      stream.abort();
      stream = await client.receive();
      rotations++;
    }
    expect(rotations).toBeGreaterThanOrEqual(3);
    expect(numbers(client)).toEqual(upTo(400));
  });

  it('lets the newest request win', async () => {
    const bridge = await startBridge();
    const client = bridge.client();
    const first = await client.receive();
    await client.message('pusher:connection_established');
    const second = await client.receive();
    await eventually(() => first.isOver);
    (await busOf(bridge)).send(event(7));
    await eventually(() => expect(second.lines.at(-1)).toContain('tick'));
    expect(numbers(client)).toEqual([7]);
  });

  it('ends, with its connection to the bus, when the client stays away', async () => {
    const bridge = await startBridge({ graceMs: 50 });
    const stream = await bridge.client().receive();
    await busOf(bridge);
    stream.abort();
    await eventually(() => expect([bridge.fallback.sessions, bridge.bus.clients.length]).toEqual([0, 0]));
  });

  it('starts again if another instance is asked', async () => {
    const [here, there] = [await startBridge(), await startBridge()];
    const client = here.client();
    await client.receive();
    await client.message('pusher:connection_established');
    // What pusher-js gets when its next request lands elsewhere: `o`, which it takes for a lost session.
    const moved = new FallbackClient(there.url, KEY);
    Object.assign(moved, { session: client.session });
    expect(await moved.send({ event: 'pusher:ping' })).toBe(404);
    expect(await moved.poll((lines) => lines.length > 0)).toEqual(['o']);
  });
});

describe('the URL of a session', () => {
  const ORIGIN = 'https://app.example.com';
  const thiefOf = (bridge: Bridge, client: FallbackClient, headers: Record<string, string> = {}) =>
    Object.assign(bridge.client(headers), { session: client.session });

  it.each([
    ['no cookie', null],
    ['a cookie of its own making', 'inloop_fallback=x'],
    ['an empty one', 'inloop_fallback='],
    ['other cookies', 'inloop_demo=1; other=2'],
  ])('is of no use to a client with %s', async (_what, cookie) => {
    const bridge = await startBridge();
    const client = bridge.client();
    const stream = await client.receive();
    await client.message('pusher:connection_established');
    for (const verb of ['xhr_streaming', 'xhr'] as const) {
      const thief = thiefOf(bridge, client);
      thief.cookie = cookie;
      expect((await thief.receive(verb)).status).toBe(403);
      expect(thief.messages).toEqual([]);
      thief.cookie = cookie;
      expect(await thief.send({ event: 'pusher:subscribe', data: { channel: 'room' } })).toBe(403);
    }
    (await busOf(bridge)).send(event(1));
    await eventually(() => expect(numbers(client)).toEqual([1]));
    expect([stream.isOver, bridge.bus.frames]).toEqual([false, []]);
  });

  it('is of no use to somebody who has opened another session, either', async () => {
    const bridge = await startBridge();
    const [client, thief] = [bridge.client(), bridge.client()];
    await client.receive();
    await thief.receive();
    const stolen = thiefOf(bridge, client);
    stolen.cookie = thief.cookie;
    expect(stolen.cookie).not.toBeNull();
    expect((await stolen.receive()).status).toBe(403);
  });

  it('stays of no use while its client is away, and after it was told why it ended', async () => {
    const bridge = await startBridge();
    const client = bridge.client();
    (await client.receive()).abort();
    expect((await thiefOf(bridge, client).receive()).status).toBe(403);
    (await busOf(bridge)).close(4200, 'bye');
    await eventually(() => bridge.bus.clients.length === 0);
    expect((await thiefOf(bridge, client).receive()).status).toBe(403);
    const lines = await client.poll((lines) => closes(lines.at(-1)) !== null);
    expect(closes(lines.at(-1))).toEqual([4200, 'bye']);
  });

  it('is the path of the cookie, which no script can read and no other site can use', async () => {
    const bridge = await startBridge({ options: { publicUrl: '/prefix/pusher' } });
    const client = bridge.client();
    const given = (await client.receive()).headers['set-cookie'] ?? [];
    expect(given).toEqual([
      expect.stringMatching(
        /^inloop_fallback=[\w-]{32}; Path=\/prefix\/pusher\/app\/app-key\/\d+\/\w{8}; Max-Age=300; HttpOnly; SameSite=Strict$/,
      ),
    ]);
    expect(given[0]).toContain(client.session);
    const secure = await bridge.client({ Origin: ORIGIN, 'Sec-Fetch-Site': 'same-origin' }).receive();
    expect(secure.headers['set-cookie']).toEqual([expect.stringMatching(/; Secure$/)]);
  });

  it('is enough for a page of a listed origin only with its address and its browser', async () => {
    const bridge = await startBridge({ options: { allowedOrigins: [ORIGIN], trustProxy: 'loopback' } });
    const browser = { Origin: ORIGIN, 'User-Agent': 'one', 'X-Forwarded-For': '10.0.0.1' };
    const client = bridge.client(browser);
    await client.receive();
    for (const other of [
      { ...browser, 'User-Agent': 'another' },
      { ...browser, 'X-Forwarded-For': '10.0.0.2' },
      { 'User-Agent': 'one', 'X-Forwarded-For': '10.0.0.1' },
    ]) {
      expect((await thiefOf(bridge, client, other).receive()).status).toBe(403);
    }
    // As pusher-js does there: without cookies.
    client.cookie = null;
    expect((await client.receive('xhr')).status).toBe(200);
    // Once it has shown its cookie, nothing less will do.
    expect((await client.receive('xhr')).status).toBe(200);
    expect((await thiefOf(bridge, client, browser).receive()).status).toBe(403);
  });
});

describe('heartbeats', () => {
  it('reach a stream and end a poll', async () => {
    // The session of this client, which never answers, ends after 3 heartbeats: a shorter one could end before the second.
    const bridge = await startBridge({ heartbeatMs: 300 });
    const client = bridge.client();
    const stream = await client.receive();
    await eventually(() => stream.lines.filter((line) => line === 'h').length >= 2);
    const poller = bridge.client();
    expect(await poller.poll((lines) => lines.includes('h'))).toContain('h');
  });

  it('end a session whose client no longer answers them, also while messages flow', async () => {
    const bridge = await startBridge({ heartbeatMs: 30 });
    const client = bridge.client();
    const stream = await client.receive();
    const bus = await busOf(bridge);
    const flow = setInterval(() => bus.send(event(1)), 5);
    await eventually(() => stream.isOver);
    clearInterval(flow);
    expect(closes(stream.lines.at(-1))).toEqual([4201, 'No sign of the client']);
  });

  it('keep a session whose client answers them', async () => {
    const bridge = await startBridge({ heartbeatMs: 150 });
    const client = bridge.client();
    const stream = await client.receive();
    await client.message('pusher:connection_established');
    let beats = 0;
    while (beats < 5) {
      await eventually(() => stream.lines.filter((line) => line === 'h').length > beats);
      beats = stream.lines.filter((line) => line === 'h').length;
      expect(await client.send()).toBe(204);
    }
    expect(stream.isOver).toBe(false);
  });

  it('go to the bus too, whose answers stay here', async () => {
    const bridge = await startBridge({ pingMs: 200 });
    const client = bridge.client();
    await client.receive();
    await eventually(() => expect(bridge.bus.frames.length).toBeGreaterThan(2));
    expect(client.messages.map((message) => message.event)).toEqual(['pusher:connection_established']);
  });

  it('show a bus that no longer answers', async () => {
    const bridge = await startBridge({ pingMs: 20, isSilent: true });
    const stream = await bridge.client().receive();
    await eventually(() => stream.isOver);
    expect(closes(stream.lines.at(-1))).toEqual([4201, 'The push server does not answer']);
  });
});

describe('the end of a connection to the bus', () => {
  it.each([
    [4200, 4200],
    [4009, 4009],
    [4100, 4100],
    [1001, 1006],
    [1003, 1006],
  ])('with %i is told as %i, after what came before it', async (code, told) => {
    const bridge = await startBridge();
    const client = bridge.client();
    const stream = await client.receive();
    await client.message('pusher:connection_established');
    const bus = await busOf(bridge);
    bus.send(event(1));
    bus.close(code, 'for a reason');
    await eventually(() => stream.isOver);
    expect(numbers(client)).toEqual([1]);
    expect(closes(stream.lines.at(-1))).toEqual([told, 'for a reason']);
  });

  it('is told to a client that was away just then', async () => {
    const bridge = await startBridge();
    const client = bridge.client();
    await client.poll((lines) => lines.length > 0);
    const bus = await busOf(bridge);
    bus.send(event(1));
    bus.close(4200, 'bye');
    const lines = await client.poll((lines) => closes(lines.at(-1)) !== null);
    expect(numbers(client)).toEqual([1]);
    expect(closes(lines.at(-1))).toEqual([4200, 'bye']);
  });

  it('before it began is a 503, said once to the operator', async () => {
    const log = recordLog();
    const bridge = await startBridge({ busPort: 1, log, connectMs: 100 });
    for (let n = 0; n < 2; n++) expect((await bridge.client().receive()).status).toBe(503);
    expect(bridge.fallback.sessions).toBe(0);
    expect(log.lines.map(({ message }) => message)).toEqual([
      expect.stringContaining('does not reach the bus: ECONNREFUSED'),
    ]);
  });
});

describe('a bus that is away when a client comes', () => {
  it('is waited for, since it may be starting again', async () => {
    const port = await findFreePort();
    const bridge = await startBridge({ busPort: port });
    const client = bridge.client();
    const answer = client.receive();
    await eventually(() => bridge.fallback.sessions === 1);
    const late = await startBusStandIn({ port });
    RESTING.push(() => late.close());
    expect((await answer).status).toBe(200);
    await client.message('pusher:connection_established');
  });

  it('costs nothing once the client is gone', async () => {
    const bridge = await startBridge({ busPort: 1 });
    const abort = new AbortController();
    const url = `${bridge.url}/pusher/app/${KEY}/1/abcdefgh/xhr`;
    const answer = fetch(url, { method: 'POST', signal: abort.signal }).catch(() => null);
    await eventually(() => bridge.fallback.sessions === 1);
    abort.abort();
    await answer;
    await eventually(() => bridge.fallback.sessions === 0);
  });
});

describe('what one client may cost', () => {
  it('a slow reader has to connect again, and what waits for it is limited', async () => {
    const bridge = await startBridge({ buffered: 100_000, graceMs: 300 });
    const client = bridge.client();
    const stream = await client.receive();
    await client.message('pusher:connection_established');
    stream.pause();
    const bus = await busOf(bridge);
    const flood = setInterval(() => {
      if (bus.readyState === bus.OPEN) for (const n of upTo(10)) bus.send(event(n, 20_000));
    }, 5);
    await eventually(() => bridge.bus.clients.length === 0);
    clearInterval(flood);
    const lines = await client.poll((lines) => closes(lines.at(-1)) !== null);
    expect(closes(lines.at(-1))?.[0]).toBe(4200);
    stream.abort();
    await eventually(() => bridge.fallback.sessions === 0);
  });

  it('a slow reader that goes on reading finds the close at the end of its stream', async () => {
    const bridge = await startBridge({ buffered: 100_000 });
    const client = bridge.client();
    const stream = await client.receive();
    await client.message('pusher:connection_established');
    const bus = await busOf(bridge);
    stream.pause();
    // Beyond the rotation no more is written to this request, so the buffer fills.
    for (const n of upTo(100)) bus.send(event(n, 5_000));
    await eventually(() => bridge.bus.clients.length === 0);
    stream.resume();
    const lines = stream.isOver ? stream.lines : await client.poll((lines) => closes(lines.at(-1)) !== null);
    expect(closes(lines.at(-1))?.[0]).toBe(4200);
  });

  it('all clients together may not hold more than their share', async () => {
    const bridge = await startBridge({ bufferedInAll: 100_000 });
    const clients = [bridge.client(), bridge.client()] as const;
    for (const client of clients) await client.poll((lines) => lines.length > 0);
    for (const index of [0, 1]) (await busOf(bridge, index)).send(event(0, 60_000));
    await eventually(() => bridge.bus.clients.length === 1);
  });

  it('sessions are counted by address, and in all', async () => {
    const bridge = await startBridge({
      sessionsPerAddress: 2,
      sessions: 3,
      options: { trustProxy: 'loopback' },
    });
    const from = (address: string) => bridge.client({ 'X-Forwarded-For': address }).receive();
    expect((await from('10.0.0.1')).status).toBe(200);
    const second = await from('10.0.0.1');
    const third = await from('10.0.0.1');
    expect([third.status, third.headers['retry-after']]).toEqual([429, '10']);
    expect((await from('10.0.0.2')).status).toBe(200);
    expect((await from('10.0.0.3')).status).toBe(429);
    second.abort();
  });

  it('a forwarded address is ignored unless a trusted proxy sent it', async () => {
    const bridge = await startBridge({ sessionsPerAddress: 1 });
    expect((await bridge.client({ 'X-Forwarded-For': '10.0.0.1' }).receive()).status).toBe(200);
    expect((await bridge.client({ 'X-Forwarded-For': '10.0.0.2' }).receive()).status).toBe(429);
  });

  it('an invalid address counts as that of the proxy', async () => {
    const bridge = await startBridge({ sessionsPerAddress: 2, options: { trustProxy: 'loopback' } });
    const statuses = [];
    for (const forwarded of ['9'.repeat(8_000), 'somebody', 'another', `${Math.random()}`]) {
      statuses.push((await bridge.client({ 'X-Forwarded-For': forwarded }).receive()).status);
    }
    expect(statuses).toEqual([200, 200, 429, 429]);
  });

  it('no body is read for a session that does not exist', async () => {
    const bridge = await startBridge();
    const held = connect(Number(new URL(bridge.url).port), '127.0.0.1');
    let answer = '';
    held.on('data', (data) => {
      answer += data.toString();
    });
    held.write(`POST /pusher/app/${KEY}/1/abcdefgh/xhr_send HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n[`);
    await eventually(() => expect(answer).toMatch(/^HTTP\/1.1 404 /));
    held.destroy();
  });

  it('the number of bodies that one client sends at once is limited', async () => {
    const bridge = await startBridge({ connectMs: 60_000 });
    const client = bridge.client();
    await client.receive();
    await client.message('pusher:connection_established');
    const sockets = Array.from({ length: 32 }, () => connect(Number(new URL(bridge.url).port), '127.0.0.1'));
    const head = `POST /pusher/app/${KEY}/${client.session}/xhr_send HTTP/1.1\r\nHost: x\r\nCookie: ${client.cookie}\r\n`;
    for (const socket of sockets) socket.write(`${head}Content-Length: 20\r\n\r\n[`);
    await eventually(async () => expect(await client.send({ event: 'pusher:ping' })).toBe(429));
    for (const socket of sockets) socket.destroy();
    await eventually(async () => expect(await client.send({ event: 'pusher:ping' })).toBe(204));
  });

  it('a place is free again once its session is over', async () => {
    const bridge = await startBridge({ sessionsPerAddress: 1, graceMs: 20 });
    (await bridge.client().receive()).abort();
    await eventually(async () => expect((await bridge.client().receive()).status).toBe(200));
  });

  it('bodies are bounded, in size and in time', async () => {
    const bridge = await startBridge({ bodyBytes: 1_000, connectMs: 100 });
    const client = bridge.client();
    await client.receive();
    await client.message('pusher:connection_established');
    expect(await client.sendBody(JSON.stringify(['x'.repeat(1_000)]))).toBe(413);
    // In pieces, with no length announced.
    expect(await client.sendBody(JSON.stringify(['x'.repeat(1_000)]), { inPieces: true })).toBe(413);
    const slow = connect(Number(new URL(bridge.url).port), '127.0.0.1');
    let answer = '';
    slow.on('data', (data) => {
      answer += data.toString();
    });
    slow.write(
      `POST /pusher/app/${KEY}/${client.session}/xhr_send HTTP/1.1\r\nHost: x\r\nCookie: ${client.cookie}\r\nContent-Length: 20\r\n\r\n[`,
    );
    await eventually(() => expect(answer).toMatch(/^HTTP\/1.1 408 /));
    await eventually(() => slow.closed || slow.readableEnded);
    slow.destroy();
  });

  it.each([
    ['no JSON', '['],
    ['no list', '{}'],
    ['no texts', '[1]'],
    ['bytes that are not UTF-8', Uint8Array.of(0x5b, 0x22, 0xff, 0x22, 0x5d)],
    ['a frame of another shape', JSON.stringify(['{"event":"pusher:subscribe"}'])],
    ['a good frame beside a bad one', JSON.stringify(['{"event":"pusher:ping"}', '{}'])],
    ['too many frames', JSON.stringify(new Array(33).fill('{"event":"pusher:ping"}'))],
  ])('%s never reaches the bus', async (_name, body) => {
    const bridge = await startBridge();
    const client = bridge.client();
    await client.receive();
    await client.message('pusher:connection_established');
    expect(await client.sendBody(body)).toBe(400);
    expect(await client.send({ event: 'pusher:ping' })).toBe(204);
    await eventually(() => expect(bridge.bus.frames).toEqual(['{"event":"pusher:ping"}']));
  });
});

describe('who may connect', () => {
  const ORIGIN = 'https://app.example.com';
  let sessions = 0;
  /** Asks for a session of its own each time. */
  const post = (bridge: Bridge, headers: Record<string, string>, method = 'POST') =>
    fetch(`${bridge.url}/pusher/app/${KEY}/${++sessions}/abcdefgh/xhr`, { method, headers });

  it('another key gets the answer that the bus would give', async () => {
    const bridge = await startBridge();
    const client = new FallbackClient(bridge.url, 'other');
    const [open, close] = await client.poll((lines) => lines.length > 0);
    expect([open, closes(close)?.[0]]).toEqual(['o', 4001]);
    expect(bridge.bus.urls).toEqual([]);
  });

  it('pages of other origins are refused, preflight and all', async () => {
    const bridge = await startBridge({ options: { allowedOrigins: [ORIGIN] } });
    const foreign = { Origin: 'https://evil.example.com', 'Sec-Fetch-Site': 'cross-site' };
    for (const method of ['POST', 'OPTIONS']) {
      const response = await post(bridge, foreign, method);
      expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([403, null]);
    }
    expect((await post(bridge, { Origin: 'null' })).status).toBe(403);
    expect(bridge.bus.urls).toEqual([]);
  });

  it('named origins are let in, and may read the answer', async () => {
    const bridge = await startBridge({ options: { allowedOrigins: [ORIGIN] } });
    const preflight = await post(bridge, { Origin: ORIGIN, 'Access-Control-Request-Method': 'POST' }, 'OPTIONS');
    expect(preflight.status).toBe(204);
    expect(Object.fromEntries(preflight.headers)).toMatchObject({
      'access-control-allow-origin': ORIGIN,
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': 'Content-Type',
      vary: 'Origin',
    });
    const response = await post(bridge, { Origin: ORIGIN });
    expect([response.status, await response.text()]).toEqual([200, 'o\n']);
    expect(response.headers.get('access-control-allow-origin')).toBe(ORIGIN);
  });

  it("the application's own pages are let in, through a proxy too", async () => {
    const bridge = await startBridge({ options: { trustProxy: 'loopback' } });
    expect((await post(bridge, { Origin: bridge.url })).status).toBe(200);
    expect((await post(bridge, { Origin: ORIGIN, 'X-Forwarded-Host': 'app.example.com' })).status).toBe(200);
    expect((await post(bridge, { Origin: ORIGIN, 'Sec-Fetch-Site': 'same-origin' })).status).toBe(200);
    const wary = await startBridge();
    expect((await post(wary, { Origin: ORIGIN, 'X-Forwarded-Host': 'app.example.com' })).status).toBe(403);
  });

  it('other methods are refused', async () => {
    const response = await post(await startBridge(), {}, 'GET');
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST, OPTIONS']);
  });
});

describe('the fallback', () => {
  it('works under a path prefix', async () => {
    const bridge = await startBridge({ options: { path: '/a/b/pusher' } });
    const client = bridge.client();
    await client.receive();
    await client.message('pusher:connection_established');
  });

  it('sends clients away when the server is to end, so that it ends at once', async () => {
    const stop = new AbortController();
    const bridge = await startBridge({ options: { signal: stop.signal } });
    const stream = await bridge.client().receive();
    await busOf(bridge);
    stop.abort();
    await eventually(() => stream.isOver);
    expect(closes(stream.lines.at(-1))?.[0]).toBe(4200);
    expect((await bridge.client().receive()).status).toBe(503);
    await eventually(() => bridge.bus.clients.length === 0);
  });

  it('is not attached for hosted Pusher', () => {
    const env = {
      PUSHER_APP_ID: '1',
      PUSHER_KEY: KEY,
      PUSHER_SECRET: 's',
      PUSHER_CLUSTER: 'eu',
      REDIS_URL: 'redis://x',
    };
    const server = createServer();
    expect(attachFallback(server, { backend: backendOn(env) }).isAttached).toBe(false);
  });
});
