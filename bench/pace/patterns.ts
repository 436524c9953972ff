// The work of the tasks in the part `pace`: when a task reports, and how much is done then. Ten patterns are computed; three imports
// were recorded.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from '../../dev/paths.ts';

const MINUTE_MS = 60_000;

/** What a task reports, and when. The arrays have one entry for each report. */
export interface Work {
  /** How many elements the task has. */
  readonly total: number;
  /** The time of each report, in ms since the start; the last one ends the task. */
  readonly at: Float64Array;
  /** How many elements are done by then. */
  readonly done: Float64Array;
  /** How many of those were skipped; null if the task does not report that. */
  readonly skipped: Float64Array | null;
}

/** Creates a random number generator. It always starts the same, so that each run measures the same. */
function createRandom() {
  let state = 7;
  const next = () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
  /** A normally distributed number: mean 0, standard deviation 1. */
  const normal = () => Math.sqrt(-2 * Math.log(next() + 1e-12)) * Math.cos(2 * Math.PI * next());
  return { next, normal };
}

type Random = ReturnType<typeof createRandom>;

/** How long element number `i` (from 0) of `n` takes. The unit does not matter: `makeWork` scales the sum to a minute. */
type Duration = (i: number, n: number, random: Random) => number;

/** The patterns by name: what each means, and how long its elements take. */
export const PATTERNS: Readonly<Record<string, { readonly meaning: string; readonly duration: Duration }>> = {
  steady: { meaning: 'each element takes as long as the others', duration: () => 1 },
  noisy: { meaning: 'log-normal, deviation 0.8', duration: (_i, _n, { normal }) => Math.exp(0.8 * normal()) },
  'heavy tail': { meaning: 'Pareto, alpha 1.5', duration: (_i, _n, { next }) => (next() + 1e-6) ** (-1 / 1.5) },
  slowing: { meaning: 'the last element takes five times as long as the first', duration: (i, n) => 1 + (4 * i) / n },
  'two speeds': { meaning: 'the second half takes five times as long', duration: (i, n) => (i < n / 2 ? 1 : 5) },
  // The others take 52 s together, one unit each. So the first one takes 8/52 of n units.
  'slow start': { meaning: 'the first element takes 8 s', duration: (i, n) => (i === 0 ? (8 * n) / 52 : 1) },
  batches: { meaning: '50 elements at once', duration: (i) => (i % 50 === 49 ? 50 : 0.0001) },
  stalls: {
    meaning: 'now and then, for one element in 200, it stands still',
    duration: (_i, _n, { next }) => (next() < 0.005 ? 100 : 1),
  },
  wave: {
    meaning: 'the speed goes up and down by a factor of nine, four times',
    duration: (i, n) => 1 + 0.8 * Math.sin((8 * Math.PI * i) / n),
  },
  transactions: {
    meaning: 'a 200th of the elements at once, in transactions of uneven length (log-normal, deviation 0.4)',
    duration: (i, n, { normal }) => {
      const each = Math.max(1, Math.round(n / 200));
      return i % each === each - 1 ? each * Math.exp(0.4 * normal()) : 0;
    },
  },
};

/** Computes the work of `n` elements of a pattern. Each is reported when it is finished, the last one after a minute. */
export function makeWork(name: string, n: number): Work {
  const random = createRandom();
  const times = new Float64Array(n);
  let at = 0;
  for (let i = 0; i < n; i++) {
    at += PATTERNS[name]?.duration(i, n, random) ?? 1;
    times[i] = at;
  }
  const all = at;
  return {
    total: n,
    at: times.map((time) => (time / all) * MINUTE_MS),
    done: times.map((_, i) => i + 1),
    skipped: null,
  };
}

/** The recordings, and what each is. They were made with `demo/tools/record-import.ts`, on a machine that had other work to do. */
export const RECORDINGS: Readonly<Record<string, string>> = {
  'import-1000': 'an import of the demo, 60 ms a row, every fifth row bad',
  'import-12000': 'the same with 12,000 rows, 4 ms a row',
  'import-900000': 'the same with 900,000 good rows, as fast as it can',
};

/** Reads the work of a recording. */
export function readRecording(name: string): Work {
  const text = readFileSync(join(REPOSITORY, 'bench', 'pace', 'recordings', `${name}.csv`), 'utf8');
  const rows = text.trim().split('\n').slice(1);
  const column = (n: number) => Float64Array.from(rows, (row) => Number(row.split(',')[n]));
  const done = column(1);
  return { total: done.at(-1) ?? 0, at: column(0), done, skipped: column(2) };
}
