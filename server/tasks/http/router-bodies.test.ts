/**
 * Webhooks of the bus, and bodies that do not arrive. Real Redis, no bus.
 *
 * @at-once 8
 */
import { createHmac } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../../../test/support/eventually.ts';
import { BUS_SECRET, JSON_TYPE, useRouter } from '../../../test/support/router-world.ts';

const world = useRouter();
const { call } = world;
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

/** Sends a head and no body. */
async function open(line: string, headers: readonly string[]) {
  const { port } = new URL(world.url);
  const socket = connect(Number(port), '127.0.0.1');
  sockets.push(socket);
  const answer = { socket, text: '', isClosed: false };
  socket.setEncoding('utf8').on('data', (text: string) => (answer.text += text));
  socket.on('error', () => undefined).on('close', () => (answer.isClosed = true));
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.write(`${line} HTTP/1.1\r\nHost: a.test\r\n${headers.join('\r\n')}\r\n\r\n`);
  return answer;
}

describe('a webhook', () => {
  const sign = (body: string) => ({
    ...JSON_TYPE,
    'x-pusher-key': 'key',
    'x-pusher-signature': createHmac('sha256', BUS_SECRET).update(body).digest('hex'),
  });
  const send = (body: string, headers = sign(body)) => call('/webhook', { method: 'POST', body, headers }, null);
  const tell = (name: string, channel: string, at = Date.now()) =>
    send(JSON.stringify({ time_ms: at, events: [{ name, channel }] }));
  const pages = async () => (await world.raw.keys('inloop:page:*')).sort();

  it('leaves no mark of a channel that nobody was allowed to enter', async () => {
    // Without the keys that the server itself writes once it runs: the definitions that it starts, leases, and its probe.
    const keys = async () =>
      (await world.raw.keys('*')).filter((key) => !/^inloop:(definitions$|lease:|probe$)/.test(key));
    const before = await keys();
    const made = Array.from({ length: 1_000 }, (_, n) => [`lobby-${n}`, `private-user-${n}`, `presence-${n}`]).flat();
    for (const name of ['channel_occupied', 'channel_vacated']) {
      const events = made.map((channel) => ({ name, channel }));
      expect((await send(JSON.stringify({ time_ms: Date.now(), events }))).status).toBe(200);
    }
    expect((await keys()).sort()).toEqual(before.sort());
  });

  it('that names 3,000 channels lets other requests be answered before all are noted', async () => {
    const { redis } = world.backend;
    const { noteWebhook } = redis;
    let noted = 0;
    let list: Promise<number> | undefined;
    redis.noteWebhook = (...mark) => {
      noted += 1;
      // Asked while the first channel is noted. Resolves with how many are noted by the time of the answer.
      list ??= call('/').then(() => noted);
      return noteWebhook.apply(redis, mark);
    };
    try {
      const events = Array.from({ length: 3_000 }, (_, n) => ({
        name: 'channel_vacated',
        channel: `private-user-${n}`,
      }));
      expect((await send(JSON.stringify({ time_ms: Date.now(), events }))).status).toBe(200);
      expect(noted).toBe(3_000);
      expect(await list).toBeLessThan(3_000);
    } finally {
      redis.noteWebhook = noteWebhook;
    }
  });

  it('of a channel that its owner may enter is noted: vacant, then occupied again', async () => {
    const form = new URLSearchParams({ socket_id: '1.1', channel_name: 'private-user-bea' });
    expect((await call('/auth', { method: 'POST', body: form }, 'bea')).status).toBe(200);
    await eventually(async () => expect(await pages()).toEqual(['inloop:page:private-user-bea']));
    const mark = () => world.raw.hGetAll('inloop:page:private-user-bea');
    const { o: opened } = await mark();
    await eventually(async () => {
      await tell('channel_vacated', 'private-user-bea');
      const { o, v } = await mark();
      expect([o, Number(v) > Number(o)]).toEqual([opened, true]);
    });
    await eventually(async () => {
      await tell('channel_occupied', 'private-user-bea');
      const { o, v } = await mark();
      expect(Number(o)).toBeGreaterThan(Number(v));
    });
  });

  it('with a time in the future, or long past, is answered 200 and ignored', async () => {
    await world.backend.redis.noteWatched('private-user-cyd', 'cyd');
    for (const at of [Date.now() + 3_600_000, Date.now() - 3_600_000, 0, -1, 1e300, -1e300]) {
      expect((await tell('channel_vacated', 'private-user-cyd', at)).status).toBe(200);
    }
    expect(await world.raw.hGet('inloop:page:private-user-cyd', 'v')).toBeNull();
  });

  it.each([
    '{"time_ms":1,"events":null}',
    '{"time_ms":1,"events":[null]}',
    '{"time_ms":"x","events":[]}',
    'null',
    '[]',
  ])('that says %s is 400', async (body) => {
    const answer = await send(body);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ code: 'invalid_webhook' });
  });

  it('that the bus did not sign is 401, whatever it says', async () => {
    const body = '{"time_ms":1,"events":null}';
    const signed = sign(body);
    for (const headers of [
      { ...signed, 'x-pusher-key': 'other' },
      { ...signed, 'x-pusher-signature': signed['x-pusher-signature'].replace(/./g, '0') },
      { ...signed, 'x-pusher-signature': 'short' },
    ]) {
      expect((await send(body, headers)).status).toBe(401);
    }
  });

  it('without the headers of one is refused before its body was read', async () => {
    const answer = await open('POST /tasks/webhook', ['content-length: 200000']);
    await eventually(() => expect(answer.text).toContain(' 401 '), { within: 900 });
  });
});

