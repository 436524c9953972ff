/** How long tasks of a definition usually take. It serves `expectedAt`, by which a page says how long a task will take. */

import { MAX_DURATION_MS } from '../../core/limits.ts';
import type { CommandRunner } from './commands/define-command.ts';
import { DURATIONS_KEPT } from './commands/outcome-scripts.ts';

/** With fewer known durations there is no estimate. */
const MIN_RUNS = 3;
/** How long a median is cached. */
const MAX_AGE_MS = 10_000;

/** The usual durations of definitions. Each is read at most once in 10 s. */
export class Durations {
  readonly #redis: Pick<CommandRunner, 'keys' | 'send'>;
  readonly #medians = new Map<string, { at: number; median: Promise<number | null> }>();

  constructor(redis: Pick<CommandRunner, 'keys' | 'send'>) {
    this.#redis = redis;
  }

  /** The median of recent successful first attempts of a definition, in ms; null if fewer than 3 are known. Never rejects. */
  median(name: string): Promise<number | null> {
    const cached = this.#medians.get(name);
    if (cached && performance.now() - cached.at < MAX_AGE_MS) return cached.median;
    const median = this.#read(name).then(medianOf, () => null);
    this.#medians.set(name, { at: performance.now(), median });
    return median;
  }

  async #read(name: string): Promise<number[]> {
    const { keys } = this.#redis;
    return (await this.#redis.send((client) => client.lRange(keys.durations(name), 0, DURATIONS_KEPT - 1))).map(Number);
  }
}

/**
 * The median of `values`, in ms; of an even number of values, the higher of the two in the middle. Null for fewer than 3.
 * Negative values, NaN and values of more than ten years are left out: an `expectedAt` made of one could not be formatted as a
 * date.
 */
export function medianOf(values: readonly number[]): number | null {
  const sorted = values.filter((ms) => ms >= 0 && ms <= MAX_DURATION_MS).sort((a, b) => a - b);
  if (sorted.length < MIN_RUNS) return null;
  return sorted[sorted.length >> 1] ?? null;
}
