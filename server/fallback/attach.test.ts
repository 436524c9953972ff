// The sessions of the HTTP fallback: what a client gets, in which order, and how a session ends. A bridge is an app with the
// fallback, in front of a bus that the test plays.
import { createServer } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { findFreePort } from '../../cli/processes/ports.ts';
import { startBusStandIn } from '../../test/support/bus/bus-stand-in.ts';
import { busOf, event, KEY, numbers, parseClose, upTo, useBridge } from '../../test/support/bus/fallback-bridge.ts';
import { FallbackClient } from '../../test/support/bus/fallback-client.ts';
import { eventually } from '../../test/support/eventually.ts';
import { recordLog } from '../../test/support/log.ts';
import { backendOn } from '../../test/support/parts.ts';
import { attachFallback } from './attach.ts';

const startBridge = useBridge();

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
    // Far more than the buffers of the sockets hold: the session keeps the rest.
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
    // Messages that were in the network when the connection broke may be lost, since nobody knows of them; later ones are not.
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
      // If the session still wrote to this stream, more would have come by the time another request is answered.
      await client.send();
      expect(stream.length).toBe(length);
      stream.abort();
      stream = await client.receive();
      rotations++;
    }
    expect(rotations).toBeGreaterThanOrEqual(3);
    expect(numbers(client)).toEqual(upTo(400));
  });

  it('sends messages to the newest request only', async () => {
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

describe('heartbeats', () => {
  it('reach a stream and end a poll', async () => {
    // This client never answers, so its session ends after 3 heartbeats. With a shorter time it might end before the second one
    // was read.
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
    expect(parseClose(stream.lines.at(-1))).toEqual([4201, 'No sign of the client']);
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
    expect(parseClose(stream.lines.at(-1))).toEqual([4201, 'The push server does not answer']);
  });
});

describe('a connection to the bus', () => {
  it.each([
    [4200, 4200],
    [4009, 4009],
    [4100, 4100],
    [1001, 1006],
    [1003, 1006],
  ])('that ends with %i is told as %i, after what came before it', async (code, told) => {
    const bridge = await startBridge();
    const client = bridge.client();
    const stream = await client.receive();
    await client.message('pusher:connection_established');
    const bus = await busOf(bridge);
    bus.send(event(1));
    bus.close(code, 'for a reason');
    await eventually(() => stream.isOver);
    expect(numbers(client)).toEqual([1]);
    expect(parseClose(stream.lines.at(-1))).toEqual([told, 'for a reason']);
  });

  it('whose end came while the client was away is told at the next request', async () => {
    const bridge = await startBridge();
    const client = bridge.client();
    await client.poll((lines) => lines.length > 0);
    const bus = await busOf(bridge);
    bus.send(event(1));
    bus.close(4200, 'bye');
    const lines = await client.poll((lines) => parseClose(lines.at(-1)) !== null);
    expect(numbers(client)).toEqual([1]);
    expect(parseClose(lines.at(-1))).toEqual([4200, 'bye']);
  });

  it('that was never made is answered 503, and told to the operator once', async () => {
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
    try {
      expect((await answer).status).toBe(200);
      await client.message('pusher:connection_established');
    } finally {
      await late.close();
    }
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
    expect(parseClose(stream.lines.at(-1))?.[0]).toBe(4200);
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
