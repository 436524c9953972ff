// What one client of the HTTP fallback may cost: memory, sessions, bodies. A bridge is an app with the
// fallback, in front of a bus that the test plays.
import { connect } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { busOf, event, KEY, parseClose, upTo, useBridge } from '../../test/support/bus/fallback-bridge.ts';
import { eventually } from '../../test/support/eventually.ts';

const startBridge = useBridge();

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
    const lines = await client.poll((lines) => parseClose(lines.at(-1)) !== null);
    expect(parseClose(lines.at(-1))?.[0]).toBe(4200);
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
    // Beyond the length at which pusher-js opens a new request no more is written to this one, so the buffer fills.
    for (const n of upTo(100)) bus.send(event(n, 5_000));
    await eventually(() => bridge.bus.clients.length === 0);
    stream.resume();
    const lines = stream.isOver ? stream.lines : await client.poll((lines) => parseClose(lines.at(-1)) !== null);
    expect(parseClose(lines.at(-1))?.[0]).toBe(4200);
  });

  it('what waits for all clients together is limited', async () => {
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