describe('a body that does not come', () => {
  const signed = ['x-pusher-key: key', `x-pusher-signature: ${'0'.repeat(64)}`];
  it.concurrent.each([
    ['a start', 'POST /tasks', ['x-user: ada', 'content-type: application/json', 'content-length: 20'], '408'],
    [
      'a chunked start',
      'POST /tasks',
      ['x-user: ada', 'content-type: application/json', 'transfer-encoding: chunked'],
      '408',
    ],
    [
      'a list of seen tasks',
      'POST /tasks/seen',
      ['x-user: ada', 'content-type: application/json', 'content-length: 20'],
      '408',
    ],
    [
      'a form',
      'POST /tasks/auth',
      ['x-user: ada', 'content-type: application/x-www-form-urlencoded', 'content-length: 20'],
      '408',
    ],
    ['a webhook', 'POST /tasks/webhook', [...signed, 'content-length: 20'], '408'],
    ['a cancel, which needs none', 'POST /tasks/none/cancel', ['x-user: ada', 'content-length: 20'], '404'],
    ['a request without a user', 'POST /tasks', ['content-type: application/json', 'content-length: 20'], '401'],
    ['a GET', 'GET /tasks', ['x-user: ada', 'content-length: 20'], '200'],
  ])('of %s ends its connection', async (_what, line, headers, status) => {
    const began = performance.now();
    const answer = await open(line, headers);
    await eventually(() => answer.isClosed, { within: 5_000 });
    expect(performance.now() - began).toBeGreaterThanOrEqual(900);
    expect(answer.text.split(' ')[1]).toBe(status);
    if (status === '408') expect(answer.text).toContain('"code":"body_timeout"');
  });

  it('that arrives in time may come in two parts', async () => {
    const body = JSON.stringify({ name: 'report', input: { n: 1 } });
    const answer = await open('POST /tasks', [
      'x-user: ada',
      'content-type: application/json',
      `content-length: ${body.length}`,
    ]);
    answer.socket.write(body.slice(0, 10));
    setTimeout(() => answer.socket.write(body.slice(10)), 200);
    await eventually(() => expect(answer.text).toContain(' 202 '));
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    expect(answer.isClosed).toBe(false);
  });
});
