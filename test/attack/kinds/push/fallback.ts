// The HTTP fallback: taking over another user's session by its URL, and opening more sessions than allowed.
import { type IncomingMessage, request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { Kind, Tally } from '../../kind.ts';
import type { World } from '../../world.ts';

/** An open stream, and what it has received. */
interface Stream {
  readonly status: number;
  text(): string;
  isOver(): boolean;
  close(): void;
}

export const fallback: Kind = {
  name: 'sessions of the HTTP transport',
  why: "another user's live updates, or no room for anybody else",
  success: "another's session read, ended or spoken in by its URL; more sessions than an address may have",
  async run(world, tally) {
    const base = `/pusher/app/${world.demo.credentials.app.key}`;
    await stealSessions(world, base, tally);
    await tryRefused(world, base, tally);
    await floodSessions(world, base, tally);
  },
};

/** Opens a stream. Resolves when its status is known: 0 when no answer came. */
function open({ demo }: World, path: string, headers: Record<string, string>): Promise<Stream> {
  return new Promise((resolve) => {
    let text = '';
    let isOver = false;
    const sent = request(demo.url + path, { method: 'POST', headers, agent: false, timeout: 5_000 });
    const done = (status: number) =>
      resolve({ status, text: () => text, isOver: () => isOver, close: () => sent.destroy() });
    sent.on('response', (response: IncomingMessage) => {
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('error', () => {});
      response.on('close', () => {
        isOver = true;
      });
      done(response.statusCode ?? 0);
    });
    sent.on('timeout', () => sent.destroy());
    sent.on('error', () => done(0));
    sent.end();
  });
}

/** Waits until `isSo` answers true, for at most 5 s. */
async function until(isSo: () => boolean): Promise<void> {
  for (let n = 0; n < 250 && !isSo(); n++) await pause(20);
}

/** Tries to read, use and end sessions of others, whose URLs are known. */
async function stealSessions(world: World, base: string, tally: Tally): Promise<void> {
  const { demo, isShort } = world;
  for (let n = 0; n < (isShort ? 2 : 10); n++) {
    const path = `${base}/${n}/victim${String(n).padStart(2, '0')}`;
    const victim = await open(world, `${path}/xhr_streaming?protocol=7`, {});
    await until(() => victim.text().includes('connection_established'));
    for (const verb of ['xhr_streaming', 'xhr'] as const) {
      for (const headers of [
        {},
        { cookie: 'inloop_fallback=' },
        { cookie: 'inloop_fallback=x' },
        { 'user-agent': 'other' },
      ]) {
        const thief = await open(world, `${path}/${verb}?protocol=7`, headers);
        const ping = JSON.stringify([JSON.stringify({ event: 'pusher:ping', data: {} })]);
        const spoken = await demo.call(null, `${path}/xhr_send`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
          body: ping,
        });
        await pause(30);
        // `a[` begins a line of messages.
        const what = `${verb} with ${JSON.stringify(headers)}`;
        tally.attempt(`${what} read: ${thief.status}`, thief.text().includes('a['));
        tally.attempt(`${what} spoke: ${spoken.status}`, spoken.status < 400);
        tally.attempt(`${what} ended it`, victim.isOver());
        thief.close();
      }
    }
    victim.close();
  }
}

/** Paths that are no sessions, and pages of other sites. */
async function tryRefused({ demo }: World, base: string, tally: Tally): Promise<void> {
  for (const path of [
    '0/../../../session/xhr',
    '0/abcdefgh/xhr_streaming/',
    '0/%2e%2e%2f%2e/xhr',
    '1000000/abcdefgh/xhr',
    '0/abc/xhr',
  ]) {
    const { status } = await demo.call(null, `${base}/${path}`, { method: 'POST', limit: 2_000 });
    tally.attempt(`${path}: ${status}`, status < 400);
  }
  for (const origin of ['null', 'http://evil.example', 'http://127.0.0.1:1']) {
    for (const site of ['cross-site', 'same-site', undefined]) {
      const headers = { origin, ...(site === undefined ? {} : { 'sec-fetch-site': site }) };
      const { status } = await demo.call(null, `${base}/5/foreign0/xhr`, { method: 'POST', headers, limit: 2_000 });
      tally.attempt(`a page of ${origin}, ${site}: ${status}`, status !== 403);
    }
  }
}

/** Opens more sessions than one address may have. */
async function floodSessions(world: World, base: string, tally: Tally): Promise<void> {
  const { isShort } = world;
  // One address may have 200 sessions. The demo trusts no proxy here, so X-Forwarded-For must be ignored.
  const many = isShort ? 210 : 260;
  const streams: Stream[] = [];
  for (let from = 0; from < many; from += 20) {
    const some = Array.from({ length: 20 }, (_, n) => {
      const forwarded = (from + n) % 5 === 0 ? `${'9'.repeat(8_000)}${from + n}` : `10.1.${from}.${n}`;
      return open(world, `${base}/${from + n}/flood${String(from + n).padStart(3, '0')}/xhr_streaming?protocol=7`, {
        'x-forwarded-for': forwarded,
        forwarded: `for=${forwarded.slice(0, 20)}`,
      });
    });
    streams.push(...(await Promise.all(some)));
  }
  const taken = streams.filter(({ status }) => status === 200);
  for (const [index, { status }] of streams.entries())
    tally.attempt(`session ${index + 1} of one address: ${status}`, taken.indexOf(streams[index] as Stream) >= 200);
  for (const stream of streams) stream.close();
}
