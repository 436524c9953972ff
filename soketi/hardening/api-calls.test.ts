// Who may call the API, and how it answers: signatures, their age, true statuses, open connections.
import { Agent, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Answer, SoketiWithBystander } from '../../test/support/bus/soketi/soketi-with-bystander.ts';
import { signPusherCall } from '../pusher-app.ts';

let target: SoketiWithBystander;
beforeAll(async () => {
  target = await SoketiWithBystander.start();
}, 30_000);
afterAll(() => target.stop());

const event = (over: object): string => JSON.stringify({ name: 'n', channel: 'room', data: '{}', ...over });

describe('an API call that is not ours', () => {
  const body = event({});
  it.each<[name: string, path: () => string, status: number]>([
    ['an unsigned call', () => `/apps/${target.soketi.pusher.appId}/events`, 401],
    [
      'a wrong signature',
      () => signPusherCall({ ...target.soketi.pusher, secret: 'wrong' }, 'POST', '/events', body),
      401,
    ],
    ['a signature over another body', () => signPusherCall(target.soketi.pusher, 'POST', '/events', '{}'), 401],
    [
      'a signature given twice',
      () => `${signPusherCall(target.soketi.pusher, 'POST', '/events', body)}&auth_signature=x`,
      401,
    ],
    [
      'a query that does not decode',
      () => `/apps/${target.soketi.pusher.appId}/events?auth_signature=%E0%A4%A&%=%`,
      401,
    ],
    [
      'a query of prototype names',
      () => `/apps/${target.soketi.pusher.appId}/events?__proto__=1&constructor=2&toString`,
      401,
    ],
    [
      'an unknown application',
      () => signPusherCall({ ...target.soketi.pusher, appId: 'x' }, 'POST', '/events', body),
      404,
    ],
    ['an application named __proto__', () => '/apps/__proto__/events', 404],
    ['an unknown path', () => '/nowhere', 404],
  ])('%s gets its true status and harms nobody', async (_name, path, status) => {
    expect((await target.send('POST', path(), body)).status).toBe(status);
    await target.expectEventsToFlow();
  });

  it('a caller that hangs up in the middle of its body harms nobody', async () => {
    const path = signPusherCall(target.soketi.pusher, 'POST', '/events', body);
    for (let n = 0; n < 20; n++) {
      const sent = request({
        host: '127.0.0.1',
        port: target.soketi.pusher.port,
        method: 'POST',
        path,
        headers: { 'content-length': 999 },
      });
      sent.on('error', () => {});
      await new Promise((resolve) => sent.write('{"name":', resolve));
      sent.destroy();
    }
    await target.expectEventsToFlow();
  });
});

describe('a signature', () => {
  /** A signed call whose time is `seconds` ahead of now. */
  const callAt = async (seconds: number): Promise<Answer> => {
    const real = Date.now;
    Date.now = () => real() + seconds * 1_000;
    const path = signPusherCall(target.soketi.pusher, 'GET', '/channels');
    Date.now = real;
    return target.send('GET', path);
  };

  it.each([-605, 605, -86_400, 1e9])('of %i s from now is refused, as hosted Pusher does', async (seconds) => {
    const { status, body } = await callAt(seconds);
    expect([status, body]).toEqual([401, expect.stringContaining('Timestamp expired')]);
  });

  it.each([-590, 0, 590])('of %i s from now is answered', async (seconds) => {
    expect((await callAt(seconds)).status).toBe(200);
  });
});

describe('the API', () => {
  it('keeps a connection open over good and bad calls', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const sockets = new Set<unknown>();
    agent.on('free', (socket) => sockets.add(socket));
    for (let n = 0; n < 5; n++) {
      expect((await target.call('POST', '/events', event({}), agent)).status).toBe(200);
      expect((await target.call('POST', '/events', '{}', agent)).status).toBe(400);
      expect((await target.call('GET', '/channels/room', undefined, agent)).status).toBe(200);
    }
    expect(sockets.size).toBe(1);
    agent.destroy();
  });
});
