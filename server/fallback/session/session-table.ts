/** The sessions that are open in this process, and how many each client has. It serves `requests.ts`. */

import type { Opener } from '../access/opener.ts';
import type { FallbackLimits } from '../options.ts';
import type { Close } from './framing.ts';
import type { Session } from './session.ts';

/** A session, and whose it is. */
export interface Entry {
  readonly session: Session;
  readonly opener: Opener;
  /** How many bodies of this session are being read now. */
  bodies: number;
}

export class SessionTable {
  readonly #limits: Pick<FallbackLimits, 'sessions' | 'sessionsPerAddress'>;
  readonly #entries = new Map<string, Entry>();
  readonly #counts = new Map<string, number>();

  constructor(limits: Pick<FallbackLimits, 'sessions' | 'sessionsPerAddress'>) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** @param name of the session, as its URL has it */
  find(name: string): Entry | undefined {
    return this.#entries.get(name);
  }

  /** Whether `client` may open one more. */
  hasRoom(client: string): boolean {
    const { sessions, sessionsPerAddress } = this.#limits;
    return this.#entries.size < sessions && (this.#counts.get(client) ?? 0) < sessionsPerAddress;
  }

  add(name: string, client: string, entry: Entry): void {
    this.#entries.set(name, entry);
    this.#counts.set(client, (this.#counts.get(client) ?? 0) + 1);
  }

  /** Removes this entry of `client`. Does nothing if it was removed already. */
  remove(name: string, client: string, entry: Entry): void {
    if (this.#entries.get(name) !== entry) return;
    this.#entries.delete(name);
    const left = (this.#counts.get(client) ?? 1) - 1;
    if (left > 0) this.#counts.set(client, left);
    else this.#counts.delete(client);
  }

  endAll(close: Close): void {
    for (const { session } of this.#entries.values()) session.end(close);
  }
}
