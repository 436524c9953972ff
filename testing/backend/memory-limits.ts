/** The limits on starts in memory, as `backend/store/limits/limit-scripts.ts` has them in Redis. It serves the memory store. */

import { ASK_AGAIN_MS, MINUTE_S } from '../../backend/store/limits/limit-scripts.ts';
import type { Created, NewRecord } from '../../backend/store/store.ts';
import type { StartLimit } from '../../core/tasks/task-limits.ts';

/** How many active tasks there are, of one owner or definition; null for those of all. */
type CountActive = (owner: string | null, name: string | null) => number;

export class MemoryLimits {
  readonly #now: () => number;
  readonly #countActive: CountActive;
  /** When tasks were started, the newest first, by what is counted. */
  readonly #starts = new Map<string, number[]>();

  constructor(now: () => number, countActive: CountActive) {
    this.#now = now;
    this.#countActive = countActive;
  }

  /** Counts a start, unless it exceeds a limit. Of several exceeded limits it answers the one with the longest wait. */
  take({ owner, limits = [] }: NewRecord): Extract<Created, { result: 'exceeded' }> | null {
    const waits = limits.map((limit) => ({ limit, waitMs: this.#waitOf(limit, owner) }));
    const [slowest] = waits.filter(({ waitMs }) => waitMs > 0).sort((a, b) => b.waitMs - a.waitMs);
    if (slowest) return { result: 'exceeded', ...slowest };
    for (const limit of limits) {
      if (limit.kind === 'startsPerMinute') this.#startsOf(limit, owner).unshift(this.#now());
    }
    return null;
  }

  #waitOf(limit: StartLimit, owner: string): number {
    if (limit.kind === 'active') {
      const count = this.#countActive(limit.of === 'owner' ? owner : null, limit.name);
      return count >= limit.max ? ASK_AGAIN_MS : 0;
    }
    const last = this.#startsOf(limit, owner)[limit.max - 1] ?? 0;
    return Math.max(last + MINUTE_S * 1_000 - this.#now(), 0);
  }

  #startsOf({ of, name }: StartLimit, owner: string): number[] {
    const key = JSON.stringify([name, of === 'owner' ? owner : null]);
    const starts = this.#starts.get(key) ?? [];
    this.#starts.set(key, starts);
    return starts;
  }
}
