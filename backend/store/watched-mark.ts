/**
 * The fields of `page:<channel>`, the mark that tells whether an owner has a page open. It serves the commands that write
 * the mark and those that read it.
 *
 * A channel has a mark only after a page was authorized on it. Without a mark nothing is known, and the owner counts as
 * watched: an unneeded push is harmless, a missing one is not.
 *
 * | field     | in Redis | holds                                     | written by                              |
 * |-----------|----------|-------------------------------------------|-----------------------------------------|
 * | openedAt  | `o`      | when a page last entered the channel (ms) | note-watched, note-webhook              |
 * | vacatedAt | `v`      | when the last page left it (ms)           | note-webhook                            |
 * | owner     | `w`      | whose channel it is                       | note-watched, when a page is authorized |
 * | `p<id>`   | `p<id>`  | when that worker last stored something    | commit-change, of a worker's own tasks  |
 *
 * Times are in ms since 1970 by Redis' clock. The owner is watched unless `vacatedAt` is later than `openedAt`.
 *
 * The workers share the owner's message budget: each change of a running task answers how many they are. A worker counts for
 * 15 s. A task that runs is changed at least every 10 s (its sign of life). So a worker that runs a task of the owner always
 * counts. The worker's time is written again only once it is 3 s old, so that most changes write nothing here.
 */

/** The names of a mark's fields in Redis; `worker` is a prefix. */
export const MARK = { openedAt: 'o', vacatedAt: 'v', owner: 'w', worker: 'p' } as const;

/** For how long a worker that has stored something for the owner counts as one that shares the owner's budget. */
export const WORKER_COUNTS_MS = 15_000;
/** How old the time of a worker may be before it is written again, in ms. */
export const WORKER_RENEWED_MS = 3_000;

/**
 * How long a mark is kept, in seconds: 7 days, longer than pages stay open. Authorizations and webhooks renew it. When it
 * has expired, the owner counts as watched.
 */
export const MARK_TTL_S = 7 * 24 * 3_600;

/** By how much the time of a webhook, by the bus's clock, may be ahead of Redis' clock. */
export const MAX_WEBHOOK_AHEAD_MS = 5_000;
/** How old a webhook may be. Hosted Pusher repeats one for 5 min, and its way may take 10 s. */
export const MAX_WEBHOOK_AGE_MS = 310_000;
