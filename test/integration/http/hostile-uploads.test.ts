// Uploads to the demo's server that no user would send. Each is refused at once and costs the process little memory. The server
// runs in a process of its own, because the peak of a process's memory never goes down.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Child, startChild, waitUntilReady } from '../../../cli/processes/child.ts';
import { claimPort } from '../../../cli/processes/ports.ts';
import { REPOSITORY } from '../../../dev/paths.ts';
import { cpuSecondsOf } from '../../support/cpu-time.ts';
import { inDist } from '../../support/dist.ts';
import { eventually } from '../../support/eventually.ts';
import { startBus, type TestBus } from '../../support/parts.ts';

const MB = 1_000_000;
let bus: TestBus;
let server: Child;
let dir: string;
let url: string;
let cookie: string;
/** Peak memory of the server before the first of these files, in MB. */
let peakBefore: number;

beforeAll(async () => {
  bus = await startBus();
  dir = await mkdtemp(join(tmpdir(), 'inloop-hostile-'));
  const { port } = await claimPort();
  url = `http://127.0.0.1:${port}`;
  server = await startChild({
    file: process.execPath,
    args: [inDist('demo/server.js')],
    env: { ...process.env, ...bus.env, DATA_DIR: dir, PORT: String(port), SESSION_SECRET: 'a secret of these tests' },
    cwd: REPOSITORY,
  });
  await waitUntilReady('The server', server, async () => (await fetch(`${url}/readyz`)).ok);
  const signedIn = await fetch(`${url}/session`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: '{"user":"ada"}',
  });
  peakBefore = peakMemory();
  cookie = (signedIn.headers.get('set-cookie') ?? '').split(';')[0] as string;
}, 60_000);

afterAll(async () => {
  await server?.stop();
  await bus?.stop();
  rmSync(dir, { recursive: true, force: true });
}, 30_000);

/** Peak memory of the server's process, in MB; 0 on systems that do not tell it. */
function peakMemory(): number {
  if (process.platform !== 'linux') return 0;
  const kb = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1];
  return (Number(kb) * 1024) / MB;
}

async function upload(content: Buffer): Promise<Response> {
  const form = new FormData();
  form.append('file', new Blob([new Uint8Array(content)]), 'people.csv');
  return fetch(`${url}/imports`, { method: 'POST', body: form, headers: { cookie } });
}

const file = (...parts: readonly string[]) => Buffer.from(parts.join(''));
const HEADER = 'name,email\n';

it.each<[string, () => Buffer, number, string]>([
  ['commas', () => Buffer.alloc(49 * MB, ','), 422, 'too_many_columns'],
  ['semicolons', () => Buffer.alloc(49 * MB, ';'), 422, 'too_many_columns'],
  ['commas below a good header', () => file(HEADER, ','.repeat(49 * MB)), 422, 'too_many_columns'],
  ['quotation marks', () => Buffer.alloc(49 * MB, '"'), 422, 'broken_csv'],
  ['quotation marks below a good header', () => file(HEADER, '"'.repeat(49 * MB)), 422, 'broken_csv'],
  ['one line', () => Buffer.alloc(49 * MB, 'x'), 422, 'broken_csv'],
  ['a million columns', () => file('email', ',c'.repeat(MB), '\n', 'a@b.co\n'), 422, 'too_many_columns'],
  ['a million quoted columns', () => file('email', ',"c"'.repeat(MB), '\n'), 422, 'too_many_columns'],
  ['a million blank lines', () => file('\n'.repeat(MB), HEADER, 'Ada,a@b.co\n'), 422, 'too_many_empty_lines'],
  [
    'blank lines of Windows after a row',
    () => file(HEADER, 'Ada,a@b.co\r\n', '\r\n'.repeat(MB)),
    422,
    'too_many_empty_lines',
  ],
  ['NUL bytes', () => Buffer.alloc(49 * MB), 415, 'not_csv'],
  ['a cell of 20 MB', () => file(HEADER, 'x'.repeat(20 * MB), ',a@b.co\n'), 422, 'broken_csv'],
  ['a quoted cell of 20 MB of lines', () => file(HEADER, '"', 'x\n'.repeat(10 * MB), '",a@b.co\n'), 422, 'broken_csv'],
  ['a quotation mark that is never closed', () => file(HEADER, '"', 'Ada,a@b.co\n'.repeat(4 * MB)), 422, 'broken_csv'],
  ['more rows than anybody has contacts', () => file('email\n', 'x\n'.repeat(24 * MB)), 422, 'too_many_rows'],
])(
  'a file of %s is refused at once, and nothing of it is kept',
  async (_what, make, status, code) => {
    const content = make();
    const before = cpuSecondsOf(server.pid);
    const response = await upload(content);
    expect(await response.json()).toMatchObject({ status, code });
    expect(cpuSecondsOf(server.pid) - before).toBeLessThan(2);
    expect(peakMemory() - peakBefore).toBeLessThan(150);
    await eventually(() => expect(readdirSync(join(dir, 'uploads'))).toEqual([]));
  },
  20_000,
);

describe('a file just within the limits', () => {
  it.each<[string, () => Buffer]>([
    ['999 more columns', () => file('email', ',c'.repeat(999), '\n', 'a@b.co', ',"1,2"'.repeat(999), '\n')],
    ['9,999 empty lines', () => file('\r\n'.repeat(9_999), HEADER, 'Ada,a@b.co\r\n')],
    ['a cell of 60,000 characters', () => file(HEADER, `"${'x\n'.repeat(30_000)}"`, ',a@b.co\n')],
    ['half a million rows', () => file('email\n', 'someone@example.com\n'.repeat(500_000))],
  ])(
    'of %s is taken',
    async (_what, make) => {
      expect((await upload(make())).status).toBe(202);
    },
    20_000,
  );
});
