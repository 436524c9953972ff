// Changes the changelog for a release: what stands under "Unreleased" gets the version and the date. Pure. For release.ts.
import { CommandError } from '../../cli/command-error.ts';

/** The changelog after a release. */
export interface ReleasedChangelog {
  /** The whole file: an empty "Unreleased" on top, below it the version with its changes. */
  readonly text: string;
  /** The changes of this version alone, as Markdown. */
  readonly notes: string;
}

const UNRELEASED = '## Unreleased\n';

/**
 * Gives the changes under "Unreleased" their version and date, and leaves "Unreleased" empty.
 * @param text CHANGELOG.md
 * @param date `2026-11-28`
 * @throws CommandError if there is no section "Unreleased", or nothing in it
 */
export function releaseChangelog(text: string, version: string, date: string): ReleasedChangelog {
  const start = text.indexOf(UNRELEASED);
  if (start === -1)
    throw new CommandError('CHANGELOG.md has no section "## Unreleased". Write down there what has changed.');
  const from = start + UNRELEASED.length;
  const next = text.indexOf('\n## ', from);
  const end = next === -1 ? text.length : next + 1;
  const notes = text.slice(from, end).trim();
  if (notes === '')
    throw new CommandError('CHANGELOG.md has nothing under "Unreleased". Write down what users will notice.');
  const section = `## ${version} (${date})\n\n${notes}\n`;
  const rest = text.slice(end);
  return { text: `${text.slice(0, from)}\n${section}${rest === '' ? '' : `\n${rest}`}`, notes: `${notes}\n` };
}
