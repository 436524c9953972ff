/**
 * Decides how to start a task that may have killed its worker process before. Pure. It serves the store, which keeps the
 * suspicion against a task, and the worker, which starts the task (`worker/start/admission-control.ts`).
 *
 * | suspicion against the task                    | next start                                                         |
 * |-----------------------------------------------|--------------------------------------------------------------------|
 * | nothing, or one charged crash                 | `free`: beside anything                                            |
 * | one shared crash                              | `probation`: beside what runs; nothing else starts for some time   |
 * | two crashes, shared or charged                | `alone`: when nothing else runs; nothing else starts for some time |
 * | four or more shared crashes                   | `alone`, until it has ended                                        |
 *
 * A task is on probation until it has run 1.5 times as long as it had run when its worker died, and for 2 s at least. During the
 * first part of that it is exclusive: nothing else starts in the process. On `probation` that part is at most a minute long, and
 * ten minutes if the task runs `alone`.
 *
 * Example: a task had run for 40 s when its worker died beside others. It starts on `probation` for 60 s, and for those
 * 60 s nothing else starts. If it had run for an hour, probation would last 90 minutes, and only the first minute would be
 * exclusive.
 */

/** The crashes that count against a task: those of workers that ran it. */
export interface Suspicion {
  /** Crashes while several tasks ran, any of which may be the cause. */
  readonly shared: number;
  /** Crashes that were charged to this task. */
  readonly charged: number;
  /** The longest it had run when its worker died, in ms. */
  readonly lived: number;
}

/** Of a task whose workers have never died. */
export const NO_SUSPICION: Suspicion = { shared: 0, charged: 0, lived: 0 };

/** How a task is started, see the table above. */
export type Isolation = 'free' | 'probation' | 'alone';

/** How the next start of a task is to be isolated. */
export interface Probation {
  readonly isolation: Isolation;
  /** How long nothing else may start in the process, in ms; Infinity until the task ends. */
  readonly exclusiveMs: number;
  /** How long the task is on probation, in ms; Infinity until the task ends. */
  readonly probationMs: number;
}

/** A task that killed its worker at once is still watched for this long. */
const SHORTEST_PROBATION_MS = 2_000;
/** How long a task on `probation` is exclusive at most, so that the others of its worker do not wait for hours. */
const LONGEST_EXCLUSIVE_MS = 60_000;
/** The same for a task that runs `alone`: longer, since at least two crashes count against it. */
const LONGEST_ALONE_MS = 600_000;
/** Probation lasts this many times as long as the task had run when its worker died. */
const PROBATION_FACTOR = 1.5;
/** From this many shared crashes on, probation lasts until the task ends, to find a task that kills its process late. */
const SHARED_UNTIL_ENDLESS_PROBATION = 4;

/**
 * How the next start of a task is to be isolated. A single crash that is charged to a task can have any cause (an
 * operator, the machine), so after that the task starts freely again.
 */
export function probationFor({ shared, charged, lived }: Suspicion): Probation {
  if (shared === 0 && charged <= 1) return { isolation: 'free', exclusiveMs: 0, probationMs: 0 };
  if (shared >= SHARED_UNTIL_ENDLESS_PROBATION) {
    return { isolation: 'alone', exclusiveMs: Number.POSITIVE_INFINITY, probationMs: Number.POSITIVE_INFINITY };
  }
  const probationMs = Math.max(PROBATION_FACTOR * lived, SHORTEST_PROBATION_MS);
  return shared + charged >= 2
    ? { isolation: 'alone', exclusiveMs: Math.min(probationMs, LONGEST_ALONE_MS), probationMs }
    : { isolation: 'probation', exclusiveMs: Math.min(probationMs, LONGEST_EXCLUSIVE_MS), probationMs };
}
