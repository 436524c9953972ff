// Request bodies that are deeply nested, huge, compressed, junk, or never end.
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { type Call, jsonBody } from '../../http.ts';
import type { Kind, Tally } from '../../kind.ts';
import { memoryOf, type World } from '../../world.ts';

/** The longest answer that is no success of the attacker: as long as the largest body that the server accepts. */
const MAX_ANSWER_BYTES = 65_536;
/** The longest time until an answer that is no success of the attacker, in ms. */
const MAX_ANSWER_MS = 2_000;
/** Most memory that all held connections may cost. */
const MAX_GROWTH_BYTES = 60_000_000;

export const bodies: Kind = {
  name: 'deep, huge, junk and slow bodies',
  why: 'a server that does nothing but read and answer them',
  success:
    'a body that is taken, answered with 5xx, late or with more than 64 KiB; memory or connections held for long',
  async run(world, tally) {
    await tryBodies(world, tally);
    await tryHeaders(world, tally);
    await holdConnections(world, tally);
    const alive = await world.app.start('nina', 'wait', { title: 'afterwards' });
    tally.attempt('afterwards nobody can start a task', alive.status !== 'queued');
  },
};

/** Requests with hostile bodies, by what they are. */
function hostileCalls(): Record<string, Call> {
  const deep = (depth: number, open = '[', close = ']'): string => open.repeat(depth) + close.repeat(depth);
  const task = (input: string): string => `{"name":"wait","input":${input}}`;
  const manyFaults = task(`{"title":"x","numbers":[${Array.from({ length: 13_000 }, () => '"a"').join(',')}]}`);
  const longPath = task(`{"title":{"${'k'.repeat(60_000)}":1}}`);
  const text = (body: string | Uint8Array, type = 'application/json', more: Record<string, string> = {}): Call => ({
    method: 'POST',
    headers: { 'content-type': type, ...more },
    body,
  });
  return {
    'nested 6,000 deep': text(task(deep(6_000))),
    'nested 30,000 deep': text(task(deep(30_000))),
    'objects nested 6,000 deep': text(task(`{"title":${deep(6_000, '{"a":', '}').replace('}', '1}')}}`)),
    'nested 6,000 deep as ids': text(`{"ids":${deep(6_000)}}`),
    'brackets that never close': text('['.repeat(60_000)),
    '13,000 faults': text(manyFaults),
    'a fault with a long name': text(longPath),
    'a name that is long': text(`{"name":"${'n'.repeat(60_000)}","input":{}}`),
    '10 MB': text(task(`"${'x'.repeat(10_000_000)}"`)),
    '50 MB compressed to 50 KB': text(gzipSync(Buffer.alloc(50_000_000, 32)), 'application/json', {
      'content-encoding': 'gzip',
    }),
    'an unknown encoding': text('{}', 'application/json', { 'content-encoding': 'junk' }),
    'junk that is called gzip': text('{}', 'application/json', { 'content-encoding': 'gzip' }),
    'an unknown charset': text('{}', 'application/json; charset=junk'),
    'no JSON': text('{"name":'),
    'bytes that are not UTF-8': text(Uint8Array.of(0x7b, 0xff, 0x7d)),
    'a form': text('name=wait&input=x', 'application/x-www-form-urlencoded'),
    'a name of a prototype': jsonBody({ name: '__proto__', input: {} }),
    'a name of an object': jsonBody({ name: { toString: 1 }, input: {} }),
    'a prototype as input': text('{"name":"wait","input":{"__proto__":{"title":"x"}}}'),
    'no input': jsonBody({ name: 'wait' }),
    'an input of 66,000 bytes': jsonBody({ name: 'wait', input: { title: 'x'.repeat(66_000) } }),
    'too many ids': jsonBody({ ids: Array.from({ length: 5_000 }, () => '01890000-0000-7000-8000-000000000000') }),
    'ids that are not ids': jsonBody({ ids: ['*', null, {}, '../x', '__proto__'] }),
    'ids in an object': jsonBody({ ids: { length: 1 } }),
  };
}

