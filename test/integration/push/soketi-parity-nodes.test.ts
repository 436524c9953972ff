// Scripts that talk to two Soketi nodes. They must see the same with and without our preload. The nodes are joined by Redis, or
// find each other by themselves (the cluster adapter).
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findFreeUdpPort } from '../../../cli/processes/ports.ts';
import { createPusherApp } from '../../../soketi/pusher-app.ts';
import { event, expectSame, KINDS, MEMBER } from '../../support/bus/soketi/soketi-pair.ts';
import { type ScriptedSoketi, type SoketiKind, startScripted } from '../../support/bus/soketi/soketi-script.ts';
import { eventually } from '../../support/eventually.ts';
import { startRedis, type TestRedis } from '../../support/redis/redis.ts';

describe('two nodes with the Redis adapter', () => {
  let redis: TestRedis;
  const parts = {} as Record<SoketiKind, readonly [ScriptedSoketi, ScriptedSoketi]>;
  beforeAll(async () => {
    redis = await startRedis();
    await Promise.all(
      KINDS.map(async (kind) => {
        const app = createPusherApp();
        const settings = {
          ADAPTER_DRIVER: 'redis',
          CACHE_DRIVER: 'redis',
          RATE_LIMITER_DRIVER: 'redis',
          DB_REDIS_HOST: '127.0.0.1',
          DB_REDIS_PORT: String(redis.port),
          ADAPTER_REDIS_PREFIX: kind,
          DB_REDIS_KEY_PREFIX: kind,
          DEFAULT_APP_ENABLE_CLIENT_MESSAGES: 'true',
          DEFAULT_APP_USER_AUTHENTICATION: 'true',
        };
        const nodes = [await startScripted(kind, settings, app), await startScripted(kind, settings, app)];
        Object.assign(parts, { [kind]: nodes });
      }),
    );
  }, 60_000);
  afterAll(async () => {
    for (const kind of KINDS) await Promise.all((parts[kind] ?? []).map((node) => node.stop()));
    await redis.stop();
  });

  it('act as one: events, members, counts, caches and disconnecting a user work on both', async () => {
    await expectSame(parts, async ([here, there]) => {
      const ada = await here.open();
      const bob = await there.open();
      ada.signIn({ id: 'ada' });
      await ada.next(0, ({ event }) => event === 'pusher:signin_success');
      await ada.enter('presence-both', MEMBER);
      const joined = await bob.enter('presence-both', { user_id: 'bob' });
      await ada.next(0, ({ event }) => event === 'pusher_internal:member_added');
      bob.send('client-wave', 1, 'presence-both');
      await ada.next(0, ({ event }) => event === 'client-wave');
      await there.call('POST', '/events', event({ channel: 'presence-both' }));
      await ada.next(0, ({ event }) => event === 'news');
      const users = await here.call('GET', '/channels/presence-both/users');
      const channel = await here.call('GET', '/channels/presence-both');
      await here.call('POST', '/events', event({ channel: 'cache-both' }));
      await bob.enter('cache-both');
      await bob.next(0, (message) => message.channel === 'cache-both' && message.event === 'news');
      const { status } = await there.call('POST', '/users/ada/terminate_connections', {});
      await eventually(() => ada.socket.closed);
      await bob.next(0, ({ event }) => event === 'pusher_internal:member_removed');
      bob.socket.close();
      // The first message names the socket, which differs. The order of users may differ,
      // so only the length of their JSON is compared.
      return { joined, status, channel, users: JSON.stringify(users.body).length, seen: ada.socket.messages.slice(1) };
    });
  });

  it.each([
    ['leaves a channel and comes back at once', ['pusher:unsubscribe', 'pusher:subscribe'], 1],
    ['leaves, comes back and leaves', ['pusher:unsubscribe', 'pusher:subscribe', 'pusher:unsubscribe'], 0],
  ])('keep up with a client that %s', async (_what, frames, count) => {
    const seen = await expectSame(parts, async ([here]) => {
      const client = await here.open();
      await client.enter('quick');
      // Nothing waits in between, so all frames arrive before the other node has answered the first.
      for (const frame of frames) client.send(frame, { channel: 'quick' });
      await eventually(async () =>
        expect((await here.call('GET', '/channels/quick')).body).toMatchObject({ subscription_count: count }),
      );
      await here.call('POST', '/events', event({ channel: 'quick' }));
      const got = (await client.seen()).filter((message) => JSON.stringify(message).includes('news')).length;
      client.socket.close();
      return got;
    });
    expect(seen).toBe(count);
  });
});

describe('two nodes that find each other', () => {
  const parts = {} as Record<SoketiKind, readonly [ScriptedSoketi, ScriptedSoketi]>;
  beforeAll(async () => {
    for (const kind of KINDS) {
      const app = createPusherApp();
      const settings = {
        ADAPTER_DRIVER: 'cluster',
        CLUSTER_PORT: String(await findFreeUdpPort()),
        // The broadcast address of loopback, so that nothing leaves this machine.
        CLUSTER_BROADCAST_ADDRESS: '127.255.255.255',
        CLUSTER_CHECK_INTERVAL: '200',
        CLUSTER_HELLO_INTERVAL: '200',
      };
      Object.assign(parts, { [kind]: await Promise.all([1, 2].map(() => startScripted(kind, settings, app))) });
    }
  }, 60_000);
  afterAll(async () => {
    for (const kind of KINDS) await Promise.all((parts[kind] ?? []).map((node) => node.stop()));
  });

  it('(the cluster adapter) deliver what was published on the other', async () => {
    const seen = await expectSame(parts, async ([here, there]) => {
      const client = await here.open();
      await client.enter('room');
      await eventually(
        async () => {
          await there.call('POST', '/events', event());
          return client.socket.messages.some(({ event }) => event === 'news');
        },
        { within: 15_000, every: 200, that: 'news from the other node' },
      );
      client.socket.close();
      return 'handed on';
    });
    expect(seen).toBe('handed on');
  }, 30_000);
});
