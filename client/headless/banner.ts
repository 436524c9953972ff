/** The line about the connection. Pure. */

import type { ConnectionState } from '../feed/connection.ts';
import type { Wording } from './words/wording.ts';

/** A loss is mentioned only after it has lasted this long, in milliseconds. */
const PATIENCE = 2_000;
/** After this long, in milliseconds, something probably blocks push for good, and news will stay late. */
const BLOCKED = 60_000;

/** What to say about `connection` at `now` (our clock), or '' for nothing. */
export function describeConnection(connection: ConnectionState, now: number, wording: Wording): string {
  switch (connection.status) {
    case 'polling':
      if (now - connection.since < PATIENCE) return '';
      return connection.reason === 'lost' && now - connection.since < BLOCKED ? wording.reconnecting : wording.notLive;
    case 'offline':
      if (now - connection.since < PATIENCE) return '';
      return wording.offline(wording.duration(Math.round((now - connection.since) / 1_000)));
    case 'signed-out':
      return wording.signedOut;
    default:
      return '';
  }
}

/** Whether the shown tasks may be out of date without any sign of it. */
export function isOutOfDate({ status }: ConnectionState): boolean {
  return status === 'offline' || status === 'signed-out' || status === 'closed';
}
