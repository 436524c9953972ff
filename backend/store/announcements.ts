/**
 * What processes tell each other through Redis' publish and subscribe: which tasks are to be cancelled, and which tasks
 * changed while a request waits for them. It serves `Redis`. It has a connection of its own, since one that subscribes
 * cannot send other commands.
 *
 * Redis keeps no message: a process that is not connected misses it. So after each reconnection the listeners of changes
 * are told that they may have missed some. A missed cancellation does no harm: the worker's next write finds the task
 * `cancelling`.
 */

import { withDeadline } from '../async.ts';
import type { RedisAddress } from '../redis/address.ts';
import { Connection } from '../redis/connection.ts';
import { COMMAND_DEADLINE_MS } from './command-sender.ts';
import type { Keys } from './keys.ts';

export interface AnnouncementsOptions {
  readonly address: RedisAddress;
  readonly keys: Keys;
  /** Resolves when Redis was inspected and may be used. */
  readonly permit: () => Promise<void>;
  /** Tells the operator what went wrong. @returns the error to throw to the caller */
  readonly report: (error: unknown) => unknown;
}

/** The subscriptions of one process. It connects when somebody first listens. */
export class Announcements {
  readonly #options: AnnouncementsOptions;
  readonly #connection: Connection<Record<never, never>>;
  /** By the name of the channel. */
  readonly #listeners = new Map<string, Set<(message: string) => void>>();
  readonly #changeListeners = new Set<(id: string | null) => void>();

  constructor(options: AnnouncementsOptions) {
    this.#options = options;
    this.#connection = new Connection({
      address: options.address,
      scripts: {},
      permit: options.permit,
      prepare: async (client) => {
        const all = [...this.#listeners].flatMap(([channel, listeners]) =>
          [...listeners].map((listener) => client.subscribe(channel, listener)),
        );
        await Promise.all(all);
      },
      onReady: () => {
        for (const listener of this.#changeListeners) listener(null);
      },
      onFault: options.report,
    });
  }

  /** Calls `listener` with the id of each task that is to be cancelled, from now on and over reconnections. */
  onCancel(listener: (id: string) => void): Promise<void> {
    return this.#subscribe(this.#options.keys.cancelChannel, listener);
  }

  /**
   * Calls `listener` with the id of each task that changes while it is marked as waited for, and with null after a
   * reconnection, when changes and marks may have been lost. The same function is never added twice.
   */
  async onChange(listener: (id: string | null) => void): Promise<void> {
    if (!this.#changeListeners.has(listener)) await this.#subscribe(this.#options.keys.changedChannel, listener);
    this.#changeListeners.add(listener);
  }

  /** Connects again. Call it when Redis may be another server by now: this connection would not notice. */
  reconnect(): void {
    this.#connection.renew(null);
  }

  close(): void {
    this.#connection.close();
  }

  async #subscribe(channel: string, listener: (message: string) => void): Promise<void> {
    const listeners = this.#listeners.get(channel) ?? new Set();
    // Added before there is a connection: either this call subscribes, or `prepare` of a connection that is being made does.
    this.#listeners.set(channel, listeners.add(listener));
    try {
      const subscribing = this.#connection.run((client) => client.subscribe(channel, listener), COMMAND_DEADLINE_MS);
      await withDeadline(subscribing, COMMAND_DEADLINE_MS);
    } catch (error) {
      listeners.delete(listener);
      throw this.#options.report(error);
    }
  }
}
