// A page of another site, or of another port of the same host, uses the visitor's cookie. Every combination of the headers
// with which browsers name the source of a request, on every route that changes something.
import { type Call, fileForm, jsonBody } from '../../http.ts';
import type { Kind, Tally } from '../../kind.ts';
import type { World } from '../../world.ts';

const SITES = [undefined, 'same-origin', 'same-site', 'cross-site', 'none', 'junk', ''];
const ID = '01890000-0000-7000-8000-000000000000';

const CSV = fileForm('contacts.csv', 'email\na@example.org\n');
/** A request that a form of another site can send: it needs no preflight. */
const SIMPLE: Call = { headers: { 'content-type': 'text/plain' }, body: '{"name":"wait","input":{"title":"x"}}' };
const FORM: Call = {
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body: 'socket_id=1.1&channel_name=private-user-ivan',
};
/** Every route that changes something. */
const ROUTES: readonly (readonly [site: 'demo' | 'app', method: string, path: string, call: Call])[] = [
  ['app', 'POST', '/tasks', jsonBody({ name: 'wait', input: { title: 'x' } })],
  ['app', 'POST', '/tasks', SIMPLE],
  ['app', 'POST', `/tasks/${ID}/cancel`, {}],
  ['app', 'POST', `/tasks/${ID}/retry`, {}],
  ['app', 'POST', '/tasks/seen', jsonBody({ ids: [ID] })],
  ['app', 'POST', '/tasks/clear', {}],
  ['app', 'POST', '/tasks/auth', FORM],
  ['app', 'DELETE', `/tasks/${ID}`, {}],
  ['app', 'PUT', `/tasks/${ID}`, {}],
  ['app', 'PATCH', '/tasks', {}],
  ['demo', 'POST', '/imports', CSV],
  ['demo', 'POST', '/IMPORTS/', CSV],
  ['demo', 'POST', '/reports', {}],
  ['demo', 'POST', '/Reports/?_method=GET', { headers: { 'x-http-method-override': 'GET' } }],
  ['demo', 'POST', '/session', jsonBody({ user: 'mallory' })],
  ['demo', 'DELETE', '/session', {}],
  ['demo', 'POST', '/trouble', jsonBody({ kind: 'drop-connection' })],
  ['demo', 'DELETE', '/trouble', {}],
  ['demo', 'POST', `/tasks/${ID}/cancel`, {}],
  ['demo', 'POST', '/tasks/seen', jsonBody({ ids: [ID] })],
  ['demo', 'POST', '/tasks/auth', FORM],
];

export const crossSite: Kind = {
  name: 'requests from pages of other sites',
  why: 'acts in the name of whoever is signed in in that browser, and a look at what is theirs',
  success: 'anything but 403 for a change from a page that is not our own; CORS headers for such a page',
  async run(world, tally) {
    const { demo } = world;
    const cookie = await demo.signIn('ivan');
    await tryChanges(world, cookie, tally);
    await tryReads(world, cookie, tally);
    const { status } = await demo.call(cookie, '/session');
    tally.attempt('another page signed ivan out', status !== 200);
  },
};

/** Changes on every route, from every origin, with every `Sec-Fetch-Site`. */
async function tryChanges({ demo, app, isShort }: World, cookie: string, tally: Tally): Promise<void> {
  for (const [site, method, path, call] of ROUTES) {
    const own = { demo, app }[site].url;
    const origins = originsFor(own);
    for (const origin of isShort ? origins.slice(0, 8) : origins) {
      for (const fetchSite of SITES) {
        const headers: Record<string, string> = { ...call.headers };
        if (fetchSite !== undefined) headers['sec-fetch-site'] = fetchSite;
        if (origin !== undefined) headers.origin = origin;
        // These are allowed: a browser that says same-origin, an old browser with our origin, a client that is no browser.
        if (fetchSite === 'same-origin' || (fetchSite === undefined && (origin === undefined || origin === own)))
          continue;
        const asked = { ...call, method, headers };
        const answer = site === 'demo' ? await demo.call(cookie, path, asked) : await app.call('ivan', path, asked);
        const what = `${method} ${path} (${site}) from ${origin ?? 'no origin'}, ${fetchSite ?? 'no site'}`;
        tally.attempt(`${what}: ${answer.status}`, answer.status !== 403);
        tally.attempt(`${what} may read`, answer.headers['access-control-allow-origin'] !== undefined);
      }
    }
  }
}

/** What `Origin` may say to a server at `own`: first none and its own, then others and what looks like its own. */
function originsFor(own: string): (string | undefined)[] {
  const { port } = new URL(own);
  return [
    undefined,
    own,
    'null',
    '',
    'http://evil.example',
    `https://127.0.0.1:${port}`,
    'http://127.0.0.1:1',
    'http://127.0.0.1',
    `http://localhost:${port}`,
    `http://sub.127.0.0.1:${port}`,
    `${own}.evil.example`,
    `${own}/`,
    `http://evil.example@127.0.0.1:${port}`,
    `file://`,
    `${own}, http://evil.example`,
    own.toUpperCase(),
  ];
}

/** Reads and preflights from other origins: no CORS header may let their pages read the answers. */
async function tryReads({ demo }: World, cookie: string, tally: Tally): Promise<void> {
  for (const path of ['/tasks', '/tasks/connection', '/tasks/auth', '/contacts', '/session', '/imports']) {
    for (const origin of ['null', 'http://evil.example', 'http://127.0.0.1:1']) {
      const preflight = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' };
      for (const method of ['GET', 'HEAD', 'OPTIONS']) {
        const { headers } = await demo.call(cookie, path, {
          method,
          headers: { origin, 'sec-fetch-site': 'cross-site', ...preflight },
        });
        const isOpen =
          headers['access-control-allow-origin'] !== undefined ||
          headers['access-control-allow-credentials'] !== undefined;
        tally.attempt(`${method} ${path} may be read from ${origin}`, isOpen);
      }
    }
  }
}
