/**
 * Times and shares of what a UI shows. In a file without imports, since then esbuild writes
 * the numbers where they are used, which makes the page smaller.
 */

/** An active task is shown only when it is older than this, in milliseconds. A shorter task appears with its outcome. */
export const TOO_YOUNG = 1_000;

/** A bar that goes back by less than this share of its length needs no explanation. */
export const UNEXPLAINED_SHARE = 0.03;

/** How long a loss lasts before the banner mentions it, in milliseconds. */
export const MENTION_LOSS_AFTER = 2_000;

/** After a loss this long, in milliseconds, something probably blocks push for good. The banner no longer says "Reconnecting". */
export const BLOCKED_AFTER = 60_000;

/**
 * How many entries a collection by task id may keep beyond the number of tasks in the list (`forget.ts`). A removal looks at all
 * entries, so about 500 are removed at a time.
 */
export const FORGET_SLACK = 500;

/** How many numbers of a result are shown. */
export const MAX_FACTS = 4;

/** The weight of old reports halves in this time, in milliseconds. */
export const PACE_HALF_LIFE = 8_000;

/**
 * How long a pace must have been measured to be reliable, in milliseconds. After this long without a report it is not reliable
 * any more, unless the task reports a rate (`timeLeft`).
 */
export const MIN_PACE_TIME = 5_000;

/** A pace whose `spread` is greater is not reliable. */
export const MAX_PACE_SPREAD = 0.6;

/** A total that changes by at most this share counts as the same: the estimate changes little. */
export const SAME_TOTAL = 0.02;

/** Reports closer together than this are counted as one, in milliseconds: a rate over so short a time is noise. */
export const MIN_REPORT_GAP = 400;

/** How long a row says that the total has grown, in milliseconds. */
export const GROWTH_SHOWN = 15_000;

/** After this long without a sign of life, in milliseconds, a row looks like a warning. It says so in words from 10.5 s on. */
export const NO_SIGN_AFTER = 30_000;

/** How full a bar gets before the outcome, from 0 to 1: a full bar would look finished. */
export const FULLEST_BAR = 0.985;

/** A wait of less than this would read "starts in 0 s", in milliseconds. */
export const SHORTEST_WAIT = 500;

/** How many toasts are shown at once. */
export const TOASTS_SHOWN = 3;

/**
 * More than {@link TOASTS_SHOWN} outcomes within this time, in milliseconds, are a burst. It goes on while each outcome comes
 * within this time of the one before.
 */
export const BURST_GAP = 1_000;

/** How long after the user's return outcomes count as missed, in milliseconds: what was missed is fetched in that time. */
export const RETURN_WINDOW = 3_000;
