// The code of an earlier version, taken out of git's history, for the test that runs it beside today's.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { REPOSITORY } from '../../../../dev/paths.ts';

/**
 * The commit of the earlier version. Move it on at each release, to the tag of that release. No version is released yet, so this
 * is a commit from before the scripts in Redis that take and end a job were changed.
 */
export const EARLIER_COMMIT = 'c9d4f0969b384f3b88c74bde867b48d2438b53da';

/** Why the earlier version cannot be had here, as a sentence that says what to do; null if it can. */
export function whyNoEarlierVersion(): string | null {
  try {
    execFileSync('git', ['cat-file', '-e', `${EARLIER_COMMIT}^{commit}`], { cwd: REPOSITORY, stdio: 'pipe' });
    return null;
  } catch (error) {
    return (
      `Not run: two versions side by side. They need commit ${EARLIER_COMMIT.slice(0, 7)}, which git does not find here. ` +
      `If this clone is shallow, run "git fetch --unshallow". ${error instanceof Error ? error.message : ''}`.trim()
    );
  }
}

/** Writes the earlier version into a temporary folder. Its packages are not there: it runs with those of today. */
export function checkOutEarlierVersion(): { readonly root: string; remove(): void } {
  const root = mkdtempSync(join(tmpdir(), 'inloop-earlier-'));
  const archive = join(root, 'archive.tar');
  execFileSync('git', ['archive', '--output', archive, EARLIER_COMMIT], { cwd: REPOSITORY });
  execFileSync('tar', ['-xf', archive, '-C', root]);
  return { root, remove: () => rmSync(root, { recursive: true, force: true }) };
}
