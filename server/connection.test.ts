import { createServer, request } from 'node:http';
import { afterEach, describe, expect, it } from '@jest/globals';
import express from 'express';
import type { ConnectionInfo } from '../core/wire.ts';
import { startHttpServer } from '../test/support/http-server.ts';
import { backendOn } from '../test/support/parts.ts';
import { attachFallback } from './fallback/attach.ts';
import type { FallbackOptions } from './fallback/options.ts';
import { createTaskServer } from './task-server.ts';

const APP = { PUSHER_APP_ID: '1', PUSHER_KEY: 'key', PUSHER_SECRET: 'secret', REDIS_URL: 'redis://127.0.0.1:1' };
const OWN = { ...APP, PUSHER_HOST: 'bus.internal', PUSHER_PORT: '6001', PUSHER_PUBLIC_HOST: 'bus.example.com' };
const HOSTED = { ...APP, PUSHER_CLUSTER: 'eu' };
const closers: Array<() => Promise<unknown>> = [];

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

interface Setting {
  readonly env?: Record<string, string>;
  readonly trust?: boolean;
  readonly fallback?: Omit<FallbackOptions, 'backend'>;
  readonly path?: string;
}

/** What `GET /connection` tells a browser that sends these headers. */
async function connection(
  headers: Record<string, string>,
  { env = OWN, trust = false, fallback, path = '/tasks' }: Setting = {},
) {
  const backend = backendOn(env);
  const app = express();
  app.set('trust proxy', trust);
  app.use('/tasks', createTaskServer({ backend, tasks: [], identify: () => 'ada', path }).router);
  const server = createServer(app);
  if (fallback) attachFallback(server, { backend, ...fallback });
  const { port, close } = await startHttpServer(server);
  closers.push(close, () => backend.close());
  const body = await new Promise<string>((resolve, reject) => {
    // Not with fetch, which lets nobody set Host.
    request({ port, host: '127.0.0.1', path: '/tasks/connection', headers }, async (res) => {
      let text = '';
      for await (const chunk of res) text += chunk;
      resolve(text);
    })
      .on('error', reject)
      .end();
  });
  const { httpHost, httpPort, httpsPort, httpPath, wsHost, wsPort } = JSON.parse(body) as ConnectionInfo;
  return { http: [httpHost, httpPort, httpsPort, httpPath], ws: [wsHost, wsPort] };
}

describe('GET /connection', () => {
  it('sends HTTP transports to the bus if no fallback is attached', async () => {
    const { http, ws } = await connection({ Host: 'app.example.com' });
    expect(http).toEqual(['bus.example.com', 6001, 6001, '/pusher']);
    expect(ws).toEqual(['bus.example.com', 6001]);
  });

  it.each([
    ['app.example.com', ['app.example.com', 80, 443, '/pusher']],
    ['localhost:3000', ['localhost', 3000, 3000, '/pusher']],
    ['[::1]:3000', ['[::1]', 3000, 3000, '/pusher']],
  ])('sends HTTP to the host that the browser used: %s', async (host, http) => {
    const answer = await connection({ Host: host }, { fallback: {} });
    expect(answer.http).toEqual(http);
    expect(answer.ws).toEqual(['bus.example.com', 6001]);
  });

  it('believes X-Forwarded-Host only where the app trusts its proxy', async () => {
    const headers = { Host: 'inner:8080', 'X-Forwarded-Host': 'app.example.com' };
    expect((await connection(headers, { fallback: {} })).http[0]).toBe('inner');
    expect((await connection(headers, { fallback: {}, trust: true })).http).toEqual([
      'app.example.com',
      80,
      443,
      '/pusher',
    ]);
  });

  it('takes the host from `Referer` of a page of the same origin, since a proxy may hide it', async () => {
    const page = (site: string, Referer = 'https://app.example.com:8443/crm/page') =>
      connection({ Host: 'inner:8080', 'Sec-Fetch-Site': site, Referer }, { fallback: {} });
    expect((await page('same-origin')).http).toEqual(['app.example.com', 8443, 8443, '/pusher']);
    // The `Referer` of a page of another origin is not the host of the fallback.
    for (const site of ['same-site', 'cross-site', 'none']) expect((await page(site)).http[0]).toBe('inner');
    for (const junk of ['about:blank', 'x', 'javascript:1', 'https://']) {
      expect((await page('same-origin', junk)).http[0]).toBe('inner');
    }
  });

  it('uses the public address of the router if the option `path` has one', async () => {
    const path = 'https://app.example.com/crm/tasks';
    expect((await connection({ Host: 'inner:8080' }, { fallback: {}, path })).http).toEqual([
      'app.example.com',
      80,
      443,
      '/pusher',
    ]);
  });

  it('uses the `publicUrl` or the `path` of the fallback', async () => {
    const headers = { Host: 'inner:8080' };
    const publicUrl = 'https://app.example.com/prefix/pusher';
    expect((await connection(headers, { fallback: { publicUrl } })).http).toEqual([
      'app.example.com',
      443,
      443,
      '/prefix/pusher',
    ]);
    expect((await connection(headers, { fallback: { path: '/live' } })).http).toEqual(['inner', 8080, 8080, '/live']);
  });

  it('does not pass on a host that is not valid', async () => {
    const { http } = await connection({ Host: 'a"><script>' }, { fallback: {} });
    expect(http[0]).toBe('bus.example.com');
  });

  it('names no host for hosted Pusher: pusher-js knows it by the cluster', async () => {
    const { http, ws } = await connection({ Host: 'app.example.com' }, { env: HOSTED, fallback: {} });
    expect([http, ws]).toEqual([
      [null, null, null, null],
      [null, null],
    ]);
  });
});
