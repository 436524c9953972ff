/**
 * How long tabs wait for each other, and how much they keep. In a file without imports, since then esbuild writes
 * the numbers where they are used, which makes the page smaller.
 */

/** A lease that was not renewed for this long is free, in milliseconds. */
export const LEASE = 1_500;

/** The leader waits this long at most until it renews its lease, and 20 % less at least, in milliseconds: 400 to 500. */
export const RENEW = 500;

/** How long a tab stays in the group after its feed has disconnected, in milliseconds: the feed may connect again at once. */
export const STAY_AFTER_DISCONNECT = 1_500;

/**
 * When a page is left, each other tab asks the server twice who is signed in (`tabs.ts`), each time after an extra wait of up to
 * this, in milliseconds, at random. After the first answer the others need not ask.
 */
export const CHECK_SPREAD = 350;

/** How many claimed ids are kept: more than a person's inbox holds. 300 ids of 36 characters take about 11 KB of storage. */
export const CLAIMS_KEPT = 300;

/** How late another process may see a change of the storage, in milliseconds. A guess: no browser promises a limit. */
export const STORAGE_LAG = 100;
