// Each script runs against a plain Soketi and against one with our preload, and must see the same. Intended differences
// (statuses of errors, hostile frames, our settings) are tested in soketi/hardening/.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createPusherApp } from '../../../soketi/pusher-app.ts';
import { event, expectSame, KINDS, MEMBER } from '../../support/bus/soketi/soketi-pair.ts';
import {
  collectWebhooks,
  type ScriptedSoketi,
  type SoketiKind,
  startScripted,
} from '../../support/bus/soketi/soketi-script.ts';
import { eventually } from '../../support/eventually.ts';

describe('one Soketi', () => {
  const settings = {
    DEFAULT_APP_ENABLE_CLIENT_MESSAGES: 'true',
    DEFAULT_APP_MAX_CONNECTIONS: '40',
    PRESENCE_MAX_MEMBER_SIZE: '2',
    PRESENCE_MAX_MEMBERS: '3',
    // Soketi's own limits instead of those of hosted Pusher, which our settings have.
    EVENT_MAX_SIZE_IN_KB: null,
    EVENT_MAX_BATCH_SIZE: null,
    EVENT_MAX_CHANNELS_AT_ONCE: null,
    EVENT_MAX_NAME_LENGTH: null,
    CHANNEL_LIMITS_MAX_NAME_LENGTH: null,
  };
  const parts = {} as Record<SoketiKind, ScriptedSoketi>;
  beforeAll(async () => {
    await Promise.all(KINDS.map(async (kind) => Object.assign(parts, { [kind]: await startScripted(kind, settings) })));
  }, 60_000);
  afterAll(() => Promise.all(KINDS.map((kind) => parts[kind]?.stop())));

  const same = (script: (soketi: ScriptedSoketi) => Promise<unknown>) => expectSame(parts, script);

  it.each([
    'room',
    'private-room',
    'private-encrypted-room',
    'presence-room',
    'cache-room',
    'private-cache-room',
    'private-encrypted-cache-room',
    'presence-cache-room',
    'a'.repeat(200),
    'a'.repeat(201),
    'with space',
    'with=@,.;_-all',
  ])('subscribes to %s', async (channel) => {
    await same(async (soketi) => {
      const client = await soketi.open();
      const answer = await client.enter(channel, channel.startsWith('presence-') ? MEMBER : undefined);
      const sent = await soketi.call('POST', '/events', event({ channel: channel.slice(0, 200).replace(' ', '_') }));
      client.send('pusher:unsubscribe', { channel });
      const seen = await client.seen();
      client.socket.close();
      return { answer, seen, sent: sent.status };
    });
  });

  it.each(['cache-late', 'private-cache-late', 'private-encrypted-cache-late', 'presence-cache-late'])(
    'gives the last event of %s to those who come later, and again to those who come back',
    async (channel) => {
      const seen = await same(async (soketi) => {
        const member = channel.startsWith('presence-') ? MEMBER : undefined;
        const first = await soketi.open();
        await first.enter(channel, member);
        await first.next(0, (message) => message.event === 'pusher:cache_miss', 'a cache miss');
        for (const n of [1, 2]) await soketi.call('POST', '/events', event({ channel, data: `{"n":${n}}` }));
        first.send('pusher:unsubscribe', { channel });
        const before = (await first.seen(0)).length;
        await first.enter(channel, member);
        await eventually(() => first.socket.messages.filter(({ event }) => event === 'news').length === 3);
        const again = (await first.seen(0)).slice(before);
        first.socket.close();
        return again;
      });
      expect(JSON.stringify(seen)).toContain('{\\"n\\":2}');
    },
  );

  it('announces members to each other, and client events with their sender', async () => {
    const seen = await same(async (soketi) => {
      const [ada, bob] = [await soketi.open(), await soketi.open()];
      await ada.enter('presence-talk', { ...MEMBER });
      const joined = await bob.enter('presence-talk', { user_id: 2, user_info: {} });
      await ada.next(0, ({ event }) => event === 'pusher_internal:member_added');
      bob.send('client-typing', { at: [1, { deep: null }] }, 'presence-talk');
      const typing = await ada.next(0, ({ event }) => event === 'client-typing');
      bob.send('client-typing', {}, 'presence-elsewhere');
      bob.send('client-typing', {});
      const answers = await soketi.call('GET', '/channels/presence-talk/users');
      const count = await soketi.call('GET', '/channels/presence-talk');
      bob.socket.close();
      await ada.next(0, ({ event }) => event === 'pusher_internal:member_removed');
      const all = await ada.seen();
      ada.socket.close();
      return { joined, typing, answers, count, all };
    });
    expect(seen).toMatchObject({ typing: { user_id: 2 }, answers: { body: { users: [{ id: 'ada' }, { id: 2 }] } } });
  });

  it('sends client events on private channels to everybody else, up to the largest', async () => {
    await same(async (soketi) => {
      const [ada, bob] = [await soketi.open(), await soketi.open()];
      for (const client of [ada, bob]) await client.enter('private-pair');
      for (const size of [10, 70_000, 99_000, 120_000]) ada.send('client-note', 'é'.repeat(size / 2), 'private-pair');
      await eventually(() => bob.socket.messages.filter(({ event }) => event === 'client-note').length === 3);
      ada.send('client-'.padEnd(201, 'x'), 1, 'private-pair');
      const all = [await ada.seen(), (await bob.seen()).length, ada.socket.closed];
      for (const client of [ada, bob]) client.socket.close();
      return all;
    });
  });

  it('refuses a wrong signature, and accepts the right one afterwards', async () => {
    await same(async (soketi) => {
      const client = await soketi.open();
      const after = client.socket.messages.length;
      client.send('pusher:subscribe', { channel: 'private-x', auth: 'wrong' });
      const refused = await client.next(after, ({ event }) => event === 'pusher:subscription_error');
      const taken = await client.enter('private-x');
      client.socket.close();
      return { refused, taken };
    });
  });

  it('limits the number of members and the size of their data', async () => {
    await same(async (soketi) => {
      const clients = await Promise.all([1, 2, 3, 4].map(() => soketi.open()));
      const answers = [];
      for (const [n, client] of clients.entries())
        answers.push(await client.enter('presence-few', { user_id: `u${n}` }));
      answers.push(await clients[3]?.enter('presence-big', { user_id: 'u', user_info: 'x'.repeat(3_000) }));
      for (const client of clients) client.socket.close();
      return answers;
    });
  });

  it('lists its channels, also by prefix', async () => {
    await same(async (soketi) => {
      const client = await soketi.open();
      for (const channel of ['list-a', 'list-b', 'other']) await client.enter(channel);
      const answers = [
        await soketi.call('GET', '/channels'),
        await soketi.call('GET', '/channels/list-a'),
        await soketi.call('GET', '/channels/nobody-is-there'),
        await soketi.call('GET', '/channels/presence-nobody'),
        await soketi.call('GET', '/channels/list-a/users'),
        await soketi.call('GET', '/channels/presence-nobody/users'),
      ];
      client.socket.close();
      await eventually(async () => expect((await soketi.call('GET', '/channels')).body).toEqual({ channels: {} }));
      return answers;
    });
  });

  it.each<[string, string, object]>([
    ['a batch', '/batch_events', { batch: [event(), event({ channel: 'other' })] }],
    ['a batch of the largest events', '/batch_events', { batch: Array(10).fill(event({ data: '"'.repeat(100_000) })) }],
    ['a batch too long', '/batch_events', { batch: Array(11).fill(event()) }],
    [
      'many channels',
      '/events',
      event({ channel: undefined, channels: Array.from({ length: 100 }, (_, n) => `c${n}`) }),
    ],
    ['too many channels', '/events', event({ channels: Array.from({ length: 101 }, (_, n) => `c${n}`) })],
    ['the largest event', '/events', event({ data: 'x'.repeat(100 * 1024) })],
    ['an event too large', '/events', event({ data: 'x'.repeat(100 * 1024 + 1) })],
    ['the longest name', '/events', event({ name: 'n'.repeat(200) })],
    ['a name too long', '/events', event({ name: 'n'.repeat(201) })],
    ['a channel of 200 characters', '/events', event({ channel: 'c'.repeat(200) })],
    ['no name', '/events', event({ name: undefined })],
    ['no data', '/events', event({ data: undefined })],
    ['the end of connections of an unknown user', '/users/nobody/terminate_connections', {}],
  ])('answers %s', async (_what, path, body) => {
    await same(async (soketi) => {
      const client = await soketi.open();
      await client.enter('room');
      const { status } = await soketi.call('POST', path, body);
      const events = (await client.seen()).length;
      client.socket.close();
      return { status, events };
    });
  });

  it('does not send an event to the connection that it names as its sender', async () => {
    await same(async (soketi) => {
      const [ada, bob] = [await soketi.open(), await soketi.open()];
      for (const client of [ada, bob]) await client.enter('room');
      await soketi.call('POST', '/events', event({ socket_id: ada.id }));
      await bob.next(0, ({ event }) => event === 'news');
      const all = [await ada.seen(), await bob.seen()];
      for (const client of [ada, bob]) client.socket.close();
      return all;
    });
  });

  it('answers pings, does not answer pongs, and refuses connections over the limit', async () => {
    await same(async (soketi) => {
      const one = await soketi.open();
      one.send('pusher:pong', {});
      // `seen` sends a ping, waits for its answer, and returns what else has come: nothing, if the pong above gets no answer.
      const quiet = await one.seen();
      const others = await Promise.all(Array.from({ length: 39 }, () => soketi.open()));
      const answer = await soketi.open().then(
        () => 'let in',
        () => 'refused',
      );
      for (const client of [one, ...others]) client.socket.close();
      return { quiet, answer };
    });
  }, 30_000);
});

