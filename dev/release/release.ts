// Makes a release. The checks and tests run in the repository; the version, the commit, its tag and the package are made in a
// temporary clone. Only when all of them are there does the repository get the commit and the tag. So a release that fails leaves at
// most files in `out` behind. Nothing is pushed or published. For main.ts.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommandError } from '../../cli/command-error.ts';
import { type ReleasedChangelog, releaseChangelog } from './changelog.ts';
import { run } from './run.ts';
import { makeBill } from './sbom.ts';

/** What to release, and where to. */
export interface ReleaseOptions {
  /** The repository, with its packages installed. */
  readonly root: string;
  /** The new version, like `0.2.0`. */
  readonly version: string;
  /** `2026-11-28`, for the changelog. */
  readonly date: string;
  /** Where the tarball, the SBOM, the notes and the checksums go. It is created. */
  readonly out: string;
  /** Only writes to `out`: the repository gets no commit and no tag. */
  readonly isDryRun: boolean;
  /** Leaves out `npm test`: the tests were run on this commit, as continuous integration does. */
  readonly isTested: boolean;
  /** Gets a line for each step. */
  readonly say: (line: string) => void;
}

/** What a release has made. */
export interface Release {
  /** `v0.2.0` */
  readonly tag: string;
  /** The name of the tarball in `out`. */
  readonly tarball: string;
  /** The names of all files in `out`. */
  readonly files: readonly string[];
  /** Lines of the API report that the last release had and this one lacks. They may break adopters. */
  readonly broken: readonly string[];
  /** Why npm will not publish this tarball as `publishConfig` asks, and what to do; null if nothing is in the way. */
  readonly unpublishable: string | null;
}

/** The fields of package.json that a release reads. */
interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly repository?: string | { readonly url?: string };
  readonly publishConfig?: { readonly provenance?: boolean };
}

/** Major, minor and patch number, and what a pre-release has behind them (`-beta.1`). */
const VERSION = /^(\d+)\.(\d+)\.(\d+)(-[0-9a-z.-]+)?$/;

