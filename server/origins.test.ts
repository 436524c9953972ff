// Which pages may change something: one table of cases, asked of the router, the middleware and the HTTP fallback.
import { createServer, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import express, { type RequestHandler } from 'express';
import type { Backend } from '../backend/backend.ts';
import { type HttpServer, startHttpServer } from '../test/support/http-server.ts';
import { backendOn, NO_BUS } from '../test/support/parts.ts';
import { attachFallback } from './fallback/attach.ts';
import { checkOrigins, sameOrigin } from './origins.ts';
import { createTaskServer } from './task-server.ts';

// Neither Redis nor the bus is there. But the fallback answers only if the environment names a self-hosted bus.
const ENV = { ...NO_BUS, REDIS_URL: 'redis://127.0.0.1:1' };
const LISTED = 'https://app.example.com';
const servers: HttpServer[] = [];
let backend: Backend;
/** Port of an application without a proxy in front of it. */
let plain: number;
/** Port of an application that trusts a proxy on this machine. */
let behindProxy: number;
/** Port of an application that lists no origin, and is told its public address by `path`. */
let withAddress: number;

/**
 * Starts an application with a router, a route of its own behind `sameOrigin`, and the fallback. Returns its port.
 * @param trust Express's `trust proxy`
 */
async function serve(trust: string | false, origins: string[], path?: string): Promise<number> {
  const app = express();
  app.set('trust proxy', trust);
  const tasks = createTaskServer({
    backend,
    tasks: [],
    identify: (req) => req.get('x-user') ?? 'ada',
    origins,
    ...(path === undefined ? {} : { path }),
  });
  app.use('/tasks', tasks.router);
  const answer: RequestHandler = (_req, res) => void res.json({});
  app.all('/own', sameOrigin({ origins }), answer);
  const server = createServer(app);
  attachFallback(server, { backend, allowedOrigins: origins });
  const running = await startHttpServer(server);
  servers.push(running);
  return running.port;
}

beforeAll(async () => {
  backend = backendOn(ENV);
  plain = await serve(false, [LISTED]);
  behindProxy = await serve('loopback', [LISTED]);
  withAddress = await serve(false, [], 'https://public.example.com/tasks');
});
afterAll(async () => {
  for (const server of servers) await server.close();
  await backend.close();
});

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly code: string | undefined;
}

/** With node:http, since fetch sets these headers by itself. */
function ask(port: number, method: string, path: string, headers: Record<string, string | string[]>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, method, path, headers: { Host: 'own.test:3000', ...headers } });
    sent.on('error', reject).on('response', async (res) => {
      let body = '';
      for await (const chunk of res.setEncoding('utf8')) body += chunk;
      let code: string | undefined;
      try {
        ({ code } = JSON.parse(body));
      } catch {
        // No body.
      }
      resolve({ status: res.statusCode ?? 0, headers: res.headers, code });
    });
    sent.end();
  });
}

