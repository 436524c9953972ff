// A release of a small package in a repository of its own, with the real git and npm.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { REPOSITORY } from '../../dev/paths.ts';
import { makeRelease, type ReleaseOptions } from '../../dev/release/release.ts';
import { cleanBill, makeBill } from '../../dev/release/sbom.ts';

let folder: string;
let root: string;
let out: string;

const git = (...args: string[]): string => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
const read = (...path: string[]): string => readFileSync(join(...path), 'utf8');
function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}
/** A script of package.json that leaves a note of having run. */
const note = (name: string) =>
  `node -e "fs.appendFileSync('${join(folder, 'ran').replaceAll('\\', '/')}', '${name} ')"`;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'inloop-release-test-'));
  root = join(folder, 'repository');
  out = join(folder, 'out');
  const scripts = {
    check: note('check'),
    test: note('test'),
    prepack: note('prepack'),
    'release:store': "node -e \"fs.writeFileSync('store-' + process.argv[1] + '.json', '{}')\"",
  };
  write('package.json', JSON.stringify({ name: 'small', version: '0.1.0', scripts, files: ['core'] }));
  write(
    'package-lock.json',
    JSON.stringify({
      name: 'small',
      version: '0.1.0',
      lockfileVersion: 3,
      packages: { '': { name: 'small', version: '0.1.0' } },
    }),
  );
  write('core/version.ts', "export const VERSION = '0.1.0';\n");
  write('docs/api/small.txt', 'export declare function start(): void;\n\nexport declare function stop(): void;\n');
  write('CHANGELOG.md', '# Changelog\n\n## Unreleased\n\n- It starts and stops.\n\n## 0.1.0\n\n- It starts.\n');
  write('.gitignore', 'node_modules/\n');
  write('node_modules/.package-lock.json', '{"packages":{}}');
  git('init', '--quiet', '--initial-branch', 'main');
  git('config', 'user.name', 'Ada');
  git('config', 'user.email', 'ada@example.org');
  git('add', '.');
  git('commit', '--quiet', '--message', 'Begin');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const release = (version: string, over: Partial<ReleaseOptions> = {}) =>
  makeRelease({
    ...{
      root,
      out,
      version,
      date: '2026-11-28',
      isDryRun: false,
      isTested: false,
      say: () => undefined,
    },
    ...over,
  });

it('a dry run writes to its folder only', () => {
  const before = git('rev-parse', 'HEAD');
  const { files } = release('1.0.0-beta.1', { isDryRun: true, isTested: true });
  expect(read(folder, 'ran')).toBe('check prepack ');
  expect(readdirSync(out)).toEqual([...files].sort());
  expect(files).toContain('small-1.0.0-beta.1.tgz');
  expect([git('rev-parse', 'HEAD'), git('tag'), git('status', '--porcelain')]).toEqual([before, '', '']);
  expect(read(root, 'package.json')).toContain('"0.1.0"');
}, 60_000);

it('a release checks, tests, writes the version, commits and tags, and leaves the files to publish', () => {
  git('tag', 'v0.1.0');
  write('docs/api/small.txt', 'export declare function start(): void;\n\nexport declare function wait(): void;\n');
  git('commit', '--quiet', '--all', '--message', 'Wait');
  const { tag, tarball, files, broken } = release('0.2.0');
  expect(read(folder, 'ran')).toBe('check test prepack ');
  expect([tag, tarball, broken]).toEqual(['v0.2.0', 'small-0.2.0.tgz', ['-export declare function stop(): void;']]);
  expect(readdirSync(out)).toEqual([...files].sort());
  expect(read(out, 'NOTES.md')).toBe('- It starts and stops.\n');
  expect(JSON.parse(read(out, 'small-0.2.0.cdx.json'))).toMatchObject({
    bomFormat: 'CycloneDX',
    metadata: { component: { name: 'small', version: '0.2.0' } },
  });
  for (const line of read(out, 'SHA256SUMS').trim().split('\n')) {
    const [sum, file = ''] = line.split('  ');
    expect(
      createHash('sha256')
        .update(readFileSync(join(out, file)))
        .digest('hex'),
    ).toBe(sum);
  }
  expect(git('log', '-1', '--format=%s by %an', 'v0.2.0')).toBe('Version 0.2.0 by Ada');
  expect([git('rev-parse', 'v0.2.0^{}'), git('status', '--porcelain')]).toEqual([git('rev-parse', 'HEAD'), '']);
  for (const file of ['package.json', 'package-lock.json']) {
    expect(JSON.parse(read(root, file))).toMatchObject({ version: '0.2.0' });
  }
  expect(read(root, 'core', 'version.ts')).toBe("export const VERSION = '0.2.0';\n");
  expect(readdirSync(root)).toContain('store-0.2.0.json');
  expect(read(root, 'CHANGELOG.md')).toBe(
    '# Changelog\n\n## Unreleased\n\n## 0.2.0 (2026-11-28)\n\n- It starts and stops.\n\n## 0.1.0\n\n- It starts.\n',
  );
}, 60_000);

