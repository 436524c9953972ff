/** What the schedule knows of one owner: what waits for them, and how much of their budget is left. Pure. */

export const SECOND_MS = 1_000;

/** What the schedule has to know of an event. */
export interface Entry {
  /** The task's id, or something of its own for events that are of no task. */
  readonly key: string;
  readonly revision: number;
  /** Outcomes: never held back, never given up for their age. */
  readonly mustArrive: boolean;
}

export interface Waiting<E> {
  readonly entry: E;
  readonly since: number;
}

/** What is known of one owner. */
export interface Lane<E extends Entry> {
  readonly owner: string;
  readonly waiting: Map<string, Waiting<E>>;
  /** How many of them are outcomes. */
  waitingOutcomes: number;
  /** Tasks that ask for a turn, by the time before which they do not want it. */
  readonly asking: Map<string, number>;
  /** When events left during the last second, oldest first. */
  readonly others: number[];
  /** The same of the last outcomes, one less than the budget. */
  readonly outcomes: number[];
  /** Turns given and not ended. */
  turns: number;
  nextTurnAt: number;
  isSending: boolean;
}

/** A lane in which nothing has happened. */
export function createLane<E extends Entry>(owner: string): Lane<E> {
  return {
    owner,
    waiting: new Map(),
    waitingOutcomes: 0,
    asking: new Map(),
    others: [],
    outcomes: [],
    turns: 0,
    nextTurnAt: 0,
    isSending: false,
  };
}

/** How many events of the budget are left. Forgets those of more than a second ago. */
export function room<E extends Entry>(lane: Lane<E>, eventsPerSecond: number, now: number): number {
  for (const times of [lane.others, lane.outcomes]) {
    while (times.length > 0 && (times[0] as number) <= now - SECOND_MS) times.shift();
  }
  return Math.max(eventsPerSecond - lane.others.length - lane.outcomes.length, 0);
}

/** When a lane without room has some again. */
export function roomAt<E extends Entry>(lane: Lane<E>): number {
  return Math.min(lane.others[0] ?? Number.POSITIVE_INFINITY, lane.outcomes[0] ?? Number.POSITIVE_INFINITY) + SECOND_MS;
}

/** An event of the owner leaves. */
export function spend<E extends Entry>(lane: Lane<E>, entry: E, eventsPerSecond: number, now: number): void {
  (entry.mustArrive ? lane.outcomes : lane.others).push(now);
  if (lane.outcomes.length >= eventsPerSecond) lane.outcomes.shift();
}
