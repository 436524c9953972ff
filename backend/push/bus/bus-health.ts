/**
 * Says whether the bus takes events, for as few messages as possible: hosted Pusher bills every call. It serves the health
 * checks of servers and workers, which may ask every few seconds.
 *
 * A push that the bus took is proof enough. The processes share it through Redis, so a deployment that pushes something at
 * least every 10 minutes sends nothing for its health checks, and an idle one sends 6 messages an hour, however many
 * processes are asked, and how often. A check goes by these, in this order:
 *
 * 1. A connection to the bus, which costs no message, shows that something listens there.
 * 2. This process's own last request to the bus, if it failed or is less than a minute old.
 * 3. The last success of any process, if it is less than 10 minutes old. But each process sends one event of its own after
 *    it started, which proves its own keys.
 * 4. A probe: an event for nobody. The process that is first to miss a proof sends it.
 *
 * A process whose push has failed removes the proof, so that each other process asks for itself.
 */

import type { Time } from '../../time.ts';

/** A success of this process proves for this long that the bus takes events. In this time it is shared with the others once. */
const OWN_PROOF_MS = 60_000;
/** A success of any process, shared through Redis, proves for this long to all processes that the bus takes events. */
export const SHARED_PROOF_MS = 600_000;
/**
 * A process that finds no proof claims the probe for this long, and probes. Meanwhile the other processes do not probe, and
 * answer that the bus takes events. A probe takes at most 5 s.
 */
const CLAIM_MS = 10_000;

export interface BusHealthPorts {
  readonly bus: { isReachable(): Promise<boolean> };
  readonly publisher: {
    readonly isDown: boolean;
    hasSentWithin(ms: number): boolean;
    probe(): Promise<boolean>;
  };
  /** What the processes share. Each method rejects while Redis is away. */
  readonly proof: {
    /**
     * If there is no proof, stores a placeholder for `ms`, so that only one process probes.
     * @returns whether it stored one: then the caller has to probe
     */
    claim(ms: number): Promise<boolean>;
    /** Stores that the bus took an event; believed for `ms`. */
    give(ms: number): Promise<void>;
    takeAway(): Promise<void>;
  };
  readonly time: Pick<Time, 'elapsed'>;
}

export class BusHealth {
  readonly #ports: BusHealthPorts;
  /** What this process told the others last, and when. */
  #told: 'up' | 'down' | null = null;
  #toldAt = 0;

  constructor(ports: BusHealthPorts) {
    this.#ports = ports;
  }

  /** Takes at most 5 s; while Redis is away 8 s: 1.5 s before the probe and 1.5 s after it. Never rejects. */
  async check(): Promise<boolean> {
    const [isReachable, takesEvents] = await Promise.all([this.#ports.bus.isReachable(), this.#takesEvents()]);
    return isReachable && takesEvents;
  }

  async #takesEvents(): Promise<boolean> {
    const { publisher } = this.#ports;
    if (!publisher.isDown && !publisher.hasSentWithin(OWN_PROOF_MS)) {
      if (publisher.hasSentWithin(Number.POSITIVE_INFINITY) && !(await this.#isUnproved())) return true;
      await publisher.probe();
    }
    await this.#tell(publisher.isDown ? 'down' : 'up');
    return !publisher.isDown;
  }

  /** Whether this process has to find out by itself. */
  async #isUnproved(): Promise<boolean> {
    try {
      return await this.#ports.proof.claim(CLAIM_MS);
    } catch {
      // Redis is away, and the proof with it. This process has only its own.
      return !this.#ports.publisher.hasSentWithin(SHARED_PROOF_MS);
    }
  }

  async #tell(news: 'up' | 'down'): Promise<void> {
    const { proof, time } = this.#ports;
    const now = time.elapsed();
    if (news === this.#told && (news === 'down' || now - this.#toldAt < OWN_PROOF_MS)) return;
    try {
      await (news === 'up' ? proof.give(SHARED_PROOF_MS) : proof.takeAway());
      this.#told = news;
      this.#toldAt = now;
    } catch {
      // Redis is away. The next check tells it.
    }
  }
}
