/**
 * Counts the messages that each owner got from this process during the last second, and says how many more they may get. It
 * serves the outbox and the pacer. Pure: time goes in, in ms of a clock that never goes back.
 *
 * The worker processes that run tasks of one owner share that owner's budget in equal parts. The store says how many they are
 * (`share`). Example: of 10 messages a second, each of 3 workers may send 3. With 20 workers each may send 1 in 2 s.
 *
 * Urgent messages (outcomes) are counted, but never held back. They never use up the last message of a second, so that
 * progress still moves while many tasks end. Example: with a budget of 10, an owner who gets 50 outcomes in a second can
 * still get 1 other message in that second.
 */

import { WORKER_COUNTS_MS } from '../store/watched-mark.ts';

const SECOND_MS = 1_000;

/** What is known of one owner. */
interface Known {
  /** When messages left that still count, oldest first. */
  readonly normal: number[];
  /** Only the newest, at most one less than the budget: more would use up the last message. */
  readonly urgent: number[];
  /** How many worker processes share the budget, this one included. */
  among: number;
  /** Until when that is believed. */
  amongUntil: number;
}

/** The part of a budget that one process may use: `count` messages in any `ms`. */
interface Share {
  readonly count: number;
  readonly ms: number;
}

export class Budget {
  /** How many messages one owner gets in any second from all workers together, not counting urgent ones. */
  readonly perSecond: number;
  /** Owners who got a message lately, or whose budget is shared. */
  readonly #owners = new Map<string, Known>();
  #cleanedAt = Number.NEGATIVE_INFINITY;

  /** @param perSecond a whole number, at least 1 */
  constructor(perSecond: number) {
    this.perSecond = perSecond;
  }

  /** How many owners have an entry here. Entries that are not needed any more are removed when an entry is made. */
  get owners(): number {
    return this.#owners.size;
  }

  /** `among` worker processes, this one included, run tasks of this owner. That is believed for 15 s (`WORKER_COUNTS_MS`). */
  share(owner: string, among: number, now: number): void {
    // Most owners have their tasks in one process. They need no entry.
    if (among <= 1 && !this.#owners.has(owner)) return;
    const known = this.#owners.get(owner) ?? this.#create(owner, now);
    known.among = Math.max(among, 1);
    known.amongUntil = now + WORKER_COUNTS_MS;
  }

  /** The mean time between two messages of an owner from this process, in ms, if it uses its whole share. */
  gap(owner: string, now: number): number {
    return (SECOND_MS / this.perSecond) * amongOf(this.#owners.get(owner), now);
  }

  /** How many messages that are not urgent may leave now. */
  left(owner: string, now: number): number {
    const known = this.#owners.get(owner);
    if (!known) return this.perSecond;
    const share = this.#shareOf(known, now);
    for (const times of [known.normal, known.urgent]) {
      while (times.length > 0 && (times[0] as number) <= now - share.ms) times.shift();
    }
    return Math.max(share.count - countedOf(known, share).length, 0);
  }

  /**
   * When one more message may leave, if no other leaves before; Infinity if no message counts now. Call `left` first: it removes
   * the messages that count no longer.
   */
  nextAt(owner: string, now: number): number {
    const known = this.#owners.get(owner);
    if (!known) return Number.POSITIVE_INFINITY;
    const share = this.#shareOf(known, now);
    const counted = countedOf(known, share).sort((a, b) => a - b);
    // There are more than `count` if the share has just become smaller.
    return (counted[Math.max(counted.length - share.count, 0)] ?? Number.POSITIVE_INFINITY) + share.ms;
  }

  /** Counts a message that leaves now. */
  spend(owner: string, isUrgent: boolean, now: number): void {
    const { normal, urgent } = this.#owners.get(owner) ?? this.#create(owner, now);
    if (isUrgent) {
      urgent.push(now);
      if (urgent.length >= this.perSecond) urgent.shift();
    } else normal.push(now);
  }

  /**
   * A whole number of messages a second, so that all processes together never send more than the budget in any second. If
   * there are more processes than messages, each sends one in more than a second.
   */
  #shareOf(known: Known, now: number): Share {
    const share = this.perSecond / amongOf(known, now);
    return share >= 1 ? { count: Math.floor(share), ms: SECOND_MS } : { count: 1, ms: SECOND_MS / share };
  }

  #create(owner: string, now: number): Known {
    this.#clean(now);
    const known: Known = { normal: [], urgent: [], among: 1, amongUntil: now };
    this.#owners.set(owner, known);
    return known;
  }

  /** At most once a second: forgets the owners without a message that counts and without a share. */
  #clean(now: number): void {
    if (now - this.#cleanedAt < SECOND_MS) return;
    this.#cleanedAt = now;
    for (const owner of this.#owners.keys()) if (this.left(owner, now) === this.perSecond) this.#owners.delete(owner);
  }
}

function amongOf(known: Known | undefined, now: number): number {
  return known !== undefined && now < known.amongUntil ? known.among : 1;
}

/** The times of the messages that count. Of the urgent ones only the newest: they leave one message of the share. */
function countedOf({ normal, urgent }: Known, { count }: Share): number[] {
  const urgentCounted = Math.min(urgent.length, count - 1);
  return [...normal, ...urgent.slice(urgent.length - urgentCounted)];
}
