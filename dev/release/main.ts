// `npm run release -- 0.2.0`: makes a release, and prints what to push and to publish.
import { join, relative, resolve } from 'node:path';
import { readArguments } from '../../cli/arguments.ts';
import { CommandError, runMain } from '../../cli/command-error.ts';
import { REPOSITORY } from '../paths.ts';
import { makeRelease } from './release.ts';

const USAGE = `Usage: npm run release -- 0.2.0 [--tested] [--dry-run FOLDER]

Checks and tests the commit that is checked out, sets the version, gives the changes under "Unreleased" in CHANGELOG.md this
version, keeps a store of it for the upgrade test, commits, tags, and writes the tarball, the SBOM, the notes and the
checksums to dist/release/0.2.0/. It publishes nothing.
  --tested           leaves out npm test: continuous integration has run it on this commit
  --dry-run FOLDER   writes to FOLDER only, and makes no commit and no tag`;

runMain(async () => {
  const [version = '', ...rest] = process.argv.slice(2).filter((arg) => arg !== '--');
  const given = readArguments(
    version.startsWith('-') ? [version, ...rest] : rest,
    { tested: 'boolean', 'dry-run': 'string' },
    USAGE,
  );
  if (given === null) return;
  if (version === '' || version.startsWith('-')) throw new CommandError(`Which version?\n\n${USAGE}`);
  const dryRun = given['dry-run'];
  const out = dryRun === undefined ? join(REPOSITORY, 'dist', 'release', version) : resolve(dryRun);
  const { tag, tarball, files, broken, unpublishable } = makeRelease({
    root: REPOSITORY,
    version,
    date: new Date().toISOString().slice(0, 10),
    out,
    isDryRun: dryRun !== undefined,
    isTested: given.tested ?? false,
    say: (line) => console.log(`release: ${line}`),
  });
  console.log(`release: ${files.join(', ')} are in ${out}`);
  if (broken.length > 0) {
    console.log(`release: ${broken.length} lines of the API report are gone or changed since the last release:`);
    for (const line of broken) console.log(line);
    console.log(
      'release: if one of them breaks an adopter, this must be a new major version (before 1.0: a new minor one).',
    );
  }
  if (unpublishable !== null) console.log(`release: ${unpublishable}`);
  if (dryRun !== undefined) return;
  console.log(`release: look at it (git show ${tag}), then:`);
  console.log(`  git push origin HEAD ${tag}`);
  console.log(`  npm publish ${relative(process.cwd(), join(out, tarball))}`);
  console.log(
    'Run the second command in continuous integration: npm notes there, as provenance, where the package was published from (package.json: publishConfig, repository).',
  );
});
