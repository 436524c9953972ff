/**
 * Times and sizes of the tray. In a file without imports, since then esbuild writes
 * the numbers where they are used, which makes the page smaller.
 */

/** How long a toast is shown where the page does not say, in milliseconds. */
export const TOAST_DURATION = 6_000;

/** How many outcomes get a row before "Show more" is pressed. */
export const FIRST_ROWS = 30;

/** How near the panel may come to the edges of the window, in pixels. */
export const PANEL_MARGIN = 8;

/** How long news is collected before it is announced together, in milliseconds. */
export const COLLECT_NEWS_FOR = 1_000;

/** How many announced slow tasks are remembered; the oldest is forgotten first. */
export const SLOW_KEPT = 500;

/** How often a hidden page is drawn at most, in milliseconds: its title and icon are still visible. */
export const HIDDEN_FRAME = 500;

/** How often to check whether a task of less than a second is old enough to be shown, in milliseconds. */
export const YOUNG_CHECK = 200;

/** How often the banner's text about the connection is updated, in milliseconds: it counts seconds. */
export const BANNER_TICK = 1_000;

/** Assistive technology hears of progress at most this often, in milliseconds. */
export const ARIA_EVERY = 1_000;

/** How long a bar takes to move forward to where it should be, in milliseconds. */
export const BAR_STEP = 250;

/** How long a bar takes to go back when the total has grown, in milliseconds. */
export const BAR_STEP_BACK = 1_500;

/**
 * When the total has grown, a bar goes back only if that is more than this share of its length. Otherwise it stands still until
 * the progress has caught up.
 */
export const BAR_LEAP = 0.03;

/** Two shares of a bar that differ by less count as the same: half a pixel of a bar that is 250 pixels wide. */
export const SAME_SHARE = 0.002;

/** Two times that differ by less, in milliseconds, count as the same moment: the server's clock is only estimated. */
export const SAME_MOMENT = 100;

/** Rows in a block, at most. */
export const BLOCK_SIZE = 20;

/** The height of a row in `em` until the browser has laid it out: title, status and padding. */
export const ROW_HEIGHT = 4;

/**
 * Scrolling counts as over if for this long no block has come into view or gone out of it, in milliseconds. Rows scrolled past
 * are not drawn.
 */
export const SCROLL_REST = 100;

/** How long a row must be in view until its outcome counts as seen, in milliseconds. */
export const SEEN_DWELL = 1_500;

/** How much of a row must be in view for that, from 0 to 1. */
export const SEEN_THRESHOLD = 0.5;

/** How often title and icon are drawn again while a bar moves by itself, in milliseconds. */
export const REDRAW_INTERVAL = 1_000;
