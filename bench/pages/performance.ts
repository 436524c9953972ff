// Writes docs/performance.md from the kept figures.
import { table } from '../measure/table.ts';
import type { Target } from '../part.ts';
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

export function performancePage(keeper: Keeper): string {
  const measured = PARTS.map((part) => ({ part, kept: keeper.read(part.name) }));
  const machines = [...new Set(measured.flatMap(({ kept }) => (kept ? [`${kept.machine}; ${kept.day}`] : [])))];
  const sections = measured.map(({ part, kept }) => ({
    title: part.title,
    report: kept ? part.report(kept.raw) : { text: 'Not measured.', targets: [] },
  }));
  return `${[
    '# Performance',
    'Written by `npm run bench`; do not edit. Absolute figures depend on the machine, so compare the ratios: every stack ran once in each round. A figure with a range in brackets is the median of the rounds, then the least and the greatest.',
    ...machines.map((machine) => `Machine: ${machine}.`),
    targetTable(sections.flatMap(({ report }) => report.targets)),
    ...explainMisses(sections.flatMap(({ report }) => report.targets)),
    HOW,
    table(
      ['stack', 'what it is'],
      Object.entries(STACKS).map(([name, { is }]) => [name, is]),
    ),
    RULES,
    ...sections.flatMap(({ title, report }) => [`## ${title}`, report.text]),
  ].join('\n\n')}\n`;
}

/** For each target that is not met: why, and what meeting it would cost. */
function explainMisses(targets: readonly Target[]): string[] {
  const missed = targets.filter(({ isMet }) => !isMet);
  if (missed.length === 0) return [];
  const lines = missed.map(
    ({ what }) => `- **${what}**: ${MISSES[what] ?? 'not explained yet: bench/pages/misses.ts'}`,
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
fewer and shorter rounds. The figures are kept in \`.inloop/bench\`.

Old and new names, to compare with older figures:

| before | now |
|---|---|
| stack none, S1, S3, S4 | queue-only, pusher-per-element, bullmq-socketio, status-row |
| W1, W2, W3, W4 | no-work, cpu-work, many-users, accepting |
| outcome, progress, minute, comeback, floor | outcome-delay, progress-call, one-minute, returning-pages, bare-parts |`;
