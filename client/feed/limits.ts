/**
 * How long a feed waits for what, and how much it keeps or asks for at once. In a file without imports, since then esbuild writes
 * the numbers where they are used, which makes the page smaller.
 */

/** After this time without push, a mistake in how the page is set up is looked for, in milliseconds. */
export const MISTAKE_AFTER = 2_000;

/** Snapshots that are pushed closer together than this are received together, in milliseconds. */
export const PUSH_FRAME = 16;

/** How many pages one call of `loadMore` may read. It reads on while a page holds only tasks that are known already. */
export const OLDER_PAGES = 10;

/** The feed asks about an active task that was silent for this long, in milliseconds. Workers give a sign of life every 10 s. */
export const SILENCE = 15_000;

/**
 * The wait between two rounds without push and without active tasks, in milliseconds. With jitter and the time of an answer, a
 * task that was started elsewhere shows within 15 s.
 */
export const IDLE_WAIT = 12_000;

/** The longest `Retry-After` that is respected, in seconds. */
export const MAX_RETRY_AFTER = 120;

/** How many tasks one page holds. */
export const PAGE_SIZE = 100;

/** How many pages of active tasks one round reads: 1,000 tasks. */
export const ROUND_PAGES = 10;

/** How many of the most recent tasks a round asks for first. Most users have no more. */
export const RECENT_COUNT = 20;

/**
 * How many ids of seen outcomes are kept (`TaskList.seen`), for snapshots that do not say yet that they were seen. The oldest are
 * dropped first.
 */
export const MAX_EARLY_SEEN = 1_000;

/** A second change of user within this time means that answers contradict each other, in milliseconds. */
export const DISPUTE_TIME = 2_000;

/**
 * How many outcomes are kept besides those that the user asked for with `loadMore`. A page that is open for a week must not
 * keep all outcomes of that week.
 */
export const OUTCOMES_KEPT = 500;
