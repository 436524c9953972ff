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

/** How often a hidden page is drawn, in milliseconds: its title and icon are still visible. */
export const HIDDEN_FRAME = 500;

/** How often to check whether a task of less than a second is old enough to be shown, in milliseconds. */
export const YOUNG_CHECK = 200;

/** How often the banner's text about the connection is updated, in milliseconds: it counts seconds. */
export const BANNER_TICK = 1_000;

/** Assistive technology hears of progress at most this often, in milliseconds. */
export const ARIA_EVERY = 1_000;

/** How long a bar takes to where it is to be now, in milliseconds; and where there is more to do than was thought. */
export const BAR_STEP = 250;
export const BAR_STEP_BACK = 1_500;

/** Where there is more to do, a bar goes back only by more than this share of it. Else it waits until the truth has come. */
export const BAR_LEAP = 0.03;

/** Two shares of the bar that differ by less are the same: half a pixel of a bar of 250. */
export const SAME_SHARE = 0.002;

/** Two times that differ by less, in milliseconds, are the same moment: clocks of page and server are estimated. */
export const SAME_MOMENT = 100;

/** Rows in a block, at most. */
export const BLOCK_SIZE = 20;

/** The height of a row in `em` until the browser has laid it out: title, status and padding. */
export const ROW_HEIGHT = 4;

/** Scrolling counts as over after this long without a new block in view, in milliseconds. Rows scrolled past are not drawn. */
export const SCROLL_REST = 100;

/** How long a row must be in view, in milliseconds. */
export const SEEN_DWELL = 1_500;

/** How much of a row must be in view, from 0 to 1. */
export const SEEN_THRESHOLD = 0.5;

/** How often title and icon are drawn again while a bar moves by itself, in milliseconds. */
export const REDRAW_INTERVAL = 1_000;
