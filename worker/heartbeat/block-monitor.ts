/**
 * Finds out when a handler blocks the event loop, and tells the operator. It serves the heartbeat, which calls `beat` ten
 * times a second. While the event loop is blocked no timer fires, so the next beat comes late.
 *
 * Example: beats at 0, 100 and 3,300 ms. The third is 3,100 ms late: the event loop was blocked for 3.1 s.
 */

import type { Emitter } from '../../backend/events/events.ts';

/** A task that runs in this process. */
export interface RunningTask {
  readonly id: string;
  readonly name: string;
  /** How long the task may still take, its grace included, in ms; null for no limit. */
  readonly deadline: number | null;
}

/** How often `beat` is called, in ms. */
export const BEAT_MS = 100;
/** The operator is not told of a shorter block. */
export const SHORTEST_BLOCK_MS = 1_000;

export class BlockMonitor {
  readonly #events: Emitter;
  readonly #running = new Map<string, RunningTask>();
  #beatAt: number;
  #sharedBlockMs = 0;

  /** @param now on a clock that never goes back, in ms */
  constructor(events: Emitter, now: number) {
    this.#events = events;
    this.#beatAt = now;
  }

  /** How long the event loop was blocked in total while several tasks ran, in ms: each may have lost time to another. */
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

  /** Call this every {@link BEAT_MS}. @param now on the same clock as in the constructor, in ms */
  beat(now: number): void {
    const blockedMs = now - this.#beatAt - BEAT_MS;
    this.#beatAt = now;
    if (blockedMs < SHORTEST_BLOCK_MS || this.#running.size === 0) return;
    if (this.#running.size > 1) this.#sharedBlockMs += blockedMs;
    // JavaScript cannot tell which of several handlers it was. All that ran are named.
    const tasks = [...this.#running.values()].map(({ id, name }) => ({ task: id, name }));
    this.#events.emit('worker.blocked', () => ({ seconds: blockedMs / 1_000, tasks }));
  }
}
