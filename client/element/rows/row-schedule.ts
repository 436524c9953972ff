/**
 * Decides which rows are drawn when. Thousands of tasks, of which hundreds change all the time, must not slow the page down.
 * So a row is drawn only if it would look different, and not more often than a person can read. Pure.
 *
 * Of the rows that are due, at most 20 in view and 5 out of view are drawn in one frame. Rows out of view are drawn for
 * search and screen readers. New rows, and rows with a new status, count as in view. On a hidden page all others count as out of
 * view. To make something else change as time passes, add a `DrawAfter`. A bar that moves between two messages needs none: the
 * browser moves it (`row-bar.ts`).
 */

/** Not until something changes. */
export const NEVER = Infinity;

/** Where a row is: the index into a `DrawAfter` and into `ROWS_A_FRAME`. */
export const IN_VIEW = 0;
export const OUT_OF_VIEW = 1;
export type Side = typeof IN_VIEW | typeof OUT_OF_VIEW;

/** How long after its last drawing a row is drawn again, in milliseconds: in view, and out of view. */
export type DrawAfter = readonly [inView: number, outOfView: number];

/** The task has another status, so the row may move to another group. */
export const NEW_STATUS: DrawAfter = [0, 0];
/** Something has changed that all rows depend on: words, connection, commands. */
export const NEW_SHARED: DrawAfter = [0, 2_000];
/** Something else of the task has changed. */
export const NEW_TASK: DrawAfter = [200, 2_000];
/** Only time has passed, and the row shows seconds ("starts in 12 s"). Drawn once a second, and not while out of view. */
export const SECONDS: DrawAfter = [1_000, NEVER];
/** Only time has passed, and the row shows minutes ("3 min ago"). Drawn every 10 s, so it is wrong for 10 s at most. */
export const MINUTES: DrawAfter = [10_000, NEVER];
/** Only time has passed, and the row does not show it. */
export const NOTHING_NEW: DrawAfter = [NEVER, NEVER];

/** How many rows are drawn in one frame at most: in view, and out of view. */
export const ROWS_A_FRAME = [20, 5] as const;

/** In how many milliseconds to draw a row again that was drawn `age` milliseconds ago; 0 for now. */
export function drawIn(after: DrawAfter, side: Side, age: number): number {
  return Math.max(after[side] - age, 0);
}