it.each<[string, object, boolean]>([
  ['says that "repository" is missing, which provenance needs', {}, true],
  [
    'says nothing of it if it is there',
    { repository: { type: 'git', url: 'git+https://example.org/small.git' } },
    false,
  ],
])(
  'a release %s',
  (_what, fields, isTold) => {
    const manifest = JSON.parse(read(root, 'package.json')) as object;
    write('package.json', JSON.stringify({ ...manifest, publishConfig: { provenance: true }, ...fields }));
    git('commit', '--quiet', '--all', '--message', 'Publish with provenance');
    const lines: string[] = [];
    const { unpublishable } = release('0.2.0', { isDryRun: true, isTested: true, say: (line) => lines.push(line) });
    expect(unpublishable !== null).toBe(isTold);
    expect(lines[0]).toMatch(isTold ? /no "repository".*npm pkg set repository/ : /^types/);
  },
  60_000,
);

describe('nothing is released', () => {
  const commitChange = (path: string, from: RegExp, to: string): void => {
    write(path, read(root, path).replace(from, to));
    git('commit', '--quiet', '--all', '--message', 'Change');
  };

  it.each<[string, string, RegExp, () => unknown]>([
    ['while a file is not committed', '0.2.0', /differ from it:\n.*new\.txt/, () => write('new.txt', '')],
    ['under a version that is none', 'next', /"next" is no version/, () => undefined],
    ['under an older version', '0.0.9', /0\.0\.9 is older than 0\.1\.0/, () => undefined],
    ['under the pre-release of the version that there is', '0.1.0-rc.1', /0\.1\.0-rc\.1 is older/, () => undefined],
    ['twice', '0.2.0', /there is a tag v0\.2\.0/, () => git('tag', 'v0.2.0')],
    [
      'without a word about what has changed',
      '0.2.0',
      /nothing under "Unreleased"/,
      () => commitChange('CHANGELOG.md', /- It starts and stops\.\n/, ''),
    ],
    [
      'if a check fails',
      '0.2.0',
      /npm run check --silent failed/,
      () => commitChange('package.json', /"check":/, '"check":"exit 3","unused":'),
    ],
  ])('%s', (_what, version, message, prepare) => {
    prepare();
    expect(() => release(version)).toThrow(message);
    expect(git('log', '--format=%s', '--grep', '^Version')).toBe('');
    expect(readdirSync(folder)).not.toContain('out');
  });
});

it('the SBOM names all that is installed with inloop, and nothing that differs between machines', () => {
  const bill = makeBill(REPOSITORY);
  const { dependencies } = JSON.parse(read(REPOSITORY, 'package.json')) as { dependencies: object };
  const { components } = JSON.parse(bill) as { components: { name: string }[] };
  const names = components.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining([...Object.keys(dependencies), 'node-fetch']));
  expect(names).not.toContain('jest');
  expect(bill).not.toMatch(/"distribution"|\.tgz|timestamp|serialNumber/);
  const elsewhere = JSON.parse(bill) as { metadata: object; components: unknown[]; serialNumber: string };
  elsewhere.serialNumber = 'urn:uuid:0';
  Object.assign(elsewhere.metadata, { timestamp: '2030-01-01T00:00:00.000Z', tools: [{ version: '12' }] });
  elsewhere.components.reverse();
  expect(cleanBill(JSON.stringify(elsewhere), 'inloop')).toBe(bill);
}, 60_000);
