/**
 * Counts the messages that each owner got during the last second, and says how many more they may get. It serves the
 * outbox and the pacer. Pure: time goes in, in ms of a clock that never goes back.
 *
 * Urgent messages (outcomes) are counted, but never held back. They never use up the last message of a second, so that
 * progress still moves while many tasks end. Example: with a budget of 10, an owner who gets 50 outcomes in a second can
 * still get 1 other message in that second.
 */

const SECOND_MS = 1_000;

/** When messages left during the last second, oldest first. */
interface Sent {
  readonly normal: number[];
  /** Only the newest, at most one less than the budget: more would use up the last message. */
  readonly urgent: number[];
}

export class Budget {
  /** How many messages one owner gets in any second, not counting urgent ones. */
  readonly perSecond: number;
  /** Owners who got a message lately. */
  readonly #sent = new Map<string, Sent>();
  #cleanedAt = Number.NEGATIVE_INFINITY;

  /** @param perSecond a whole number, at least 1 */
  constructor(perSecond: number) {
    this.perSecond = perSecond;
  }

  /** How many owners have an entry here. An owner without a message for a second or two has none. */
  get owners(): number {
    return this.#sent.size;
  }

  /** How many messages that are not urgent may leave now. */
  left(owner: string, now: number): number {
    const sent = this.#sent.get(owner);
    if (!sent) return this.perSecond;
    forgetOld(sent, now);
    return Math.max(this.perSecond - sent.normal.length - sent.urgent.length, 0);
  }

  /** When the oldest counted message is a second old, so that one more may leave; Infinity if none counts. Call `left` first. */
  nextAt(owner: string): number {
    const sent = this.#sent.get(owner);
    return (
      Math.min(sent?.normal[0] ?? Number.POSITIVE_INFINITY, sent?.urgent[0] ?? Number.POSITIVE_INFINITY) + SECOND_MS
    );
  }

  /** Counts a message that leaves now. */
  spend(owner: string, isUrgent: boolean, now: number): void {
    const { normal, urgent } = this.#sent.get(owner) ?? this.#create(owner, now);
    if (isUrgent) {
      urgent.push(now);
      if (urgent.length >= this.perSecond) urgent.shift();
    } else normal.push(now);
  }

  #create(owner: string, now: number): Sent {
    this.#clean(now);
    const sent: Sent = { normal: [], urgent: [] };
    this.#sent.set(owner, sent);
    return sent;
  }

  /** Once a second, forgets the owners without a message in the last second. */
  #clean(now: number): void {
    if (now - this.#cleanedAt < SECOND_MS) return;
    this.#cleanedAt = now;
    for (const owner of this.#sent.keys()) if (this.left(owner, now) === this.perSecond) this.#sent.delete(owner);
  }
}

function forgetOld({ normal, urgent }: Sent, now: number): void {
  for (const times of [normal, urgent]) {
    while (times.length > 0 && (times[0] as number) <= now - SECOND_MS) times.shift();
  }
}