/** Makes a release. @throws CommandError if the tree, the version or the changelog is not ready, or a step fails */
export function makeRelease(options: ReleaseOptions): Release {
  const { root, version, out, say } = options;
  const tag = `v${version}`;
  const { name, unpublishable, changelog } = checkReady(options);
  // Said before the long steps, so that it can be mended first.
  if (unpublishable !== null) say(unpublishable);
  say('types, lint and boundaries: npm run check');
  run(root, 'npm', ['run', 'check', '--silent']);
  if (!options.isTested) {
    say('all tests: npm test');
    run(root, 'npm', ['test', '--silent']);
  }
  const folder = mkdtempSync(join(tmpdir(), 'inloop-release-'));
  const clone = join(folder, 'clone');
  try {
    run(folder, 'git', ['clone', '--quiet', root, clone]);
    symlinkSync(join(root, 'node_modules'), join(clone, 'node_modules'));
    writeVersion(clone, version, changelog.text);
    say('a store as this version writes it: npm run release:store');
    run(clone, 'npm', ['run', 'release:store', '--silent', '--', version]);
    commit(options, clone, tag);
    say('the package: npm pack, which builds');
    mkdirSync(out, { recursive: true });
    const packed = run(clone, 'npm', ['pack', '--silent', '--pack-destination', out]);
    const tarball = packed.trim().split('\n').at(-1) ?? '';
    const made: Readonly<Record<string, string>> = {
      [`${name}-${version}.cdx.json`]: makeBill(clone),
      'NOTES.md': changelog.notes,
    };
    for (const [file, text] of Object.entries(made)) writeFileSync(join(out, file), text);
    const files = [tarball, ...Object.keys(made)];
    writeFileSync(join(out, 'SHA256SUMS'), files.map((file) => `${sha256(join(out, file))}  ${file}\n`).join(''));
    const broken = findBroken(clone, tag);
    if (!options.isDryRun) {
      run(root, 'git', ['pull', '--quiet', '--ff-only', clone, 'HEAD']);
      run(root, 'git', ['fetch', '--quiet', clone, 'tag', tag]);
    }
    return { tag, tarball, files: [...files, 'SHA256SUMS'], broken, unpublishable };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What `checkReady` finds out. */
interface Readiness extends Pick<Manifest, 'name'>, Pick<Release, 'unpublishable'> {
  readonly changelog: ReleasedChangelog;
}

/**
 * Checks what a release is made of.
 * @throws CommandError if there are changes that are not committed, the version cannot be the next one, or the changelog has no change
 */
function checkReady({ root, version, date }: ReleaseOptions): Readiness {
  const changed = run(root, 'git', ['status', '--porcelain']).trim();
  if (changed !== '') {
    throw new CommandError(`A release is made of a commit, and these files differ from it:\n${changed}`);
  }
  const current = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;
  if (!VERSION.test(version)) {
    throw new CommandError(`"${version}" is no version. Expected one like 0.2.0 or 1.0.0-beta.1.`);
  }
  if (isOlder(version, current.version)) {
    throw new CommandError(`${version} is older than ${current.version}, which package.json has. Give a newer one.`);
  }
  if (run(root, 'git', ['tag', '--list', `v${version}`]).trim() !== '') {
    throw new CommandError(`${version} was released before: there is a tag v${version}. Give a newer version.`);
  }
  const changelog = releaseChangelog(readFileSync(join(root, 'CHANGELOG.md'), 'utf8'), version, date);
  return { name: current.name, unpublishable: findObstacle(current), changelog };
}

/**
 * Finds what keeps the package from being published. With provenance, the continuous integration proves in which repository it runs,
 * and the registry refuses a package whose `repository` is another one, or missing.
 */
function findObstacle({ repository, publishConfig }: Manifest): string | null {
  const url = typeof repository === 'string' ? repository : repository?.url;
  if (!publishConfig?.provenance || url) return null;
  return (
    'package.json has no "repository", so npm cannot publish this with provenance (publishConfig). Set it to the ' +
    'public repository whose continuous integration publishes, commit, and release again: ' +
    'npm pkg set repository.type=git repository.url=git+https://<host>/<owner>/<name>.git. ' +
    'Without a public repository there is no provenance: npm publish --no-provenance.'
  );
}

/**
 * Whether a version is older than another one, by its three numbers. A pre-release is older than its version. Two pre-releases of
 * one version count as equally old.
 */
function isOlder(version: string, than: string): boolean {
  const [a, b] = [toNumbers(version), toNumbers(than)];
  const first = a.findIndex((number, n) => number !== b[n]);
  return first !== -1 && (a[first] ?? 0) < (b[first] ?? 0);
}

/** `1.2.3` becomes [1, 2, 3, 1], and `1.2.3-beta.1` becomes [1, 2, 3, 0]. */
function toNumbers(version: string): number[] {
  const [, major, minor, patch, pre] = VERSION.exec(version) ?? [];
  return [major, minor, patch, pre === undefined ? 1 : 0].map(Number);
}

function writeVersion(clone: string, version: string, changelog: string): void {
  run(clone, 'npm', ['version', version, '--no-git-tag-version', '--allow-same-version', '--silent']);
  const code = join(clone, 'core', 'version.ts');
  writeFileSync(code, readFileSync(code, 'utf8').replace(/VERSION = '[^']*'/, `VERSION = '${version}'`));
  writeFileSync(join(clone, 'CHANGELOG.md'), changelog);
}

/** Commits and tags in the clone, with the name and address that git has in the repository. */
function commit({ root, version }: ReleaseOptions, clone: string, tag: string): void {
  for (const name of ['user.name', 'user.email']) {
    run(clone, 'git', ['config', name, run(root, 'git', ['config', name]).trim()]);
  }
  run(clone, 'git', ['add', '--all', '--', '.', ':!node_modules']);
  run(clone, 'git', ['commit', '--quiet', '--message', `Version ${version}`]);
  run(clone, 'git', ['tag', '--annotate', tag, '--message', `Version ${version}`]);
}

/** The lines of the API report that were there at the last release and are not now. Empty if there was no release or no report. */
function findBroken(clone: string, tag: string): string[] {
  const tags = run(clone, 'git', ['tag', '--list', 'v*', '--sort', '-creatordate']).trim().split('\n');
  const last = tags.find((name) => name !== tag && name !== '');
  if (last === undefined || !existsSync(join(clone, 'docs', 'api'))) return [];
  const diff = run(clone, 'git', ['diff', '--unified=0', last, tag, '--', 'docs/api']);
  return diff.split('\n').filter((line) => /^-(?!--)/.test(line));
}

function sha256(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}
