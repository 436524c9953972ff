/**
 * Decides which tasks the crash of a worker process is charged to. Pure. It serves `lost-workers.ts`.
 *
 * A process takes all its tasks with it, and usually one of them is the cause (memory, a native crash, `process.exit`). The
 * others must not pay with an attempt. So a crash is charged only to a task that alone can be the cause:
 *
 * | the process ran                                   | verdict                                                        |
 * |---------------------------------------------------|----------------------------------------------------------------|
 * | one task                                          | charged                                                        |
 * | several, none or more than one on probation       | all are suspects, and none is charged                          |
 * | several, one on probation                         | that one is charged; the others are innocent                   |
 * | one task, and the watchdog ended it, since the    | deadline: the task has failed                                  |
 * | event loop was blocked beyond the task's deadline |                                                                |
 * | several, and the watchdog ended it                | none is charged, since any of them may have blocked. If one    |
 * |                                                   | was on probation, it is a suspect and the others are innocent; |
 * |                                                   | otherwise all are suspects                                     |
 *
 * There is one exception: a suspect of the tenth shared crash is charged.
 *
 * `probation.ts` says how suspects are started again.
 *
 * Example: three honest tasks of 60 s, and one that ends its process after 2 s, start together in one worker. It dies, and
 * all four are suspects. They start again one after the other. The three honest ones pass their probation (3 s each) and
 * run on. The fourth kills the process during its probation: charged, attempt 2. It then has to run alone, kills the
 * process twice more, and has failed. The honest ones are still on attempt 1.
 */

import type { Isolation, Suspicion } from './probation.ts';

/** A task that a process ran when it died. */
export interface CrashedTask {
  readonly id: string;
  /** How the task had been started; `free` once its probation is over. */
  readonly isolation: Isolation;
  readonly suspicion: Suspicion;
}

/**
 * - `deadline`: it blocked its process beyond its own deadline, with nothing beside it. The task has failed.
 * - `charged`: it counts as the cause. The crash costs it an attempt.
 * - `suspect`: it could be the cause. It starts again with the same attempt, on probation.
 * - `innocent`: another task is the cause. It starts again with the same attempt.
 */
export type Verdict = 'deadline' | 'charged' | 'suspect' | 'innocent';

/** The tenth shared crash is charged to the task. Otherwise a task that is never the only suspect could crash workers for ever. */
const SHARED_UNTIL_CHARGED = 10;

/**
 * What becomes of each task of a dead worker, by its id.
 * @param overDeadline ids of the tasks because of which the watchdog ended the worker; empty if it died otherwise
 */
export function judgeCrash(
  tasks: readonly CrashedTask[],
  overDeadline: ReadonlySet<string>,
): ReadonlyMap<string, Verdict> {
  const onProbation = tasks.filter(({ isolation }) => isolation !== 'free');
  const culprit = tasks.length === 1 ? tasks[0] : onProbation.length === 1 ? onProbation[0] : null;
  const wasBlocked = tasks.some(({ id }) => overDeadline.has(id));
  const verdictOn = ({ id, suspicion }: CrashedTask): Verdict => {
    if (culprit && culprit.id !== id) return 'innocent';
    if (wasBlocked && tasks.length === 1) return 'deadline';
    if (culprit && !wasBlocked) return 'charged';
    return suspicion.shared + 1 >= SHARED_UNTIL_CHARGED ? 'charged' : 'suspect';
  };
  return new Map(tasks.map((task) => [task.id, verdictOn(task)]));
}

/** The suspicion against a task after a verdict. @param lived how long the task had run when its worker died, in ms */
export function suspicionAfter(before: Suspicion, verdict: Verdict, lived: number): Suspicion {
  switch (verdict) {
    case 'charged':
      return { ...before, charged: before.charged + 1, lived: Math.max(before.lived, lived) };
    case 'suspect':
      return { ...before, shared: before.shared + 1, lived: Math.max(before.lived, lived) };
    case 'innocent':
      // Another task is the cause, this time and, as far as anybody can tell, the times before.
      return { ...before, shared: 0 };
    case 'deadline':
      return before;
  }
}
