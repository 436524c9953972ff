// The part `pace`: how many messages a bar needs if the page moves it by itself between two messages, and by how much the bar is off. The
// worker's own rule and estimator run in simulated time, on ten patterns of work that take a minute, and on recorded imports.
import { median } from '../../measure/stats.ts';
import { figure, table } from '../../measure/table.ts';
import { makeWork, PATTERNS, RECORDINGS, readRecording, type Work } from '../../pace/patterns.ts';
import { type PaceResult, type Sender, sendEvery, simulate } from '../../pace/simulation.ts';
import { onSurprise } from '../../pace/virtual-worker.ts';
import { atMost, definePart, type Part } from '../../part.ts';

const SIZES = [100, 1_000, 10_000, 1_000_000] as const;

/** The ways to send that are compared. */
const SENDERS: Readonly<Record<string, Sender>> = {
  inloop: onSurprise(0.01),
  'accuracy: 0.05': onSurprise(0.05),
  'a message an element': sendEvery(0),
  '10 a second': sendEvery(100),
  '1 a second': sendEvery(1_000),
};

/** The results of one work, by sender. */
interface Row {
  readonly pattern: string;
  readonly elements: number;
  readonly results: Readonly<Record<string, PaceResult>>;
}

const percent = (share: number | undefined) => figure((share ?? Number.NaN) * 100);

async function simulateAll(work: Work): Promise<Row['results']> {
  const results: Record<string, PaceResult> = {};
  for (const [name, sender] of Object.entries(SENDERS)) results[name] = await simulate(work, sender);
  return results;
}

export const pace: Part<unknown> = definePart<readonly Row[]>({
  name: 'pace',
  title: 'pace: messages, and what the page shows meanwhile, in simulated time',
  async measure({ log }) {
    const made = Object.keys(PATTERNS).flatMap((name) => SIZES.map((size) => [name, makeWork(name, size)] as const));
    const recorded = Object.keys(RECORDINGS).map((name) => [name, readRecording(name)] as const);
    log(`${Object.keys(PATTERNS).length} kinds of work × ${SIZES.length} sizes, and ${recorded.length} recordings`);
    const rows: Row[] = [];
    for (const [pattern, work] of [...made, ...recorded]) {
      rows.push({ pattern, elements: work.total, results: await simulateAll(work) });
    }
    return rows;
  },
  report(rows) {
    const of = (name: string) => rows.map(({ results }) => results[name] as PaceResult);
    const perMinute = of('inloop').map((result) => result.perMinute);
    // The error as a share of what is promised: 1.5 % or one element, whichever is more.
    const errors = rows.map(({ results, elements }) => (results.inloop?.p99 ?? 1) / Math.max(0.015, 1 / elements));
    return {
      text: [
        table(
          ['work', 'elements', 'messages a task', 'a minute', 'off by, %: mean', 'p99', 'most', 'frames moved, %'],
          rows.map(({ pattern, elements, results: { inloop } }) => [
            pattern,
            figure(elements),
            figure(inloop?.messages),
            figure(inloop?.perMinute),
            percent(inloop?.mean),
            percent(inloop?.p99),
            percent(inloop?.most),
            percent(inloop?.moved),
          ]),
        ),
        table(
          ['all of them, medians', 'messages a minute', 'at most', 'off by, %: mean', 'p99', 'frames moved, %'],
          Object.keys(SENDERS).map((name) => [
            name,
            figure(median(of(name).map((result) => result.perMinute))),
            figure(Math.max(...of(name).map((result) => result.perMinute))),
            percent(median(of(name).map(({ mean }) => mean))),
            percent(median(of(name).map(({ p99 }) => p99))),
            percent(median(of(name).map(({ moved }) => moved))),
          ]),
        ),
        `Messages: the two that say that the task is queued and how it ended are counted, too. ${[
          ...Object.entries(PATTERNS).map(([name, { meaning }]) => [name, meaning]),
          ...Object.entries(RECORDINGS),
        ]
          .map(([name, meaning]) => `${name}: ${meaning}`)
          .join('; ')}.`,
      ].join('\n\n'),
      targets: [
        atMost('pace: messages a minute, median', median(perMinute), 12),
        atMost('pace: messages a minute, most', Math.max(...perMinute), 45),
        atMost('pace: p99 of the error, as a share of 1.5 % or one element', Math.max(...errors), 1),
      ],
    };
  },
});
