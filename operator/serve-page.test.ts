import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import express from 'express';
import { CSS } from '../client/element/dom/styles.ts';
import { type HttpServer, startHttpServer } from '../test/support/http-server.ts';
import { readPageFiles } from './page-files.ts';
import { createPageRouter } from './serve-page.ts';

describe('the files of the operator page', () => {
  let server: HttpServer;
  beforeAll(async () => {
    server = await startHttpServer(express().use('/team/operator', createPageRouter()));
  });
  afterAll(() => server.close());
  const get = (path: string, init: RequestInit = {}) =>
    fetch(`${server.url}/team/operator${path}`, { redirect: 'manual', ...init });

  it('may load nothing from elsewhere, may be shown in no frame, and tell nobody their address', async () => {
    for (const path of ['/', '/page.js', '/page.css', '/page.svg']) {
      const { status, headers } = await get(path);
      expect([path, status]).toEqual([path, 200]);
      const policy = headers.get('content-security-policy');
      expect(policy).toBe(
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      );
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
    }
  });

  it('have the right content types, and no inline script or style', async () => {
    const types = await Promise.all(
      ['/', '/page.js', '/page.css', '/page.svg'].map(async (path) => (await get(path)).headers.get('content-type')),
    );
    expect(types).toEqual([
      'text/html; charset=utf-8',
      'text/javascript; charset=utf-8',
      'text/css; charset=utf-8',
      'image/svg+xml; charset=utf-8',
    ]);
    const { html, script } = readPageFiles();
    expect(html).not.toMatch(/<style|style=|<script(?![^>]*src=)|\son\w+=/);
    expect(script).not.toMatch(/innerHTML|insertAdjacentHTML|\beval\(|new Function/);
  });

  it('have the colours of the tray, in light and in dark', () => {
    const { styles } = readPageFiles();
    const compact = (text: string) => text.replace(/\s/g, '');
    const colours = [...CSS.matchAll(/--_([\w-]+): var\(--inloop-[\w-]+, (light-dark\(.*\))\);/g)];
    expect(colours.length).toBeGreaterThanOrEqual(10);
    const missing = colours.filter(([, name, value]) => !compact(styles).includes(compact(`--${name}:${value}`)));
    expect(missing.map(([all]) => all)).toEqual([]);
  });

  it('are not sent again while they are the same', async () => {
    const etag = (await get('/page.js')).headers.get('etag') ?? '';
    expect((await get('/page.js', { headers: { 'if-none-match': etag, 'cache-control': 'max-age=0' } })).status).toBe(
      304,
    );
  });

  it('are below an address that ends with a slash, also behind a proxy that hides part of it', async () => {
    const { status, headers } = await get('?view=tasks');
    expect([status, headers.get('location')]).toEqual([308, './operator/?view=tasks']);
    expect((await get('/?view=tasks')).status).toBe(200);
  });
});
