/** Times as snapshots and events carry them: ISO 8601 in UTC, with milliseconds. */

/** The time that is `ms` from now. */
export function isoTime(ms = 0): string {
  return new Date(Date.now() + ms).toISOString();
}
