/**
 * The server's time, estimated with a monotonic clock of the page. The device's own clock may be wrong by minutes, and may
 * be corrected while a task runs. Neither may make it look as if a working worker were gone.
 *
 * An answer that left the server at `T` was asked for at `sent` and arrived at `received`, by the page's clock. So the offset of
 * the server's clock lies between `T - received` and `T - sent`. Example: asked at 1,000, arrived at 1,200, and the server
 * says 5,100: the offset is between 3,900 and 4,100. An estimate within those limits stays; another one is moved to the
 * nearer limit. So the fastest answers count most, and a correction of the server's clock is followed at once.
 */

import { TIME_HEADER } from '../core/wire.ts';
import { DATE_STEP } from './limits.ts';

/** When a request was sent and its answer received, by the page's clock; in milliseconds. */
export interface Span {
  readonly sent: number;
  readonly received: number;
}

export interface ServerClock {
  /** The server's time, in milliseconds since 1970. The page's own time until the server's is known. */
  now(): number;
  /** Improves the estimate by the headers of an answer that was on its way for `span`. */
  learnFromAnswer(headers: Pick<Headers, 'get'>, span: Span): void;
}

/** @param now a monotonic clock, in milliseconds since 1970 */
export function createServerClock(now: () => number): ServerClock {
  let offset: number | null = null;
  return {
    now: () => now() + (offset ?? 0),
    learnFromAnswer(headers, span) {
      // NaN where there is no such header, or no time in it.
      const exact = Date.parse(headers.get(TIME_HEADER) ?? '');
      const at = exact || Date.parse(headers.get('date') ?? '');
      if (!at) return;
      const least = at - span.received;
      // The header `Date` leaves out parts of a second, so the answer may have left up to DATE_STEP later than it says.
      const most = at - span.sent + (exact ? 0 : DATE_STEP);
      offset = offset === null ? (least + most) / 2 : Math.min(Math.max(offset, least), most);
    },
  };
}
