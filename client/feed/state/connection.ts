/** How news reaches the page: a status, with the details that a UI needs to explain it. */

import type { LinkState } from '../../push/link.ts';
import type { PushLoss } from '../../push/pusher.ts';

/** How news reaches this page. `since` is in milliseconds since 1970. */
export type ConnectionState =
  /** Starting; nothing has gone wrong yet. Tasks may be here already, and are asked for every few seconds. */
  | { readonly status: 'connecting' }
  /** News is pushed as it happens. */
  | { readonly status: 'live' }
  /** Push is away; the server is asked every few seconds instead. `reason` says whether push will be back soon. */
  | { readonly status: 'polling'; readonly since: number; readonly reason: PushLoss }
  /** The server cannot be reached: what is shown is old. */
  | { readonly status: 'offline'; readonly since: number }
  /**
   * The server answered 401. It is asked again when the page wakes or gets the focus, when `refresh` is called, or when another
   * tab says that somebody has signed in.
   */
  | { readonly status: 'signed-out' }
  /** `close()` was called. */
  | { readonly status: 'closed' };

/** What a connection state is derived from. */
export interface ConnectionFacts {
  readonly isClosed: boolean;
  readonly isSignedOut: boolean;
  readonly link: LinkState | null;
  /** Since when rounds fail, in milliseconds; null while they do not. */
  readonly failingSince: number | null;
}

/** The state that follows from `facts`. Returns `before` itself where nothing changed, so that pages need not compare. */
export function toConnectionState(facts: ConnectionFacts, before: ConnectionState): ConnectionState {
  const next = derive(facts);
  return JSON.stringify(next) === JSON.stringify(before) ? before : next;
}

function derive(facts: ConnectionFacts): ConnectionState {
  if (facts.isClosed) return { status: 'closed' };
  if (facts.isSignedOut) return { status: 'signed-out' };
  if (facts.link?.isUp) return { status: 'live' };
  if (facts.failingSince !== null) return { status: 'offline', since: facts.failingSince };
  if (!facts.link?.loss) return { status: 'connecting' };
  return { status: 'polling', since: facts.link.since, reason: facts.link.loss };
}
