/**
 * What push waits for, and how long. In a file without imports, since then esbuild writes
 * the numbers where they are used, which makes the page smaller.
 */

/** Long enough for pusher-js to try every transport, in milliseconds: it starts the third one after 5 s + 4 s = 9 s. */
export const WHOLE_ATTEMPT = 13_000;

/** From the connection to the subscription, in milliseconds: our server has 10 s to sign it. */
export const SUBSCRIBE_LIMIT = 11_000;

/** How many attempts after a loss are short and follow each other quickly. */
export const QUICK_ATTEMPTS = 10;

/** The longest wait between two attempts, in milliseconds, before jitter. */
export const LONGEST_DELAY = 30_000;

/** The longest wait where push was never up on this page, in milliseconds, before jitter. */
export const LONGEST_DELAY_UNTRIED = 150_000;

/** `Link.renew` replaces a connection that brings no news: at most once in this time, in milliseconds. */
export const RENEW_INTERVAL = 60_000;

/** Push over HTTP tries a WebSocket after 5 s, then after 10, 20, 40, 40 … s. In milliseconds. */
export const FIRST_PROBE = 5_000;
export const SLOWEST_PROBE = 40_000;

/** How long a probe may take, in milliseconds. */
export const PROBE_LIMIT = 8_000;

/**
 * How long the answer to a request for the new key of an encrypted channel serves all events that need it, in milliseconds.
 * Otherwise, while two keys are in use, each event that cannot be read would send a request of its own.
 */
export const SHARED_FOR = 2_000;
