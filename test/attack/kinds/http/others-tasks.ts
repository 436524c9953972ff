// Reading and changing another user's tasks: by id, through lists, and through downloads.
import fc from 'fast-check';
import { channelOf } from '../../../../core/channel.ts';
import { fileForm, jsonBody } from '../../http.ts';
import type { Kind, Tally } from '../../kind.ts';
import type { World } from '../../world.ts';

/** User names that some layer could mistake for `ada`, for nobody, or for everybody. */
const ALMOST_ADA = [
  'Ada',
  'ADA',
  'ada ',
  ' ada',
  'ada\n',
  'ada\u0000',
  'ada\u200b',
  'a\u0301da',
  '\u0430da',
  'ada,bob',
  'ada;bob',
  '=61da',
  '%61da',
  'ada=',
  'ada*',
  '*',
  '?',
  '[a]da',
  '../ada',
  'ada/../ada',
  'ada:active',
  'active:ada',
  '__proto__',
  'constructor',
  'toString',
  'null',
  'undefined',
  'NaN',
  '0',
  'true',
  '{}',
  "' or '1'='1",
  'ada'.repeat(60),
  '=sha256-',
  'user-ada',
  '\ud83d\ude00',
  'x'.repeat(1_024),
];

export const othersTasks: Kind = {
  name: "others' tasks and files",
  why: "to read another user's tasks, and to change them",
  success: "anything but a 404 (or 401, 400) for another's id, or another's id in one's own list",
  async run(world, tally) {
    const { app, isShort } = world;
    const secret = 'what only ada knows';
    const own = await app.start('ada', 'wait', { title: secret });
    const done = await app.finished('ada', (await app.start('ada', 'weigh', { bytes: 100 })).id);
    const strangers: (string | null)[] = [
      null,
      'bob',
      ...ALMOST_ADA,
      ...fc.sample(fc.string({ unit: 'binary' }), isShort ? 20 : 150),
    ];
    for (const user of strangers) {
      if (user === 'ada' || user === '') continue;
      const tries = [own.id, done.id].flatMap((id) => [
        app.call(user, `/tasks/${id}`),
        app.call(user, `/tasks/${id}`, { headers: { 'if-none-match': '"1"', prefer: 'wait=1' } }),
        app.call(user, `/tasks/${id}/cancel`, { method: 'POST' }),
        app.call(user, `/tasks/${id}/retry`, { method: 'POST' }),
        app.call(user, `/tasks/${id}`, { method: 'DELETE' }),
      ]);
      for (const { status } of await Promise.all(tries)) {
        tally.attempt(`a task of ada's as ${JSON.stringify(user)}: ${status}`, ![400, 401, 404].includes(status));
      }
      const listed = await app.call(user, '/tasks?state=all&limit=100');
      tally.attempt(`a list as ${JSON.stringify(user)}`, listed.body.includes(own.id) || listed.body.includes(secret));
      await app.call(user, '/tasks/seen', jsonBody({ ids: [own.id, done.id] }));
      for (const body of [{ ids: [own.id, done.id] }, {}]) await app.call(user, '/tasks/clear', jsonBody(body));
      const from = await app.call(user, `/tasks?cursor=ffffffff-ffff-7fff-bfff-ffffffffffff`);
      tally.attempt(`a list from a made-up cursor as ${JSON.stringify(user)}`, from.body.includes(own.id));
      const told = listed.headers['inloop-channel'];
      tally.attempt(`an answer for another channel: ${told}`, told === channelOf('ada'));
    }
    const left = JSON.parse((await app.call('ada', `/tasks/${done.id}`)).body) as { seenAt: unknown };
    tally.attempt('others marked an outcome of ada as seen', left.seenAt !== null);
    const open = JSON.parse((await app.call('ada', `/tasks/${own.id}`)).body) as { status: string };
    tally.attempt(`others changed a task of ada: ${open.status}`, open.status !== 'queued');
    compareChannels(isShort, tally);
    await tryDownloads(world, tally);
  },
};

/** Two owners with the same channel would get each other's events. */
function compareChannels(isShort: boolean, tally: Tally): void {
  const names = fc.sample(fc.string({ unit: 'binary', minLength: 1, maxLength: 80 }), isShort ? 2_000 : 60_000);
  const channels = new Map<string, string>();
  for (const owner of [...names, ...ALMOST_ADA]) {
    const channel = channelOf(owner);
    const first = channels.get(channel) ?? owner;
    channels.set(channel, owner);
    tally.attempt(`${JSON.stringify(first)} and ${JSON.stringify(owner)} share ${channel}`, first !== owner);
  }
}

/** Downloads of ada as bob and as nobody; files beside the downloads, and the list of contacts, as bob. */
async function tryDownloads({ demo }: World, tally: Tally): Promise<void> {
  const ada = await demo.signIn('ada');
  const bob = await demo.signIn('bob');
  const upload = await demo.call(
    ada,
    '/imports',
    fileForm('friends.csv', 'email,name\nzoe@example.org,Zoe\nbroken,Bad\n'),
  );
  const report = await demo.call(ada, '/reports', { method: 'POST' });
  const ids = [upload, report].map(({ body }) => (JSON.parse(body) as { id: string }).id);
  for (const id of ids) await demo.call(ada, `/tasks/${id}`, { headers: { prefer: 'wait=10' }, limit: 15_000 });
  for (const id of ids) {
    for (const path of [`/imports/${id}/rejects`, `/reports/${id}/file`, `/tasks/${id}`]) {
      for (const [who, cookie] of [
        ['bob', bob],
        ['nobody', null],
      ] as const) {
        const { status } = await demo.call(cookie, path);
        tally.attempt(`${path} of ada as ${who}: ${status}`, ![401, 404].includes(status));
      }
    }
  }
  for (const path of ['..%2f..%2fcredentials.json', '%2e%2e%2fdemo.db', '..%5cdemo.db', 'a%00']) {
    for (const route of [`/imports/${path}/rejects`, `/reports/${path}/file`, `/${path}`, `/samples/${path}`]) {
      const { status } = await demo.call(bob, route);
      tally.attempt(`a file beside the downloads: ${route}: ${status}`, status < 400);
    }
  }
  const { body } = await demo.call(bob, '/contacts');
  tally.attempt('contacts of ada as bob', body.includes('zoe@example.org'));
}
