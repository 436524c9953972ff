/**
 * Who is to blame when a worker process dies, and how carefully a suspect is started again. Pure.
 *
 * A process takes all its tasks with it, and usually one of them did it (memory, a native crash, `process.exit`). The
 * others must not pay with an attempt. So a death is charged only to a task that was the only one it could have been:
 *
 * - A task that ran alone is charged.
 * - Of several, none is charged: all are suspects. A worker starts suspects one by one. A suspect is on probation until
 *   it has run half as long again as it had when its worker died; during the first minute of that nothing else starts.
 * - A death while one task is on probation is charged to that task. The others have passed theirs and stay innocent.
 * - A process that was ended since it was blocked beyond the deadline of a task: that task has failed where it ran alone.
 *   Beside others it may be any of them that blocked, one without a deadline too, so it is a suspect like the others.
 * - A task with two marks against it runs alone from then on (or after ten minutes beside those that take longer still,
 *   `worker/isolation.ts`), at least for the first ten minutes of its probation.
 *
 * Example: three honest tasks of 60 s and one that ends its process after 2 s start together in one worker. All four are
 * suspects. The honest ones pass their probation one after the other, and run on. The fourth dies on probation: charged.
 * It waits until it can run alone, dies twice more, and has failed. The honest ones are still on attempt 1.
 */

/** What is held against a task, from deaths of its workers. */
export interface Suspicion {
  /** Deaths among several tasks, any of which could have been to blame. */
  readonly shared: number;
  /** Deaths that were charged to this task. */
  readonly charged: number;
  /** The longest it had run when its worker died, in ms. */
  readonly lived: number;
}

export const NO_SUSPICION: Suspicion = { shared: 0, charged: 0, lived: 0 };

/** How a task is started: `free` beside anybody, `probation` with nothing starting after it, `alone` with nothing beside it. */
export type Isolation = 'free' | 'probation' | 'alone';

/** What a dead worker was at. */
export interface Casualty {
  readonly id: string;
  /** `free` once the probation is over. */
  readonly isolation: Isolation;
}

/**
 * - `deadline`: it blocked its process beyond its own deadline, with nothing beside it. The task has failed.
 * - `charged`: it is to blame. The death costs it an attempt.
 * - `suspect`: it could have been this task. It starts again with the same attempt, carefully.
 * - `innocent`: it was another one. It starts again with the same attempt.
 */
export type Verdict = 'deadline' | 'charged' | 'suspect' | 'innocent';

const SHORTEST_PROBATION_MS = 2_000;
const LONGEST_EXCLUSIVE_MS = 60_000;
const LONGEST_ALONE_MS = 600_000;
/** From so many shared deaths on, probation lasts until the task ends: what kills late is found too. */
const SHARED_UNTIL_WATCHED_TO_THE_END = 4;
/** From so many on, a shared death is charged: even a task that is never to blame has to end some day. */
const SHARED_UNTIL_CHARGED = 10;

/** What becomes of each task of a dead worker. @param overDeadline ids of those beyond whose deadline it was blocked */
export function judgeDeath(
  casualties: readonly (Casualty & { readonly suspicion: Suspicion })[],
  overDeadline: ReadonlySet<string>,
): ReadonlyMap<string, Verdict> {
  const watched = casualties.filter(({ isolation }) => isolation !== 'free');
  const culprit = casualties.length === 1 ? casualties[0] : watched.length === 1 ? watched[0] : null;
  const isBlocked = casualties.some(({ id }) => overDeadline.has(id));
  const verdictOf = ({ id, suspicion }: (typeof casualties)[number]): Verdict => {
    if (culprit && culprit.id !== id) return 'innocent';
    if (isBlocked && casualties.length === 1) return 'deadline';
    if (culprit && !isBlocked) return 'charged';
    return suspicion.shared + 1 >= SHARED_UNTIL_CHARGED ? 'charged' : 'suspect';
  };
  return new Map(casualties.map((casualty) => [casualty.id, verdictOf(casualty)]));
}

/** What is held against a task after a verdict. @param lived how long it had run when its worker died, in ms */
export function suspicionAfter(before: Suspicion, verdict: Verdict, lived: number): Suspicion {
  switch (verdict) {
    case 'charged':
      return { ...before, charged: before.charged + 1, lived: Math.max(before.lived, lived) };
    case 'suspect':
      return { ...before, shared: before.shared + 1, lived: Math.max(before.lived, lived) };
    case 'innocent':
      // It was another one, this time and, as far as anybody can tell, the time before.
      return { ...before, shared: 0 };
    case 'deadline':
      return before;
  }
}

/** How a start is watched. */
export interface Watch {
  readonly isolation: Isolation;
  /** How long nothing else may start in the process, in ms. */
  readonly exclusiveMs: number;
  /** How long the task is on probation, in ms; infinite for until it ends. */
  readonly probationMs: number;
}

/**
 * How the next start of a task is to be watched. One death that a task was charged with alone may be anything (an
 * operator, the machine): it starts freely again.
 */
export function watchFor({ shared, charged, lived }: Suspicion): Watch {
  if (shared === 0 && charged <= 1) return { isolation: 'free', exclusiveMs: 0, probationMs: 0 };
  if (shared >= SHARED_UNTIL_WATCHED_TO_THE_END) {
    return { isolation: 'alone', exclusiveMs: Number.POSITIVE_INFINITY, probationMs: Number.POSITIVE_INFINITY };
  }
  const isStrong = shared + charged >= 2;
  const probationMs = Math.max(1.5 * lived, SHORTEST_PROBATION_MS);
  return isStrong
    ? { isolation: 'alone', exclusiveMs: Math.min(probationMs, LONGEST_ALONE_MS), probationMs }
    : { isolation: 'probation', exclusiveMs: Math.min(probationMs, LONGEST_EXCLUSIVE_MS), probationMs };
}
