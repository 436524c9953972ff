// Session cookies that are forged, altered, expired, or copied before their user signed out.
import { createHmac } from 'node:crypto';
import { jsonBody } from '../../http.ts';
import type { Kind } from '../../kind.ts';

const ROUTES = ['/tasks', '/contacts', '/tasks/connection'];

export const cookies: Kind = {
  name: 'forged and copied cookies',
  why: "another user's session",
  success: 'an answer below 400 to a cookie that is not, or no longer, of a session',
  async run({ demo }, tally) {
    // The value of a cookie is `s:<session id>.<signature>`.
    const cookie = await demo.signIn('ada');
    const [name = '', value = ''] = cookie.split(/=(.*)/s);
    const [content = '', signature = ''] = decodeURIComponent(value)
      .replace(/^s:/, '')
      .split(/\.(.*)/s);
    const pack = (it: unknown): string => Buffer.from(JSON.stringify(it)).toString('base64url');
    const sign = (text: string, secret: string): string =>
      `s:${text}.${createHmac('sha256', secret).update(text).digest('base64').replace(/=+$/, '')}`;
    const claim = { user: 'ada', until: Date.now() + 1e9 };
    const secret = demo.credentials.sessionSecret;
    const forged: Record<string, string> = {
      'without a signature': content,
      'with an empty signature': `s:${content}.`,
      "with another's signature": `s:${pack({ ...claim, user: 'root' })}.${signature}`,
      'cut by a character': `s:${content}.${signature.slice(0, -1)}`,
      'signed with nothing': sign(pack(claim), ''),
      'signed with a placeholder': sign(pack(claim), 'change-me'),
      'as plain JSON': `j:${JSON.stringify(claim)}`,
      'as the name alone': 'ada',
      'signed twice': `s:s:${content}.${signature}.${signature}`,
      // Signed with the right secret. The demo never signs a user or an end, only session ids, so it must refuse these.
      expired: sign(pack({ user: 'ada', until: Date.now() - 1 }), secret),
      'without an end': sign(pack({ user: 'ada' }), secret),
      'with an end in text': sign(pack({ user: 'ada', until: '9e99' }), secret),
      'with a list of users': sign(pack({ ...claim, user: ['ada'] }), secret),
      'of nobody': sign(pack({ ...claim, user: null }), secret),
      'signed but not JSON': sign('{', secret),
    };
    for (const [what, text] of Object.entries(forged)) {
      for (const route of ROUTES) {
        const { status } = await demo.call(`${name}=${encodeURIComponent(text)}`, route);
        tally.attempt(`a cookie ${what} on ${route}: ${status}`, status < 400);
      }
    }
    for (const user of ['', ' ', null, 5, ['ada'], { toString: 'ada' }, 'x'.repeat(101), '\ud800', undefined]) {
      const { status } = await demo.call(null, '/session', jsonBody({ user }));
      tally.attempt(`signing in as ${JSON.stringify(user)}: ${status}`, status < 400);
    }
    // Session fixation: Mallory gives Ada a cookie, and she signs in with it. The cookie must not become her session.
    const given = await demo.signIn('mallory');
    await demo.call(given, '/session', jsonBody({ user: 'ada' }));
    const whose = await demo.call(given, '/session');
    tally.attempt('a cookie that was given to a user before they signed in', whose.body.includes('ada'));
    // Ada has two browsers. Signing out in one ends that session only, and with it every copy of its cookie.
    const other = await demo.signIn('ada');
    await demo.call(cookie, '/session', { method: 'DELETE' });
    for (const route of ROUTES) {
      const { status } = await demo.call(cookie, route);
      tally.attempt(`a cookie copied before its user signed out, on ${route}: ${status}`, status < 400);
    }
    const act = await demo.call(cookie, '/reports', { method: 'POST' });
    tally.attempt(`a report with a cookie copied before its user signed out: ${act.status}`, act.status < 400);
    await demo.call(other, '/session', { method: 'DELETE' });
  },
};
