/**
 * Finds out when a handler blocks the event loop, and tells the operator. It serves the heartbeat, which calls `beat` ten
 * times a second. While the event loop is blocked no timer fires, so the next beat comes late.
 *
 * Example: beats at 0, 100 and 3,300 ms. The third is 3,100 ms late: the event loop was blocked for 3.1 s.
 */

/** A task that runs in this process. */
export interface RunningTask {
  readonly id: string;
  readonly name: string;
  /** How long it may still take, the time to stop included, in ms; null for no limit. */
  readonly deadline: number | null;
}

/** How often `beat` is called, in ms. */
export const BEAT_MS = 100;
/** A shorter block is not told. */
export const SHORTEST_BLOCK_MS = 1_000;
/** How many of the tasks that ran during a block are named. */
const MOST_NAMED = 5;

export class BlockMonitor {
  readonly #log: { warn(message: string): void };
  readonly #running = new Map<string, RunningTask>();
  #beatAt: number;
  #sharedBlockMs = 0;

  /** @param now on a clock that never goes back, in ms */
  constructor(log: { warn(message: string): void }, now: number) {
    this.#log = log;
    this.#beatAt = now;
  }

  /** For how long the event loop was blocked in all while several tasks ran, in ms: each may have lost time to another. */
  get sharedBlockMs(): number {
    return this.#sharedBlockMs;
  }

  /** A task runs from now on. */
  begin(task: RunningTask): void {
    this.#running.set(task.id, task);
  }

  /** A task has ended. Returns it, if it ran. */
  end(id: string): RunningTask | undefined {
    const task = this.#running.get(id);
    this.#running.delete(id);
    return task;
  }

  /** The event loop turns. @param now on the same clock as in the constructor, in ms */
  beat(now: number): void {
    const blockedMs = now - this.#beatAt - BEAT_MS;
    this.#beatAt = now;
    if (blockedMs < SHORTEST_BLOCK_MS || this.#running.size === 0) return;
    if (this.#running.size > 1) this.#sharedBlockMs += blockedMs;
    this.#tell(blockedMs);
  }

  /** JavaScript cannot tell which of several handlers it was. All that ran are named. */
  #tell(ms: number): void {
    const running = [...this.#running.values()];
    const named = running.slice(0, MOST_NAMED).map(({ name, id }) => `${name} (${id})`);
    const more = running.length > MOST_NAMED ? ` and ${running.length - MOST_NAMED} more` : '';
    const who = running.length === 1 ? named[0] : `one of ${named.join(', ')}${more}`;
    this.#log.warn(
      `The event loop was blocked for ${(ms / 1_000).toFixed(1)} s by ${who}. Nothing else could run in this process. Let its handler await something between its steps, or do the work in a thread.`,
    );
  }
}
