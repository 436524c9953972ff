// Writes docs/performance.md from the kept figures.
import { table } from '../measure/table.ts';
import type { Part, Target } from '../part.ts';
import { PARTS } from '../parts/index.ts';
import { STACKS } from '../stacks/index.ts';
import type { Keeper } from './kept.ts';
import { MISSES } from './misses.ts';

/** A table of targets: what was promised, what was measured, and whether the target is met. */
export function targetTable(targets: readonly Target[]): string {
  return table(
    ['target', 'measured', 'wanted', ''],
    targets.map(({ what, measured, wanted, isMet }) => [what, measured, wanted, isMet ? 'met' : '**not met**']),
  );
}

/** What the page says about one part. */
interface Section {
  readonly text: string;
  /** Rows of the table of targets, as Markdown. */
  readonly targets: readonly string[];
}

/**
 * The text of docs/performance.md.
 * @param earlier the page as it is. A part whose figures are not kept on this machine keeps its section from there
 */
export function performancePage(keeper: Pick<Keeper, 'read'>, earlier: string): string {
  const sections = PARTS.map((part): Section => {
    const kept = keeper.read(part.name);
    if (kept === null) return sectionIn(earlier, part);
    const { text, targets } = part.report(kept.raw);
    const rows = targetTable(targets).split('\n').slice(2);
    return { text: `## ${part.title}\n\nMeasured on ${kept.day}: ${kept.machine}.\n\n${text}`, targets: rows };
  });
  return `${[
    '# Performance',
    'Written by `npm run bench`; do not edit. Absolute figures depend on the machine, so compare the ratios: every stack ran once in each round. A figure with a range in brackets is the median of the rounds, then the least and the greatest. Each section says when and where it was measured.',
    // The table is made anew, because rows from another run have columns of other widths.
    targetRows(sections.flatMap(({ targets }) => targets)),
    ...explainMisses(sections.flatMap(({ targets }) => targets)),
    HOW,
    table(
      ['stack', 'what it is'],
      Object.entries(STACKS).map(([name, { is }]) => [name, is]),
    ),
    RULES,
    ...sections.map(({ text }) => text),
  ].join('\n\n')}\n`;
}

/** Takes the section of a part from the page, up to the next heading. It gets the title that the part has now. */
function sectionIn(page: string, { name, title }: Part<unknown>): Section {
  const isOwn = (line: string) => line.startsWith(`| ${name}: `);
  const [, text] = page.split(new RegExp(`^## ${name}\\b.*$`, 'm'));
  return {
    text: `## ${title}\n\n${text?.split(/^## /m)[0]?.trim() ?? 'Not measured.'}`,
    targets: page.split('\n').filter(isOwn),
  };
}

const cellsOf = (row: string) =>
  row
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim());

function targetRows(rows: readonly string[]): string {
  return table(['target', 'measured', 'wanted', ''], rows.map(cellsOf));
}

/** For each target that is not met: why, and what meeting it would cost. @param rows of the table of targets */
function explainMisses(rows: readonly string[]): string[] {
  const missed = rows.map(cellsOf).filter(([, , , state]) => state !== 'met');
  if (missed.length === 0) return [];
  const lines = missed.map(
    ([what = '']) => `- **${what}**: ${MISSES[what] ?? 'not explained yet: bench/pages/misses.ts'}`,
  );
  return ['Targets that are not met, why, and what meeting them would cost:', lines.join('\n')];
}

const HOW = `## What is compared

Each stack is one short file in \`bench/stacks/\`, written as a careful engineer would write it:`;

const RULES = `The same for all of them:

- There is one Redis (append-only file, synced each second) and one Soketi with the limits of hosted Pusher, on
  loopback. The web process, the worker and the pages are three more processes. Each run of a stack starts with new
  processes, an empty Redis, and a warm-up that is not measured.
- Payload, result and schema are the same (\`bench/stacks/task.ts\`), and every server checks the schema before it
  accepts. The concurrency is the same. Each user has one page, connected by WebSocket before the clock starts.
- The work of an element is the same code. Arithmetic is a fixed number of rounds, not a fixed time, so it takes longer
  in a stack that needs CPU for other things.
- CPU is what the kernel counts for server, worker, Redis and Soketi. The process of the pages is left out: its load is
  the same for all. Redis commands are counted on separate tasks, because counting slows Redis down.
- For tasks a second the clock stops when the last page has its outcome. For queue-only and status-row it stops when the
  last task has ended, so that the delay of a poll does not count against status-row.
- inloop runs with everything that it does by default: the stored record with revisions, fencing by attempt, signs of
  life, the inbox, retention, cancelling and deadlines, the sweeper, webhooks that say which owners are watched. The
  other stacks have what their queues bring (retries, stalled jobs are found) and nothing else.
- The pages of inloop use bare pusher-js, as those of pusher-per-element do. inloop's own client is measured in
  outcome-delay and returning-pages.

\`npm run bench\` measures everything in about 20 minutes, \`npm run bench -- many-users\` one part; \`-- --quick\` takes
fewer and shorter rounds. The figures are kept in \`.inloop/bench\`. \`-- --pages\` writes this page again from those that
are kept there; the other sections stay as they are.

Old and new names, to compare with older figures:

| before | now |
|---|---|
| stack none, S1, S3, S4 | queue-only, pusher-per-element, bullmq-socketio, status-row |
| W1, W2, W3, W4 | no-work, cpu-work, many-users, accepting |
| outcome, progress, minute, comeback, floor | outcome-delay, progress-call, one-minute, returning-pages, bare-parts |`;