/** Every hostile body to every route that reads one. `/other/inbox` is the same router, mounted a second time (app.ts). */
async function tryBodies({ app }: World, tally: Tally): Promise<void> {
  for (const [what, call] of Object.entries(hostileCalls())) {
    for (const path of ['/tasks', '/tasks/seen', '/tasks/auth', '/tasks/webhook', '/other/inbox']) {
      const { status, body, ms } = await app.call('nina', path, call);
      // Cutting the connection is an answer too: the server refused the rest of the body.
      const isRefused = status === 0 || (status >= 400 && status < 500);
      tally.attempt(`${what} to ${path}: ${status}`, !isRefused);
      tally.attempt(`${what} to ${path}: an answer of ${body.length} bytes`, body.length > MAX_ANSWER_BYTES);
      tally.attempt(`${what} to ${path}: ${Math.round(ms)} ms`, ms > MAX_ANSWER_MS);
    }
  }
}

/** Headers that are long, by what they are. */
const LONG_HEADERS: Readonly<Record<string, Record<string, string>>> = {
  'wait without end': { prefer: `wait=${'9'.repeat(14_000)}` },
  '7,000 preferences': { prefer: 'w,'.repeat(7_000) },
  'spaces in a preference': { prefer: `wait${' '.repeat(14_000)}=x` },
  '3,500 tags': { 'if-none-match': '"1",'.repeat(3_500) },
  'a tag that never ends': { 'if-none-match': `W/${'W/'.repeat(7_000)}` },
  'cookies without names': { cookie: '=;'.repeat(7_000) },
  'one type of many parameters': { 'content-type': `application/json${';a=b'.repeat(3_500)}` },
  'a type that is quoted': { 'content-type': `application/json;a="${'\\'.repeat(7_000)}` },
  'an owner of 10,000 characters': { 'x-user': 'n'.repeat(10_000) },
  'an owner that does not decode': { 'x-user': '%E0%A4%A' },
  'a key of 10,000 characters': { 'idempotency-key': 'k'.repeat(10_000) },
  'an origin of 14,000 characters': { origin: `http://${'a.'.repeat(7_000)}` },
};

/** Every long header with GET and POST, both with a body. */
async function tryHeaders({ app }: World, tally: Tally): Promise<void> {
  for (const [what, headers] of Object.entries(LONG_HEADERS)) {
    for (const method of ['GET', 'POST']) {
      const { status, ms } = await app.call('nina', '/tasks', {
        ...jsonBody({ name: 'none' }),
        method,
        headers: { 'content-type': 'application/json', ...headers },
      });
      // `identify` of the app throws at an owner that does not decode, and an app that throws answers 500.
      tally.attempt(`${what} with ${method}: ${status}`, status >= 500 && what !== 'an owner that does not decode');
      tally.attempt(`${what} with ${method}: ${Math.round(ms)} ms`, ms > MAX_ANSWER_MS);
    }
  }
}

/**
 * Opens connections that announce a body and do not send all of it: half send one byte, half all but the last byte. Except in the
 * short form, each then sends a byte every half second, which completes the bodies of the second half.
 */
async function holdConnections({ app, isShort }: World, tally: Tally): Promise<void> {
  const before = await memoryOf(app.pid);
  const { port } = new URL(app.url);
  const held: { socket: Socket; isOver: boolean; what: string }[] = [];
  for (let n = 0; n < (isShort ? 20 : 300); n++) {
    const path = ['/tasks/webhook', '/tasks', '/tasks/seen', '/tasks/auth', '/tasks/nowhere'][n % 5];
    const size = path === '/tasks' ? 60_000 : 250_000;
    const socket = connect({ host: '127.0.0.1', port: Number(port) });
    const one = { socket, isOver: false, what: `a body that never ends to ${path}` };
    socket
      .on('error', () => {})
      .on('close', () => {
        one.isOver = true;
      })
      .resume();
    socket.write(
      `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nx-user: nina\r\ncontent-type: application/json\r\n` +
        `content-length: ${size}\r\n\r\n${'['.repeat(n % 2 === 0 ? 1 : size - 1)}`,
    );
    held.push(one);
  }
  // A body may take 10 s. The server has 5 s more to cut the connection.
  const deadline = performance.now() + 15_000;
  await pause(1_000);
  const growth = (await memoryOf(app.pid)) - before;
  tally.attempt(`${held.length} held connections cost ${Math.round(growth / 1e6)} MB`, growth > MAX_GROWTH_BYTES);
  while (!isShort && performance.now() < deadline && held.some(({ isOver }) => !isOver)) {
    // A client that sends one byte now and then must not keep its connection for longer.
    for (const { socket, isOver } of held) if (!isOver) socket.write('[');
    await pause(500);
  }
  for (const { socket, isOver, what } of held) {
    if (!isShort) tally.attempt(`${what} is held for more than 15 s`, !isOver);
    socket.destroy();
  }
}