describe('users, webhooks and rates', () => {
  const parts = {} as Record<
    SoketiKind,
    { soketi: ScriptedSoketi; hooks: Awaited<ReturnType<typeof collectWebhooks>> }
  >;
  beforeAll(async () => {
    await Promise.all(
      KINDS.map(async (kind) => {
        const app = createPusherApp();
        const hooks = await collectWebhooks(app);
        const event_types = ['channel_occupied', 'channel_vacated', 'member_added', 'member_removed'];
        const webhooks = [{ url: hooks.url, event_types: [...event_types, 'client_event', 'cache_miss'] }];
        const settings = {
          DEFAULT_APP_ENABLE_CLIENT_MESSAGES: 'true',
          DEFAULT_APP_USER_AUTHENTICATION: 'true',
          DEFAULT_APP_MAX_BACKEND_EVENTS_PER_SEC: '20',
          DEFAULT_APP_MAX_CLIENT_EVENTS_PER_SEC: '5',
          DEFAULT_APP_MAX_READ_REQ_PER_SEC: '30',
          DEFAULT_APP_WEBHOOKS: JSON.stringify(webhooks),
          WEBHOOKS_BATCHING: 'true',
        };
        Object.assign(parts, { [kind]: { soketi: await startScripted(kind, settings, app), hooks } });
      }),
    );
  }, 60_000);
  afterAll(async () => {
    for (const kind of KINDS) {
      await parts[kind]?.soketi.stop();
      await parts[kind]?.hooks.close();
    }
  });

  it('sign in, and can be disconnected by the server', async () => {
    const seen = await expectSame(parts, async ({ soketi }) => {
      const [ada, bob, eve] = [await soketi.open(), await soketi.open(), await soketi.open()];
      ada.signIn({ id: 'ada', user_info: { name: 'Ada' } });
      const signedIn = await ada.next(0, ({ event }) => event === 'pusher:signin_success');
      bob.signIn({ id: 7 });
      await bob.next(0, ({ event }) => event === 'pusher:signin_success');
      eve.signIn({ id: 'ada' }, 'wrong');
      await eventually(() => eve.socket.closed);
      const { status } = await soketi.call('POST', '/users/ada/terminate_connections', {});
      await eventually(() => ada.socket.closed);
      const all = {
        signedIn,
        status,
        ada: ada.socket.messages.slice(1),
        eve: eve.socket.messages.slice(1),
        bob: await bob.seen(),
      };
      bob.socket.close();
      return all;
    });
    expect(JSON.stringify(seen)).toContain('4009');
  });

  it('report channels, members, client events and cache misses', async () => {
    const seen = await expectSame(parts, async ({ soketi, hooks }) => {
      const heard = () => hooks.events.filter((hook) => JSON.stringify(hook).includes('hooked'));
      const until = async (name: string) =>
        eventually(() => heard().some((hook) => JSON.stringify(hook).includes(`"${name}"`)), { that: name });
      const [ada, bob] = [await soketi.open(), await soketi.open()];
      await ada.enter('presence-cache-hooked', MEMBER);
      await until('cache_miss');
      await bob.enter('presence-cache-hooked', { user_id: 'bob' });
      ada.send('client-wave', { n: 1 }, 'presence-cache-hooked');
      await until('client_event');
      for (const client of [ada, bob]) client.socket.close();
      await until('channel_vacated');
      await eventually(() => heard().filter((hook) => JSON.stringify(hook).includes('member_removed')).length === 2);
      return heard()
        .map((hook) => JSON.stringify({ ...hook, socket_id: undefined }))
        .sort();
    });
    // The channel is occupied and vacated; each client misses the cache, is added and is removed; one sends an event.
    expect(seen).toHaveLength(2 + 2 * 3 + 1);
  });

  it('are limited in the number of events a second', async () => {
    const seen = await expectSame(parts, async ({ soketi }) => {
      const [ada, bob] = [await soketi.open(), await soketi.open()];
      for (const client of [ada, bob]) await client.enter('private-fast');
      for (let n = 0; n < 8; n++) ada.send('client-fast', n, 'private-fast');
      const limited = (await ada.seen()).filter((message) => JSON.stringify(message).includes('4301')).length;
      const statuses = [];
      for (let n = 0; n < 25; n++) statuses.push((await soketi.call('POST', '/events', event())).status);
      for (let n = 0; n < 35; n++) statuses.push((await soketi.call('GET', '/channels')).status);
      for (const client of [ada, bob]) client.socket.close();
      // The number of accepted events depends on when in a second the test starts.
      return { isLimited: limited > 0, statuses: [...new Set(statuses)].sort() };
    });
    expect(seen).toEqual({ isLimited: true, statuses: [200, 429] });
  });
});
