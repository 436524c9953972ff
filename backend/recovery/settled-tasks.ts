/**
 * Takes tasks off the list `unpublished` in Redis, many in one call. It serves the publisher.
 *
 * A new task or an outcome is on the list until its push is settled: the bus has taken it, or never will. The sweeper pushes
 * again what stays on the list. Each call also says how many events this process has sent since the last one, for the
 * operator's page.
 */

import type { Time } from '../time.ts';

/** How long ids are gathered. It is much shorter than the 3 s after which the sweeper pushes what is on the list. */
const GATHER_MS = 100;

export interface SettledTasksOptions {
  /**
   * Takes ids off the list, and adds `sent` to the events that were sent. May reject: then the sweeper pushes the tasks once
   * more, which does no harm, and the events are counted with those of the next call.
   */
  readonly settle: (ids: readonly string[], sent: number) => Promise<unknown>;
  /** How many events this process has sent since it started. */
  readonly countSent: () => number;
  readonly time: Pick<Time, 'delay'>;
}

/** Gathers the ids of settled tasks for up to 100 ms. */
export class SettledTasks {
  readonly #options: SettledTasksOptions;
  readonly #ids = new Set<string>();
  /** How many of the events that were sent are stored, or are in a call that is under way. */
  #sentStored = 0;
  /** Ends the wait for more ids; null while nothing waits. */
  #gathering: AbortController | null = null;

  constructor(options: SettledTasksOptions) {
    this.#options = options;
  }

  /** The bus took these tasks, or will never take them. They leave the list within 100 ms. */
  add(ids: readonly string[]): void {
    for (const id of ids) this.#ids.add(id);
    if (this.#gathering) return;
    const gathering = new AbortController();
    this.#gathering = gathering;
    void this.#options.time.delay(GATHER_MS, gathering.signal).then(() => {
      if (!gathering.signal.aborted) void this.flush();
    });
  }

  /** Takes all gathered ids off the list now. Never rejects. */
  async flush(): Promise<void> {
    this.#gathering?.abort();
    this.#gathering = null;
    const ids = [...this.#ids];
    this.#ids.clear();
    if (ids.length === 0) return;
    const sent = this.#options.countSent() - this.#sentStored;
    this.#sentStored += sent;
    try {
      await this.#options.settle(ids, sent);
    } catch {
      this.#sentStored -= sent;
    }
  }
}
