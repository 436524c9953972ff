// Webhooks about opened and closed pages: forged by strangers, or from a bus whose clock is wrong or whose data is old.
import { createHmac } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { fileForm, jsonBody } from '../../http.ts';
import type { Kind, Tally } from '../../kind.ts';
import type { World } from '../../world.ts';
import { openPage } from './follower.ts';

const HOUR = 3_600_000;

export const webhooks: Kind = {
  name: 'forged, old, future and junk webhooks',
  why: "a user's progress silenced, or Redis filled",
  success:
    'a forged one that is accepted; junk that is not answered 4xx; a key in Redis left by one that is old, from the future or about an unknown channel; progress that is not pushed',
  async run(world, tally) {
    const page = await openPage(world, 'heidi');
    const bus = webhookSender(world);
    await tryForged(bus, tally);
    await tryJunk(bus, tally);
    await fillRedis(world, bus, tally);
    await silence(world, bus, page, tally);
    page.socket.close();
  },
};

type Page = Awaited<ReturnType<typeof openPage>>;
type Sender = ReturnType<typeof webhookSender>;

/** Sends webhooks to the demo as its bus would: with its key, and signed with its secret. */
function webhookSender({ demo }: World) {
  const { key, secret } = demo.credentials.app;
  const sign = (text: string, by = secret): string => createHmac('sha256', by).update(text).digest('hex');
  return {
    secret,
    sign,
    send: (body: string, by = secret, headers: Record<string, string> = {}) =>
      demo.call(null, '/tasks/webhook', {
        ...jsonBody(body),
        headers: {
          'content-type': 'application/json',
          'x-pusher-key': key,
          'x-pusher-signature': sign(body, by),
          ...headers,
        },
      }),
  };
}

/** The body of a webhook that tells of one event. */
const say = (name: string, channel: unknown, at: unknown): string =>
  JSON.stringify({ time_ms: at, events: [{ name, channel }] });

/** Webhooks that are not, or wrongly, signed. */
async function tryForged({ send, sign, secret }: Sender, tally: Tally): Promise<void> {
  const closed = say('channel_vacated', 'private-user-heidi', Date.now());
  const forged = [
    ['another secret', send(closed, 'wrong')],
    ['an empty secret', send(closed, '')],
    ['a placeholder', send(closed, 'secret-change-me')],
    ['no signature', send(closed, secret, { 'x-pusher-signature': '' })],
    ['another key', send(closed, secret, { 'x-pusher-key': 'other' })],
    ['no key', send(closed, secret, { 'x-pusher-key': '' })],
    ['the signature of another body', send(`${closed} `, secret, { 'x-pusher-signature': sign(closed) })],
    ['a signature of spaces', send(closed, 'wrong', { 'x-pusher-signature': ' '.repeat(64) })],
  ] as const;
  for (const [what, answer] of forged) {
    const { status } = await answer;
    tally.attempt(`signed with ${what}: ${status}`, status !== 401);
  }
}

/** Webhooks that are signed and make no sense. */
async function tryJunk({ send }: Sender, tally: Tally): Promise<void> {
  const at = Date.now();
  const junk = [
    '',
    'null',
    '[]',
    '5',
    '"x"',
    '{}',
    '{',
    '{"events":null}',
    `{"time_ms":${at},"events":null}`,
    `{"time_ms":${at},"events":{}}`,
    `{"time_ms":${at},"events":[null]}`,
    `{"time_ms":${at},"events":[5]}`,
    `{"time_ms":1e999,"events":[]}`,
    `{"time_ms":null,"events":[]}`,
    `{"time_ms":"x","events":[]}`,
    `{"events":[]}`,
  ];
  for (const body of junk) {
    const { status } = await send(body);
    tally.attempt(`signed junk ${body}: ${status}`, status < 400 || status >= 500);
  }
}

/** Webhooks about channels that no user can have, and about users who were never here: they must leave no key in Redis. */
async function fillRedis({ demo }: World, { send }: Sender, tally: Tally): Promise<void> {
  const at = Date.now();
  const name = `attack${at}`;
  const foreign = [
    name,
    `private-${name}`,
    `presence-${name}`,
    `private-user-${name}`,
    `private-encrypted-user-${name}`,
    `#${name}`,
    `private-user-${name}%`,
    `private-user-${name}=zz`,
    `private-user-${'x'.repeat(5_000)}${name}`,
  ];
  for (const channel of [...foreign, 5, null, { [name]: 1 }, [name]]) {
    for (const event of ['channel_occupied', 'channel_vacated', 'member_added', '__proto__', 'constructor']) {
      for (const time of [at, 0, at - HOUR, at + HOUR, -1, at + 0.5, '2020-01-01', 9e15])
        await send(say(event, channel, time));
    }
    const left = await demo.keysWith(name);
    tally.attempt(`keys left by webhooks about ${JSON.stringify(channel)?.slice(0, 60)}`, left.length > 0);
  }
}

/** Webhooks say that the open page of `heidi` is closed, at a wrong time. They must not stop her progress. */
async function silence(world: World, { send }: Sender, page: Page, tally: Tally): Promise<void> {
  const { demo } = world;
  const at = Date.now();
  for (const time of [at + HOUR, at + 60_000, 9e15, at - HOUR, 0]) {
    await send(say('channel_vacated', 'private-user-heidi', time));
    const rows = Array.from({ length: 60 }, (_, n) => `a${n}@example.org,A\n`).join('');
    const form = fileForm('slow.csv', `email,name\n${rows}`);
    const slow = Buffer.from(form.body as Uint8Array)
      .toString()
      .replace(
        '--attack-boundary\r\n',
        '--attack-boundary\r\nContent-Disposition: form-data; name="pace"\r\n\r\nslow\r\n--attack-boundary\r\n',
      );
    const { body } = await demo.call(page.cookie, '/imports', { ...form, body: slow });
    const { id } = JSON.parse(body) as { id: string };
    const deadline = performance.now() + 4_000;
    const hears = () =>
      page.socket.messages.some(({ event, data }) => event === 'task.running' && String(data).includes(id));
    while (!hears() && performance.now() < deadline) await pause(20);
    tally.attempt(`"closed" at ${time - at} ms from now, and no progress for 4 s`, !hears());
    await demo.call(page.cookie, `/tasks/${id}/cancel`, { method: 'POST' });
    if (world.isShort) break;
  }
}