const OWN = 'http://own.test:3000';
type Case = readonly [
  what: string,
  headers: Record<string, string | string[]>,
  isTaken: boolean,
  /** The same for the fallback, where it differs: the fallback does not know whether the browser used TLS. */
  isTakenByFallback?: boolean,
];
/** The cases of the one rule (`sender.ts`) by which router, middleware and fallback refuse pages of other sites. */
const RULE: readonly Case[] = [
  ['no browser', {}, true],
  ['a browser’s own page', { 'Sec-Fetch-Site': 'same-origin', Origin: OWN }, true],
  ['an own page whose proxy changed Host', { 'Sec-Fetch-Site': 'same-origin', Origin: 'https://public.test' }, true],
  ['an own form without referrer', { 'Sec-Fetch-Site': 'same-origin', Origin: 'null' }, true],
  ['an own page without Origin', { 'Sec-Fetch-Site': 'same-origin' }, true],
  ['another port or a sibling', { 'Sec-Fetch-Site': 'same-site', Origin: 'http://own.test:4000' }, false],
  ['same-site without Origin', { 'Sec-Fetch-Site': 'same-site' }, false],
  ['same-site that claims the own origin', { 'Sec-Fetch-Site': 'same-site', Origin: OWN }, false],
  ['another site', { 'Sec-Fetch-Site': 'cross-site', Origin: 'https://evil.test' }, false],
  ['another site without Origin', { 'Sec-Fetch-Site': 'cross-site' }, false],
  ['a bookmark, or a reload', { 'Sec-Fetch-Site': 'none' }, false],
  ['none that claims the own origin', { 'Sec-Fetch-Site': 'none', Origin: OWN }, false],
  ['an unknown site', { 'Sec-Fetch-Site': 'Same-Origin' }, false],
  ['an empty site', { 'Sec-Fetch-Site': '' }, false],
  ['two sites', { 'Sec-Fetch-Site': ['same-origin', 'cross-site'] }, false],
  ['the own origin, of an older browser', { Origin: OWN }, true],
  ['an opaque origin', { Origin: 'null' }, false],
  ['a foreign origin', { Origin: 'https://evil.test' }, false],
  ['an empty origin', { Origin: '' }, false],
  ['two origins', { Origin: [OWN, 'https://evil.test'] }, false],
  ['another scheme', { Origin: 'https://own.test:3000' }, false, true],
  ['a proxy that ends TLS', { Host: 'own.test', Origin: 'https://own.test' }, false, true],
  ['a proxy that ends TLS and names its port', { Host: 'own.test:443', Origin: 'https://own.test' }, false, true],
  [
    'another scheme, of a browser that sends Sec-Fetch-Site',
    { 'Sec-Fetch-Site': 'same-site', Origin: 'https://own.test:3000' },
    false,
  ],
  ['a scheme that is not of the web', { Origin: 'ftp://own.test:3000' }, false],
  ['another port', { Origin: 'http://own.test:3001' }, false],
  ['the default port', { Origin: 'http://own.test' }, false],
  ['a longer host', { Origin: 'http://own.test:3000.evil.test' }, false],
  ['a subdomain', { Origin: 'http://a.own.test:3000' }, false],
  ['an origin with a user', { Origin: 'http://own.test:3000@evil.test' }, false],
  ['an origin with a path', { Origin: `${OWN}/` }, false],
  ['junk', { Origin: 'own.test:3000' }, false],
  ['IPv6', { Host: '[::1]:3000', Origin: 'http://[::1]:3000' }, true],
  ['IPv6, written at length', { Host: '[0:0:0:0:0:0:0:1]:3000', Origin: 'http://[::1]:3000' }, true],
  ['another IPv6', { Host: '[::1]:3000', Origin: 'http://[::2]:3000' }, false],
  ['a default port that Host names', { Host: 'own.test:80', Origin: 'http://own.test' }, true],
  ['a host in capitals', { Host: 'OWN.test:3000', Origin: OWN }, true],
  ['a Host that is not valid', { Host: 'evil.test/?', Origin: 'http://evil.test' }, false],
  ['no Host', { Host: '', Origin: '' }, false],
  ['a Host called null', { Host: 'null', Origin: 'null' }, false],
  ['a Host with a user', { Host: 'x@evil.test', Origin: 'http://evil.test' }, false],
  ['a listed origin', { Origin: LISTED, 'Sec-Fetch-Site': 'cross-site' }, true],
  ['a listed origin of the same site', { Origin: LISTED, 'Sec-Fetch-Site': 'same-site' }, true],
  ['a listed origin, of an older browser', { Origin: LISTED }, true],
  ['a listed origin with a port', { Origin: `${LISTED}:8443`, 'Sec-Fetch-Site': 'cross-site' }, false],
  ['a listed origin without TLS', { Origin: 'http://app.example.com' }, false],
  ['a listed origin’s subdomain', { Origin: 'https://a.app.example.com' }, false],
  ['X-Forwarded-Host of anybody', { 'X-Forwarded-Host': 'evil.test', Origin: 'http://evil.test' }, false],
];

describe('a request that changes something', () => {
  it.each(RULE)('of %s %j: taken %p, by the router and by the middleware', async (_what, headers, isTaken) => {
    for (const [path, taken] of [
      ['/tasks/nothing', 404],
      ['/own', 200],
    ] as const) {
      const { status, code } = await ask(plain, 'POST', path, headers);
      expect([path, status, code]).toEqual([
        path,
        isTaken ? taken : 403,
        isTaken ? (taken === 404 ? 'not_found' : undefined) : 'cross_site',
      ]);
    }
  });

  it.each(RULE)(
    'of %s %j: taken %p, and by the fallback, if it differs, %p',
    async (_what, headers, isTaken, byFallback = isTaken) => {
      const { status } = await ask(plain, 'OPTIONS', '/pusher/app/key/1/abcdefgh/xhr', headers);
      expect(status).toBe(byFallback ? 204 : 403);
    },
  );

  it.each(RULE)('reading stays open for %s', async (_what, headers) => {
    expect((await ask(plain, 'GET', '/tasks/connection', headers)).status).toBe(200);
    expect((await ask(plain, 'HEAD', '/own', headers)).status).toBe(200);
  });

  it.each(['PUT', 'PATCH', 'DELETE', 'PROPFIND'])('by %s from another site is refused', async (method) => {
    expect((await ask(plain, method, '/own', { Origin: 'https://evil.test' })).code).toBe('cross_site');
  });

  it('is refused as problem+json, with a long origin cut short', async () => {
    const evil = { Origin: `https://${'x'.repeat(5_000)}.test`, 'Content-Type': 'application/json' };
    const { headers, code } = await ask(plain, 'POST', '/tasks', evil);
    expect(code).toBe('cross_site');
    expect(headers['content-type']).toContain('application/problem+json');
    // The origin of 5,000 characters is cut in the message.
    expect(Number(headers['content-length'])).toBeLessThan(700);
  });

  it('is refused before `identify` is called', async () => {
    expect((await ask(plain, 'POST', '/tasks', { Origin: 'https://evil.test', 'x-user': '' })).code).toBe('cross_site');
  });
});

