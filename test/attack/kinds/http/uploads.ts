// Files made to cost much memory or time before they are refused.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileForm } from '../../http.ts';
import type { Kind, Tally } from '../../kind.ts';
import { memoryOf, type World } from '../../world.ts';

/** The longest time until a file is refused, in ms. */
const MAX_MS = 4_000;
/** How much memory the server or the worker may take for one file. */
const MAX_GROWTH_BYTES = 150_000_000;

export const uploads: Kind = {
  name: 'hostile uploads',
  why: 'a server and a worker without memory, or a disk that is full',
  success: 'a file that is taken, costs more than 4 s or 150 MB, or leaves something behind',
  async run(world, tally) {
    const cookie = await world.demo.signIn('peggy');
    await tryFiles(world, cookie, tally);
    await tryNames(world, cookie, tally);
    await disconnect(world, cookie, tally);
    const left = leftBehind(world.demo.stack.dir);
    tally.attempt(`left behind: ${left.join(', ')}`, left.length > 0);
  },
};

/** Files of so many bytes that are cheap to send, by what they are. */
function hostileFiles(bytes: number): Record<string, Buffer> {
  const fill = (head: string, text: string): Buffer => {
    const whole = Buffer.alloc(bytes, text);
    whole.write(head);
    return whole;
  };
  return {
    commas: fill('email,name\n', ','),
    'commas below a row': fill('email,name\na@example.org,A\n', ','),
    quotes: fill('email,name\n', '"'),
    'quotes and commas': fill('email\n', '"",'),
    'one quote and one line': fill('email,name\n"', 'x'),
    'one line': fill('email', 'x'),
    'one line below a row': fill('email\na@example.org\n', 'x'),
    'a million columns': fill('email,', 'c,'),
    'blank lines': fill('email\n', '\n'),
    'lines of a comma': fill('email,name\n', ',\n'),
    'carriage returns': fill('email\n', '\r'),
    NULs: fill('email\n', '\0'),
    'NULs below a row': fill('email\na@example.org\n', '\0'),
    'bytes that are no text': fill('email\n', '\xff'),
  };
}

/** Uploads each file, and measures what it costs. */
async function tryFiles({ demo, isShort }: World, cookie: string, tally: Tally): Promise<void> {
  const files = Object.entries(hostileFiles((isShort ? 10 : 49) * 1_000_000));
  for (const [what, content] of files.filter((_, n) => !isShort || n % 3 === 0)) {
    const services = demo.stack.services();
    const pids = [services.server?.pid ?? 0, services.worker?.pid ?? 0];
    const before = await Promise.all(pids.map(memoryOf));
    const { status, ms, body } = await demo.call(cookie, '/imports', {
      ...fileForm('big.csv', content),
      limit: 15_000,
    });
    const after = await Promise.all(pids.map(memoryOf));
    const growth = Math.max(...after.map((size, index) => size - (before[index] ?? 0)));
    tally.attempt(`${what}: ${status}`, status < 400 || status >= 500);
    tally.attempt(`${what}: ${Math.round(ms)} ms`, ms > MAX_MS);
    tally.attempt(`${what}: ${Math.round(growth / 1e6)} MB`, growth > MAX_GROWTH_BYTES);
    if (status === 202)
      await demo.call(cookie, `/tasks/${(JSON.parse(body) as { id: string }).id}/cancel`, { method: 'POST' });
  }
}

const HOSTILE_NAMES = [
  '../../../etc/x.csv',
  '..\\..\\x.csv',
  'a\u0000.csv',
  '.',
  '',
  'x'.repeat(5_000),
  'CON',
  '%2e%2e%2fx.csv',
  '\u202egpj.csv',
];

/** Uploads a harmless file under each name. */
async function tryNames({ demo }: World, cookie: string, tally: Tally): Promise<void> {
  for (const name of HOSTILE_NAMES) {
    const { status, body } = await demo.call(cookie, '/imports', fileForm(name, 'email\na@example.org\n'));
    const { title = '' } = JSON.parse(body || '{}') as { title?: string };
    tally.attempt(
      `a file named ${JSON.stringify(name.slice(0, 40))}: ${status} ${title}`,
      status >= 500 || /[/\\\p{Cc}\u202e]/u.test(title) || title.length > 200,
    );
  }
}

/** Forty uploads at the same time that disconnect in the middle. */
async function disconnect({ demo }: World, cookie: string, tally: Tally): Promise<void> {
  const half = fileForm('half.csv', 'email,name\na@example.org,A\n'.repeat(20_000));
  const headers = { ...half.headers, 'content-length': '6000000' };
  const many = Array.from({ length: 40 }, () => demo.call(cookie, '/imports', { ...half, headers, limit: 1_000 }));
  const held = (await Promise.all(many)).filter(({ status }) => status !== 429).length;
  // The demo takes 10 files of a user at once. When some have been cut off, it may take others, so up to 20 are no success.
  tally.attempt(`${held} uploads of one user were on their way at once`, held > 20);
  await pause(1_000);
}

/** Files of refused uploads that are still on disk. */
function leftBehind(folder: string): string[] {
  return readdirSync(join(folder, 'data', 'uploads')).filter((name) => name.endsWith('.part'));
}
