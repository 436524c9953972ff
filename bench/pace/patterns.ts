// Ten kinds of work, for the part `pace`: when each element of a task is finished.

const MINUTE_MS = 60_000;

/** A random number generator with a fixed start, so that each run measures the same. */
function createRandom() {
  let state = 7;
  const next = () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
  /** Normally distributed, mean 0, deviation 1. */
  const normal = () => Math.sqrt(-2 * Math.log(next() + 1e-12)) * Math.cos(2 * Math.PI * next());
  return { next, normal };
}

type Random = ReturnType<typeof createRandom>;

/** How long an element takes; only the proportions count. `i` is the element's number, from 0, of `n`. */
type Duration = (i: number, n: number, random: Random) => number;

/** Each pattern's name, what it is, and how long its elements take. */
export const PATTERNS: Readonly<Record<string, { readonly is: string; readonly duration: Duration }>> = {
  steady: { is: 'each element takes as long as the others', duration: () => 1 },
  noisy: { is: 'log-normal, deviation 0.8', duration: (_i, _n, { normal }) => Math.exp(0.8 * normal()) },
  'heavy tail': { is: 'Pareto, alpha 1.5', duration: (_i, _n, { next }) => (next() + 1e-6) ** (-1 / 1.5) },
  slowing: { is: 'the last element takes five times as long as the first', duration: (i, n) => 1 + (4 * i) / n },
  'two speeds': { is: 'the second half takes five times as long', duration: (i, n) => (i < n / 2 ? 1 : 5) },
  'slow start': { is: 'the first element takes 8 s', duration: (i, n) => (i === 0 ? (8 * n) / 52 : 1) },
  batches: { is: '50 elements at once', duration: (i) => (i % 50 === 49 ? 50 : 0.0001) },
  stalls: {
    is: 'now and then, for one element in 200, it stands still',
    duration: (_i, _n, { next }) => (next() < 0.005 ? 100 : 1),
  },
  wave: {
    is: 'the speed goes up and down by a factor of nine, four times',
    duration: (i, n) => 1 + 0.8 * Math.sin((8 * Math.PI * i) / n),
  },
  transactions: {
    is: 'a 200th of the elements at once, in transactions of uneven length (log-normal, deviation 0.4)',
    duration: (i, n, { normal }) => {
      const each = Math.max(1, Math.round(n / 200));
      return i % each === each - 1 ? each * Math.exp(0.4 * normal()) : 0;
    },
  },
};

/** When each of `n` elements is finished, in ms since the start; the last one after a minute. */
export function finishTimes(name: string, n: number): Float64Array {
  const random = createRandom();
  const times = new Float64Array(n);
  let at = 0;
  for (let i = 0; i < n; i++) {
    at += PATTERNS[name]?.duration(i, n, random) ?? 1;
    times[i] = at;
  }
  const scale = MINUTE_MS / at;
  return times.map((time) => time * scale);
}