describe('behind a proxy', () => {
  const forwarded = { 'X-Forwarded-Host': 'public.test', 'X-Forwarded-Proto': 'https' };
  it('that the app trusts, the own origin is the one that browsers use', async () => {
    const post = (origin: string) => ask(behindProxy, 'POST', '/own', { ...forwarded, Origin: origin });
    expect((await post('https://public.test')).status).toBe(200);
    expect((await post('http://public.test')).status).toBe(403);
    expect((await post('http://own.test:3000')).status).toBe(403);
  });

  it('that the app does not trust, `X-Forwarded-Host` is ignored', async () => {
    expect((await ask(plain, 'POST', '/own', { ...forwarded, Origin: 'https://public.test' })).status).toBe(403);
  });

  it('that hides the host, the own origin is that of `path`, if it is a whole address', async () => {
    const headers = { Host: 'inner:8080', Origin: 'https://public.example.com' };
    expect((await ask(withAddress, 'POST', '/tasks/nothing', headers)).status).toBe(404);
    expect(
      (await ask(withAddress, 'POST', '/tasks/nothing', { ...headers, Origin: 'http://public.example.com' })).status,
    ).toBe(403);
  });
});

describe('a page of a listed origin', () => {
  const listed = { Origin: LISTED, 'Sec-Fetch-Site': 'cross-site' };
  it('may ask before it sends exactly what the client sends', async () => {
    for (const path of ['/tasks', '/tasks/some-id/cancel', '/own']) {
      const { status, headers } = await ask(plain, 'OPTIONS', path, {
        ...listed,
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'authorization,content-type',
      });
      expect(status).toBe(204);
      expect(headers).toMatchObject({
        'access-control-allow-origin': LISTED,
        'access-control-allow-credentials': 'true',
        'access-control-allow-headers':
          'authorization, cache-control, content-type, idempotency-key, if-none-match, prefer',
        'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
        'access-control-max-age': '7200',
        vary: 'Origin',
      });
    }
  });

  it('may read answers, refusals too', async () => {
    for (const [method, path] of [
      ['GET', '/tasks/connection'],
      ['GET', '/tasks/nothing/at/all'],
      ['POST', '/tasks/nothing'],
    ] as const) {
      const { headers } = await ask(plain, method, path, listed);
      expect(headers).toMatchObject({
        'access-control-allow-origin': LISTED,
        'access-control-allow-credentials': 'true',
        'access-control-expose-headers':
          'ETag, Location, Retry-After, Preference-Applied, Inloop-Channel, Inloop-Protocol, Inloop-Time',
      });
      expect(headers.vary).toMatch(/\bOrigin\b/);
    }
  });

  it('is the only one that may', async () => {
    const preflight = { 'Access-Control-Request-Method': 'POST' };
    for (const [port, origin] of [
      [plain, 'https://evil.test'],
      [plain, 'null'],
      [plain, OWN],
      [withAddress, LISTED],
    ] as const) {
      for (const method of ['OPTIONS', 'GET', 'POST']) {
        const { headers } = await ask(port, method, '/tasks/connection', { Origin: origin, ...preflight });
        expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
      }
    }
  });
});

describe('a list of origins', () => {
  it('takes what browsers send', () => {
    const origins = ['https://app.example.com', 'http://localhost:3000', 'http://[::1]:8080'];
    expect([...checkOrigins('origins', origins)]).toEqual(origins);
  });

  it.each([
    ['https://app.example.com/', 'Did you mean "https://app.example.com"?'],
    ['https://App.example.com', 'Did you mean "https://app.example.com"?'],
    ['https://app.example.com:443', 'Did you mean "https://app.example.com"?'],
    ['https://app.example.com/tasks', 'Did you mean "https://app.example.com"?'],
    ['https://*.example.com', 'no wildcard'],
    ['*', 'got "*"'],
    ['null', 'got "null"'],
    ['app.example.com', 'got "app.example.com"'],
    ['file:///', 'got "file:///"'],
    [7, 'got number'],
  ])('refuses %j and says why', (origin, said) => {
    expect(() => checkOrigins('origins', [origin as string])).toThrow(said);
    expect(() => sameOrigin({ origins: [origin as string] })).toThrow('sameOrigin: origins must hold');
    expect(() => createTaskServer({ backend, tasks: [], identify: () => null, origins: [origin as string] })).toThrow(
      expect.objectContaining({ code: 'invalid_options' }),
    );
  });

  it('must be a list', () => {
    expect(() => checkOrigins('origins', 'https://app.example.com' as never)).toThrow('must be a list');
  });
});
