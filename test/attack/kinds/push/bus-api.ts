// Calls to the bus's HTTP API: from strangers without the secret, and signed ones of a harmful shape.
import { createHash, createHmac } from 'node:crypto';
import { HOSTILE_FRAMES } from '../../../support/bus/hostile-frames.ts';
import type { Call } from '../../http.ts';
import type { Kind } from '../../kind.ts';
import { openPage } from './follower.ts';

const EVENT = JSON.stringify({ name: 'forged', channel: 'private-user-grace', data: '{}' });

export const busApi: Kind = {
  name: 'calls to the API of the bus',
  why: "events in the server's name on any user's page, or no bus for anybody",
  success: 'an unsigned, wrongly signed or old call that is taken; a body that is taken, not answered, or ends the bus',
  async run(world, tally) {
    const { http, demo } = world;
    const { app } = demo.credentials;
    const services = demo.stack.services();
    const base = `http://127.0.0.1:${services.soketi?.port}`;
    const page = await openPage(world, 'grace');
    const signed = (path: string, body: string | Uint8Array, at: number | string, secret = app.secret): string => {
      const full = `/apps/${app.appId}${path}`;
      const md5 = createHash('md5').update(body).digest('hex');
      const query = `auth_key=${app.key}&auth_timestamp=${at}&auth_version=1.0&body_md5=${md5}`;
      const signature = createHmac('sha256', secret).update(`POST\n${full}\n${query}`).digest('hex');
      return `${full}?${query}&auth_signature=${signature}`;
    };
    const post = (path: string, body: string | Uint8Array, call: Call = {}) =>
      http.send(base + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body, ...call });
    const now = Math.floor(Date.now() / 1_000);
    const strangers: Record<string, string> = {
      'without a signature': `/apps/${app.appId}/events`,
      'with an empty signature': signed('/events', EVENT, now).replace(/[0-9a-f]{64}$/, ''),
      'with another secret': signed('/events', EVENT, now, 'secret-change-me'),
      'with no secret': signed('/events', EVENT, now, ''),
      'signed over another body': signed('/events', '{}', now),
      'signed for another path': signed('/batch_events', EVENT, now).replace('batch_events', 'events'),
      'with two signatures': `${signed('/events', EVENT, now, 'x')}&auth_signature=y`,
      'without a version': signed('/events', EVENT, now).replace('&auth_version=1.0', ''),
      'signed 601 s ago': signed('/events', EVENT, now - 601),
      'signed 601 s ahead': signed('/events', EVENT, now + 601),
      'signed in 1970': signed('/events', EVENT, 0),
      'signed at no time': signed('/events', EVENT, 'NaN'),
      'signed at an endless time': signed('/events', EVENT, 'Infinity'),
      'signed at an empty time': signed('/events', EVENT, ''),
    };
    for (const [what, path] of Object.entries(strangers)) {
      const { status } = await post(path, EVENT);
      tally.attempt(`a call ${what}: ${status}`, status === 0 || status < 400 || status >= 500);
    }
    for (const path of [
      '/accept-traffic',
      '/usage',
      '/metrics',
      `/apps/${app.appId}/channels`,
      '/apps/__proto__/channels',
    ]) {
      const { status } = await http.send(base + path);
      tally.attempt(`GET ${path} as a stranger: ${status}`, status < 400);
    }
    const bodies = HOSTILE_FRAMES.map(([name, content]): [string, string] => [
      name,
      typeof content === 'string' ? content : JSON.stringify(content),
    ]);
    for (const [name, body] of bodies) {
      for (const path of ['/events', '/batch_events']) {
        const { status } = await post(signed(path, body, now), body);
        tally.attempt(`${name} to ${path}: ${status}`, status === 0 || status < 400 || status >= 500);
      }
    }
    // A body of 2 MB more than allowed: it must be answered or cut, and not be buffered.
    const { status } = await post(signed('/events', 'x', now), 'x'.repeat(3_000_000));
    tally.attempt(`a body of 3 MB: ${status}`, status >= 200 && status < 400);
    tally.attempt(
      'a forged event arrived',
      page.socket.messages.some(({ event }) => event === 'forged'),
    );
    tally.attempt('afterwards a page hears nothing', !(await page.hearsOfNewTask()));
    tally.attempt('the bus ended', demo.stack.services().soketi?.pid !== services.soketi?.pid);
    page.socket.close();
  },
};
