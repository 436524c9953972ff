// Signing in and out over HTTP, and what a session protects.
import { afterEach, describe, expect, it } from '@jest/globals';
import { type DemoApp, form, problemOf, useDemoApp } from '../../test/support/processes/demo-app.ts';

let demo: DemoApp;
useDemoApp((started) => {
  demo = started;
});
// Once the tasks of a test are done, no uploaded file is left.
afterEach(() => demo.expectNoUploads());

describe('the session', () => {
  it('signs a user in, says who is signed in, and signs the user out', async () => {
    const cookie = await demo.signIn('  Ada Ⅸ 😀 ');
    expect(await (await demo.get('/session', cookie)).json()).toEqual({ user: 'Ada Ⅸ 😀' });
    const out = await fetch(`${demo.url}/session`, { method: 'DELETE', headers: { cookie } });
    expect(out.status).toBe(204);
    expect(out.headers.get('set-cookie')).toMatch(/Expires=Thu, 01 Jan 1970/);
    expect(await (await demo.get('/session')).json()).toEqual({ user: null });
  });

  it('ends on the server when its user signs out or signs in again, so a copy of its cookie is worthless', async () => {
    const [copied, other] = [await demo.signIn('copied'), await demo.signIn('copied')];
    await fetch(`${demo.url}/session`, { method: 'DELETE', headers: { cookie: copied } });
    for (const path of ['/session', '/tasks', '/contacts', '/tasks/connection']) {
      expect(await problemOf(await demo.get(path, copied))).toMatchObject({ status: 401, code: 'bad_session' });
    }
    expect(await (await demo.get('/session', other)).json()).toEqual({ user: 'copied' });
    const headers = { 'Content-Type': 'application/json', cookie: other };
    const again = await demo.post('/session', '{"user":"somebody-else"}', headers);
    expect(again.status).toBe(200);
    expect((await demo.get('/session', other)).status).toBe(401);
  });

  it.each([
    ['another site', { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' }],
    ['another port', { Origin: 'http://127.0.0.1:1', 'Sec-Fetch-Site': 'same-site' }],
    ['an older browser on another site', { Origin: 'https://evil.example' }],
    ['a page without an origin', { Origin: 'null' }],
  ])('cannot be used from %s', async (_where, headers) => {
    const cookie = await demo.signIn('framed');
    const json = { 'Content-Type': 'application/json', cookie, ...headers };
    const calls = [
      demo.post('/imports', form('email\na@b.co\n'), { cookie, ...headers }),
      demo.post('/reports', null, { cookie, ...headers }),
      demo.post('/session', '{"user":"eve"}', json),
      fetch(`${demo.url}/session`, { method: 'DELETE', headers: { cookie, ...headers } }),
    ];
    for (const call of calls) expect(await problemOf(await call)).toMatchObject({ status: 403, code: 'cross_site' });
    expect(await (await demo.get('/session', cookie)).json()).toEqual({ user: 'framed' });
    expect(await demo.tasksOf(cookie)).toEqual([]);
  });

  it('is a cookie that scripts and other sites cannot use, and Secure if the browser uses https', async () => {
    const body = JSON.stringify({ user: 'ada' });
    const plain = await demo.post('/session', body, { 'Content-Type': 'application/json' });
    expect(plain.headers.get('set-cookie')).toMatch(/HttpOnly.*SameSite=Lax/);
    expect(plain.headers.get('set-cookie')).not.toMatch(/Secure/);
    const origin = demo.url.replace('http:', 'https:');
    const secure = await demo.post('/session', body, {
      'Content-Type': 'application/json',
      Origin: origin,
      'Sec-Fetch-Site': 'same-origin',
    });
    expect(secure.headers.get('set-cookie')).toMatch(/Secure/);
  });

  it.each([
    ['no name', '{}', 422],
    ['an empty name', '{"user":"  "}', 422],
    ['a name of another type', '{"user":1}', 422],
    ['a name that is too long', JSON.stringify({ user: 'x'.repeat(101) }), 422],
    ['half a character', '{"user":"\\ud800"}', 422],
    ['no JSON', '{user', 400],
  ])('refuses %s', async (_what, body, status) => {
    const response = await demo.post('/session', body, { 'Content-Type': 'application/json' });
    expect(response.status).toBe(status);
    await problemOf(response);
  });

  it('is refused everywhere after its cookie was changed, and can be replaced by signing in', async () => {
    const cookie = await demo.signIn();
    const [name = '', value = ''] = cookie.split('=');
    const tampered = [
      `${name}=${value.slice(0, -1)}${value.endsWith('A') ? 'B' : 'A'}`,
      `${name}=${Buffer.from('{"user":"bob","until":9999999999999}').toString('base64url')}`,
      `${name}=`,
    ];
    for (const bad of tampered) {
      for (const path of ['/session', '/tasks', '/contacts', '/tasks/connection']) {
        const response = await demo.get(path, bad);
        expect(response.status).toBe(401);
        expect(await problemOf(response)).toMatchObject({ code: 'bad_session' });
      }
      const again = await demo.post('/session', '{"user":"ada"}', { 'Content-Type': 'application/json', cookie: bad });
      expect(again.status).toBe(200);
    }
  });

  it.each(['/contacts', '/tasks', '/reports/x/file', '/imports/x/rejects'])('is required at %s', async (path) => {
    expect((await problemOf(await demo.get(path))).status).toBe(401);
  });
});
