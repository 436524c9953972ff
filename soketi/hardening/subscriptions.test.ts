// Which channels clients may enter, and how many, where Soketi serves the channels of tasks only.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RawWebSocket } from '../../test/support/bus/raw-websocket.ts';
import { startSoketi, type TestSoketi } from '../../test/support/bus/soketi/soketi.ts';
import { ScriptedClient } from '../../test/support/bus/soketi/soketi-script.ts';
import { collectWebhookNames, type WebhookNames } from '../../test/support/bus/soketi/soketi-with-bystander.ts';
import { eventually } from '../../test/support/eventually.ts';
import { signPusherCall } from '../pusher-app.ts';

describe('a Soketi for the channels of tasks', () => {
  let soketi: TestSoketi;
  let webhooks: WebhookNames;
  beforeAll(async () => {
    webhooks = await collectWebhookNames();
    soketi = await startSoketi({ webhooks: webhooks.url, tasksOnly: true });
  }, 30_000);
  afterAll(async () => {
    await soketi.stop();
    await webhooks.close();
  });
  const client = () => ScriptedClient.open(soketi.pusher.port, soketi.pusher);

  it.each([
    'room',
    'cache-room',
    'presence-room',
    'private-room',
    'private-encrypted-room',
    'private-user',
    'xprivate-user-bob',
    'user-bob',
  ])('refuses %s, even if its signature is right', async (channel) => {
    const bob = await client();
    const member = channel.startsWith('presence-') ? { user_id: 'bob' } : undefined;
    expect(await bob.enter(channel, member)).toEqual([
      'pusher:subscription_error',
      { type: 'AuthError', status: 403, error: expect.any(String) },
    ]);
    expect(await bob.enter('private-user-bob')).toEqual(['pusher_internal:subscription_succeeded', undefined]);
    expect(await bob.enter('private-encrypted-user-bob')).toEqual([
      'pusher_internal:subscription_succeeded',
      undefined,
    ]);
    bob.socket.close();
  });

  it('keeps nothing of four clients that enter made-up channels as fast as they can', async () => {
    const flooders = await Promise.all(
      [1, 2, 3, 4].map(() => RawWebSocket.open(soketi.pusher.port, soketi.pusher.key)),
    );
    webhooks.names.length = 0;
    for (let n = 0; n < 2_500; n++) {
      for (const [who, flooder] of flooders.entries()) {
        flooder.sendText({ event: 'pusher:subscribe', data: { channel: `made-up-${who}-${n}` } });
      }
    }
    const isRefused = ({ event }: { event: string }) => event === 'pusher:subscription_error';
    for (const flooder of flooders) {
      await eventually(() => flooder.messages.filter(isRefused).length === 2_500, { within: 20_000 });
    }
    const bob = await client();
    await bob.enter('private-user-flood');
    const answer = await fetch(
      `http://127.0.0.1:${soketi.pusher.port}${signPusherCall(soketi.pusher, 'GET', '/channels')}`,
    );
    expect(Object.keys(((await answer.json()) as { channels: object }).channels)).toEqual(['private-user-flood']);
    await eventually(() => webhooks.names.includes('channel_occupied private-user-flood'));
    expect(webhooks.names.filter((name) => name.includes('made-up'))).toEqual([]);
    for (const flooder of flooders) flooder.close();
    bob.socket.close();
  }, 40_000);

  it('lets a connection into a limited number of channels at once, and into one more for each that it leaves', async () => {
    const bob = await client();
    for (let n = 0; n < 30; n++) bob.ask(`private-user-${n}`);
    const told = (event: string) => bob.socket.messages.filter((message) => message.event === event);
    await eventually(() => told('pusher_internal:subscription_succeeded').length === 20);
    await eventually(() => told('pusher:subscription_error').length === 10);
    expect(told('pusher:subscription_error')[0]?.data).toMatchObject({ type: 'LimitReached', status: 4100 });
    bob.send('pusher:unsubscribe', { channel: 'private-user-3' });
    expect(await bob.enter('private-user-40')).toEqual(['pusher_internal:subscription_succeeded', undefined]);
    bob.socket.close();
  });
});
