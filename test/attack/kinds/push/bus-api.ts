// Calls to the bus's HTTP API: from strangers without the secret, and signed ones of a harmful shape.
import { createHash, createHmac } from 'node:crypto';
import { HOSTILE_FRAMES } from '../../../support/bus/hostile-frames.ts';
import type { Kind, Tally } from '../../kind.ts';
import type { World } from '../../world.ts';
import { openPage } from './follower.ts';

const EVENT = JSON.stringify({ name: 'forged', channel: 'private-user-grace', data: '{}' });

export const busApi: Kind = {
  name: 'calls to the API of the bus',
  why: "events in the server's name on any user's page, or no bus for anybody",
  success: 'an unsigned, wrongly signed or old call that is taken; a body that is taken, not answered, or ends the bus',
  async run(world, tally) {
    const { demo } = world;
    const pid = demo.stack.services().soketi?.pid;
    const page = await openPage(world, 'grace');
    const api = apiOf(world);
    await tryStrangers(world, api, tally);
    await tryBodies(api, tally);
    tally.attempt(
      'a forged event arrived',
      page.socket.messages.some(({ event }) => event === 'forged'),
    );
    tally.attempt('afterwards a page hears nothing', !(await page.hearsOfNewTask()));
    tally.attempt('the bus ended', demo.stack.services().soketi?.pid !== pid);
    page.socket.close();
  },
};

type Api = ReturnType<typeof apiOf>;

/** How an attacker calls the API of the bus. */
function apiOf({ http, demo }: World) {
  const { app } = demo.credentials;
  const base = `http://127.0.0.1:${demo.stack.services().soketi?.port}`;
  return {
    base,
    root: `/apps/${app.appId}`,
    now: Math.floor(Date.now() / 1_000),
    /** The path of a signed call. `path` begins below `root`; `at` is in seconds since 1970. */
    sign(path: string, body: string | Uint8Array, at: number | string, secret = app.secret): string {
      const full = `/apps/${app.appId}${path}`;
      const md5 = createHash('md5').update(body).digest('hex');
      const query = `auth_key=${app.key}&auth_timestamp=${at}&auth_version=1.0&body_md5=${md5}`;
      const signature = createHmac('sha256', secret).update(`POST\n${full}\n${query}`).digest('hex');
      return `${full}?${query}&auth_signature=${signature}`;
    },
    post: (path: string, body: string | Uint8Array) =>
      http.send(base + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body }),
  };
}

/** Calls without the secret, or with a signature that is not valid now. */
async function tryStrangers({ http }: World, { base, root, now, sign, post }: Api, tally: Tally): Promise<void> {
  const calls: Record<string, string> = {
    'without a signature': `${root}/events`,
    'with an empty signature': sign('/events', EVENT, now).replace(/[0-9a-f]{64}$/, ''),
    'with another secret': sign('/events', EVENT, now, 'secret-change-me'),
    'with no secret': sign('/events', EVENT, now, ''),
    'signed over another body': sign('/events', '{}', now),
    'signed for another path': sign('/batch_events', EVENT, now).replace('batch_events', 'events'),
    'with two signatures': `${sign('/events', EVENT, now, 'x')}&auth_signature=y`,
    'without a version': sign('/events', EVENT, now).replace('&auth_version=1.0', ''),
    'signed 601 s ago': sign('/events', EVENT, now - 601),
    'signed 601 s ahead': sign('/events', EVENT, now + 601),
    'signed in 1970': sign('/events', EVENT, 0),
    'signed at no time': sign('/events', EVENT, 'NaN'),
    'signed at an endless time': sign('/events', EVENT, 'Infinity'),
    'signed at an empty time': sign('/events', EVENT, ''),
  };
  for (const [what, path] of Object.entries(calls)) {
    const { status } = await post(path, EVENT);
    tally.attempt(`a call ${what}: ${status}`, status === 0 || status < 400 || status >= 500);
  }
  for (const path of ['/accept-traffic', '/usage', '/metrics', `${root}/channels`, '/apps/__proto__/channels']) {
    const { status } = await http.send(base + path);
    tally.attempt(`GET ${path} as a stranger: ${status}`, status < 400);
  }
}

/** Bodies of a harmful shape, correctly signed. */
async function tryBodies({ now, sign, post }: Api, tally: Tally): Promise<void> {
  for (const [name, content] of HOSTILE_FRAMES) {
    const body = typeof content === 'string' ? content : JSON.stringify(content);
    for (const path of ['/events', '/batch_events']) {
      const { status } = await post(sign(path, body, now), body);
      tally.attempt(`${name} to ${path}: ${status}`, status === 0 || status < 400 || status >= 500);
    }
  }
  // A body of about 2 MB more than allowed (1 MiB): it must be refused or cut off.
  const { status } = await post(sign('/events', 'x', now), 'x'.repeat(3_000_000));
  tally.attempt(`a body of 3 MB: ${status}`, status >= 200 && status < 400);
}
