// Attempts to enter a channel of another user, with unusual channel names and socket ids.
import fc from 'fast-check';
import type { Kind, Tally } from '../../kind.ts';
import type { World } from '../../world.ts';

const OWN = 'private-user-ada';
/** A form with these fields, in this order; a name may come more than once. */
const form = (fields: readonly (readonly [string, string])[]): string =>
  fields.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&');

/** The body with which pusher-js asks to enter a channel. */
const request = (socket: string, channel: string): string =>
  form([
    ['socket_id', socket],
    ['channel_name', channel],
  ]);

/** Names that a careless check (prefix, upper case, pattern) would take for the user's own channel. */
const ODD_NAMES = [
  'private-user-bob',
  'private-user-ada ',
  ' private-user-ada',
  'private-user-ada\n',
  'private-user-ada\u0000',
  'Private-user-ada',
  'private-user-adaa',
  'private-user-ad',
  'private-user-',
  'private-user-=61da',
  'private-ada',
  'presence-user-ada',
  'presence-room',
  'private-encrypted-user-ada',
  'private-cache-user-ada',
  'user-ada',
  'room',
  '#server-to-user-ada',
  '#private-user-ada',
  '',
  '*',
  'private-user-*',
  '__proto__',
  'private-user-ada,private-user-bob',
  'private-user-ada:private-user-bob',
  'private-user-\u0430da',
  'x'.repeat(60_000),
];
const ODD_IDS = [
  '',
  '1',
  '1.',
  '.1',
  '1.1.1',
  '1.1:private-user-bob',
  '1.1:presence-x',
  '1.1\n',
  '\n1.1',
  '-1.1',
  '1e3.1',
  ' 1.1',
  '1,1',
  '１.１',
  '0x1.1',
  '1.1::user::{"id":"bob"}',
  'null',
  'undefined',
  '[object Object]',
  '1.1\u0000',
  '1.1 ',
];

export const channelAuthorization: Kind = {
  name: 'channel authorization',
  why: "a signature that opens another user's channel",
  success: 'anything but a refusal, unless it is for one’s own channel and a socket id',
  async run(world, tally) {
    await tryNames(world, tally);
    await trySockets(world, tally);
    await tryFields(world, tally);
    // The same request must succeed as ada, and fail without a user.
    const good = await ask(world, request('1.1', OWN));
    if (good.status !== 200) throw new Error(`one's own channel was answered with ${good.status}`);
    const nobody = await ask(world, request('1.1', OWN), null);
    tally.attempt(`as nobody: ${nobody.status}`, nobody.status < 400);
  },
};

/** Other channels than ada's own. */
async function tryNames(world: World, tally: Tally): Promise<void> {
  const { isShort } = world;
  const names = fc.sample(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.string({ maxLength: 20 }).map((end) => OWN + end),
      fc.string({ maxLength: 20 }).map((start) => start + OWN),
      fc
        .constantFrom('private-', 'presence-', 'private-encrypted-', 'private-user-')
        .chain((prefix) => fc.string().map((end) => prefix + end)),
    ),
    isShort ? 200 : 4_000,
  );
  const pool = [...ODD_NAMES, ...names].filter((name) => name !== OWN);
  for (let from = 0; from < pool.length; from += 40) {
    const some = pool.slice(from, from + 40);
    const answers = await Promise.all(some.map((name) => ask(world, request('1.1', name))));
    for (const [index, { status }] of answers.entries()) {
      tally.attempt(`into ${JSON.stringify(some[index]?.slice(0, 60))}: ${status}`, status < 400 || status >= 500);
    }
  }
}

/** Texts that are no ids of a socket. */
async function trySockets(world: World, tally: Tally): Promise<void> {
  const { isShort } = world;
  const ids = fc.sample(fc.string({ unit: 'binary', maxLength: 30 }), isShort ? 50 : 500);
  for (const id of [...ODD_IDS, ...ids].filter((text) => !/^\d+\.\d+$/.test(text))) {
    const { status } = await ask(world, request(id, OWN));
    tally.attempt(`as socket ${JSON.stringify(id)}: ${status}`, status < 400 || status >= 500);
  }
}

/** Forms whose fields are there twice, as lists, or not at all. */
async function tryFields(world: World, tally: Tally): Promise<void> {
  const twice: Record<string, string> = {
    'two channels': form([
      ['socket_id', '1.1'],
      ['channel_name', OWN],
      ['channel_name', 'private-user-bob'],
    ]),
    'a list of channels': form([
      ['socket_id', '1.1'],
      ['channel_name[]', 'private-user-bob'],
      ['channel_name[]', OWN],
    ]),
    'two sockets': form([
      ['socket_id', '1.1'],
      ['socket_id', '2.2'],
      ['channel_name', OWN],
    ]),
    'fields of a prototype': form([
      ['__proto__[socket_id]', '1.1'],
      ['__proto__[channel_name]', OWN],
    ]),
    nothing: '',
    '2,000 fields': form(Array.from({ length: 2_000 }, (_, n) => [`f${n}`, 'x'] as const)),
  };
  for (const [what, body] of Object.entries(twice)) {
    const { status } = await ask(world, body);
    tally.attempt(`with ${what}: ${status}`, status < 400 || status >= 500);
  }
}

/** Asks for the authorization of a channel, as ada or as `user` (null: nobody). */
function ask({ app }: World, body: string, user: string | null = 'ada') {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return app.call(user, '/tasks/auth', { method: 'POST', headers, body });
}
