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
 *
 * Times are in ms since 1970 by Redis' clock. The owner is watched unless `vacatedAt` is later than `openedAt`.
 */

/** The names of a mark's fields in Redis. */
export const MARK = { openedAt: 'o', vacatedAt: 'v', owner: 'w' } as const;

/**
 * How long a mark is kept, in seconds: 7 days, longer than pages stay open. Authorizations and webhooks renew it. When it
 * has expired, the owner counts as watched.
 */
export const MARK_TTL_S = 7 * 24 * 3_600;
