/**
 * What the server calls now, reckoned by a clock of ours that goes evenly. A page's own clock may be wrong by minutes,
 * and may be corrected while a task runs; neither must make it look as if a worker were gone.
 *
 * An answer that left the server at `T` was asked for at `sent` and was here at `received`, so what is to be added to
 * our clock lies between `T - received` and `T - sent`. What was reckoned before is kept where it fits, and moved no
 * further than it must where it does not: the quickest answer counts most, and a clock that was set is followed at once.
 */

import { TIME_HEADER } from '../core/wire.ts';

/** Between which two moments of our clock something happened; milliseconds. */
export interface Span {
  readonly sent: number;
  readonly received: number;
}

export interface ServerClock {
  /** The server's time, in milliseconds since 1970; ours until there is anything to go by. */
  now(): number;
  /** An answer that came in `span` carries these headers. */
  hearAnswer(headers: Pick<Headers, 'get'>, span: Span): void;
  /** Something that the server stored at `at` (ISO 8601) is here. Counts only where no answer ever told a time. */
  hearChange(at: string): void;
}

/** `Date` is in whole seconds. */
const DATE_STEP = 1_000;

/** @param now a clock that goes evenly, in milliseconds */
export function createServerClock(now: () => number): ServerClock {
  let offset: number | null = null;
  let isTold = false;

  function narrow(least: number, most: number): void {
    offset = offset === null ? (least + most) / 2 : Math.min(Math.max(offset, least), most);
  }

  return {
    now: () => now() + (offset ?? 0),
    hearAnswer(headers, { sent, received }) {
      // NaN where there is no such header, or no time in it.
      const exact = Date.parse(headers.get(TIME_HEADER) ?? '');
      const at = exact || Date.parse(headers.get('date') ?? '');
      if (!at) return;
      // What changes told was a guess that knows no upper end.
      if (!isTold) offset = null;
      isTold = true;
      narrow(at - received, at - sent + (exact ? 0 : DATE_STEP));
    },
    hearChange(at) {
      const least = Date.parse(at) - now();
      if (!isTold && !Number.isNaN(least)) narrow(least, Math.max(least, offset ?? least));
    },
  };
}
