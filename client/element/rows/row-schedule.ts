/**
 * Which rows are drawn when. Thousands of tasks, hundreds of which change all the time, must not keep the page from its
 * frames. So a row is drawn only if it would look different, and no more often than a person can read. Pure.
 *
 * Of the rows whose time has come, 20 in view and 5 out of view are drawn in one frame. Those out of view are there for
 * search and screen readers. Whatever else is to move by itself (a bar between two messages) is another of these lines.
 */

/** Not before something else is new. */
export const NEVER = Infinity;

/** How long after a row was drawn it is drawn again, in milliseconds: `[in view, out of view]`. */
export type DrawAfter = readonly [inView: number, outOfView: number];

/** Its status is new, by which it may move to another group. */
export const NEW_STATUS: DrawAfter = [0, 0];
/** Something is new that all rows depend on: words, connection, commands. */
export const NEW_SHARED: DrawAfter = [0, 2_000];
/** Anything else about its task is new. */
export const NEW_TASK: DrawAfter = [200, 2_000];
/** Only the time has passed, of which its words tell the seconds (active tasks) or the minutes (finished ones). */
export const SECONDS: DrawAfter = [1_000, NEVER];
export const MINUTES: DrawAfter = [10_000, NEVER];
export const NOTHING_NEW: DrawAfter = [NEVER, NEVER];

/** Where a row is: an index into what there is one of for each. */
export const IN_VIEW = 0;
export const OUT_OF_VIEW = 1;
export type Side = typeof IN_VIEW | typeof OUT_OF_VIEW;

/** So many rows are drawn in one frame, at most. */
export const ROWS_A_FRAME = [20, 5] as const;

/** In how many milliseconds a row that was drawn `age` milliseconds ago is to be drawn again: 0 for now. */
export function drawIn(after: DrawAfter, side: Side, age: number): number {
  return Math.max(after[side] - age, 0);
}
