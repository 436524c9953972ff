/**
 * Limits of requests and of the clock. In a file without imports, since then esbuild writes
 * the numbers where they are used, which makes the page smaller.
 */

/** How long a request may take until the body of its answer is read, in milliseconds. */
export const REQUEST_LIMIT = 10_000;

/** How coarse the header `Date` is, in milliseconds: it has whole seconds. */
export const DATE_STEP = 1_000;
