/**
 * Takes what was pushed (new tasks and outcomes) off the list of what was not, many in one call of Redis. It serves the publisher.
 * What stays on the list is pushed once more by the sweeper.
 */

import type { Time } from '../time.ts';

/** How long ids are gathered. Short, since the sweeper pushes again what has been on the list for 3 s. */
const GATHER_MS = 100;

export interface PushedOutcomesOptions {
  /** Takes ids off the list. May reject: then the sweeper pushes them once more, which does no harm. */
  readonly settle: (ids: readonly string[]) => Promise<unknown>;
  readonly time: Pick<Time, 'delay'>;
}

export class PushedOutcomes {
  readonly #options: PushedOutcomesOptions;
  readonly #ids = new Set<string>();
  /** Ends the wait for more ids; null while none is waited for. */
  #gathering: AbortController | null = null;

  constructor(options: PushedOutcomesOptions) {
    this.#options = options;
  }

  /** These tasks were pushed. They leave the list within 100 ms. */
  add(ids: readonly string[]): void {
    for (const id of ids) this.#ids.add(id);
    if (this.#gathering) return;
    const gathering = new AbortController();
    this.#gathering = gathering;
    void this.#options.time.delay(GATHER_MS, gathering.signal).then(() => {
      if (!gathering.signal.aborted) void this.flush();
    });
  }

  /** Takes all of them off the list now. Never rejects. */
  async flush(): Promise<void> {
    this.#gathering?.abort();
    this.#gathering = null;
    const ids = [...this.#ids];
    this.#ids.clear();
    if (ids.length > 0) await this.#options.settle(ids).catch(() => undefined);
  }
}
