// docs/performance.md, from the figures that were kept.
import { table } from '../measure/table.ts';
import type { Target } from '../part.ts';
import { PARTS } from '../parts/index.ts';
import { STACKS } from '../stacks/index.ts';
import type { Keeper } from './kept.ts';
import { MISSES } from './misses.ts';

/** What was promised beside what was measured. */
export function targetTable(targets: readonly Target[]): string {
  return table(
    ['target', 'measured', 'wanted', ''],
    targets.map(({ what, measured, wanted, isMet }) => [what, measured, wanted, isMet ? 'met' : '**not met**']),
  );
}

export function performancePage(keeper: Keeper): string {
  const measured = PARTS.map((part) => ({ part, kept: keeper.read(part.name) }));
  const machines = [...new Set(measured.flatMap(({ kept }) => (kept ? [`${kept.machine}; ${kept.day}`] : [])))];
  const sections = measured.map(({ part, kept }) => ({
    title: part.title,
    report: kept ? part.report(kept.raw) : { text: 'Not measured.', targets: [] },
  }));
  return `${[
    '# Performance',
    'Written by `npm run bench`; do not edit. Absolute figures move with the machine, so compare the ratios: every stack had its turn within each round. A figure with two in brackets is the median of the rounds, and the least and the most.',
    ...machines.map((machine) => `Machine: ${machine}.`),
    targetTable(sections.flatMap(({ report }) => report.targets)),
    ...why(sections.flatMap(({ report }) => report.targets)),
    HOW,
    table(
      ['stack', 'what it is'],
      Object.entries(STACKS).map(([name, { is }]) => [name, is]),
    ),
    RULES,
    ...sections.flatMap(({ title, report }) => [`## ${title}`, report.text]),
  ].join('\n\n')}\n`;
}

/** Of what is not met, why, and what would have to give. */
function why(targets: readonly Target[]): string[] {
  const missed = targets.filter(({ isMet }) => !isMet);
  if (missed.length === 0) return [];
  const lines = missed.map(
    ({ what }) => `- **${what}**: ${MISSES[what] ?? 'not explained yet: bench/pages/misses.ts'}`,
  );
  return ['What is not met, and what would have to give:', lines.join('\n')];
}

const HOW = `## What is compared

Each stack is written in \`bench/stacks/\` as a careful engineer would write it, in a file that can be read in two minutes:`;

const RULES = `The same for all of them:

- one Redis (append-only file, synced each second) and one Soketi with the limits of hosted Pusher, on loopback; the
  web process, the worker and the pages are three processes more; each stack's turn starts with fresh processes and an
  empty Redis, and with a warm-up that is not measured;
- one payload and one result (\`bench/stacks/task.ts\`), one schema, checked by every server before it accepts, one
  concurrency, one page for each user, connected by WebSocket before the clock starts;
- the work of an element is the same code; arithmetic counts rounds and not time, so that whoever takes CPU from it is
  found out;
- CPU is what the kernel counts for server, worker, Redis and Soketi; the pages, which are the same load for all, are
  left out. Redis commands are counted on tasks of their own, since counting costs time;
- tasks/s end when the last outcome is known to its page; for none and S4 already when the last task has ended, so
  that a poll's delay is not held against S4;
- inloop has everything on that it does by default: the stored record and its revisions, fencing by attempt, signs of
  life, the inbox, retention, cancelling and deadlines, the sweeper, webhooks that say who has a page open. S1, S3 and S4
  have what their queues bring (retries, stalled jobs found) and none of the rest. Its pages use bare pusher-js, as S1's do; its own client is measured beside it.

\`npm run bench\` measures all of it in about 20 minutes, \`npm run bench -- w3\` one part, \`-- --quick\` gives a
first look. What was measured is kept in \`.inloop/bench\`.`;
