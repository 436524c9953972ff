// Who may connect over the HTTP fallback, and who may use a session whose URL they know. A bridge is an app with the
// fallback, in front of a bus that the test plays.
import { describe, expect, it } from '@jest/globals';
import {
  type Bridge,
  busOf,
  event,
  KEY,
  numbers,
  parseClose,
  useBridge,
} from '../../../test/support/bus/fallback-bridge.ts';
import { FallbackClient } from '../../../test/support/bus/fallback-client.ts';
import { eventually } from '../../../test/support/eventually.ts';

const startBridge = useBridge();

describe('the URL of a session', () => {
  const ORIGIN = 'https://app.example.com';
  const thiefOf = (bridge: Bridge, client: FallbackClient, headers: Record<string, string> = {}) =>
    Object.assign(bridge.client(headers), { session: client.session });

  it.each([
    ['no cookie', null],
    ['a cookie of its own making', 'inloop_fallback=x'],
    ['an empty cookie', 'inloop_fallback='],
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

  it('stays of no use while its client is away, and after the bus has closed the connection', async () => {
    const bridge = await startBridge();
    const client = bridge.client();
    (await client.receive()).abort();
    expect((await thiefOf(bridge, client).receive()).status).toBe(403);
    (await busOf(bridge)).close(4200, 'bye');
    await eventually(() => bridge.bus.clients.length === 0);
    expect((await thiefOf(bridge, client).receive()).status).toBe(403);
    const lines = await client.poll((lines) => parseClose(lines.at(-1)) !== null);
    expect(parseClose(lines.at(-1))).toEqual([4200, 'bye']);
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

  it('is enough for a page of a listed origin, which has no cookie, only from the same address and browser', async () => {
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
    // The answer gave the client its cookie. Once the client has shown it, the session is open to nobody without it.
    expect((await client.receive('xhr')).status).toBe(200);
    expect((await thiefOf(bridge, client, browser).receive()).status).toBe(403);
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
    expect([open, parseClose(close)?.[0]]).toEqual(['o', 4001]);
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
    const untrusting = await startBridge();
    expect((await post(untrusting, { Origin: ORIGIN, 'X-Forwarded-Host': 'app.example.com' })).status).toBe(403);
  });

  it('other methods are refused', async () => {
    const response = await post(await startBridge(), {}, 'GET');
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST, OPTIONS']);
  });
});
