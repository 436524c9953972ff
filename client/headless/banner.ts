/** What the banner says about the connection. Pure. */

import type { ConnectionState } from '../feed/state/connection.ts';
import { BLOCKED_AFTER, MENTION_LOSS_AFTER } from './limits.ts';
import type { Wording } from './words/wording.ts';

/** What to say about `connection` at `now` (by `Timing.now`), or '' for nothing. */
export function describeConnection(connection: ConnectionState, now: number, wording: Wording): string {
  if (!('since' in connection)) return connection.status === 'signed-out' ? wording.signedOut : '';
  const lasted = now - connection.since;
  if (lasted < MENTION_LOSS_AFTER) return '';
  if (connection.status === 'offline') return wording.offline(wording.duration(Math.round(lasted / 1_000)));
  return connection.reason === 'lost' && lasted < BLOCKED_AFTER ? wording.reconnecting : wording.notLive;
}

/** Whether the shown tasks may be out of date: neither push nor polling brings news. */
export function isOutOfDate({ status }: ConnectionState): boolean {
  return status === 'offline' || status === 'signed-out' || status === 'closed';
}
