/** The answers of the fallback to requests that it refuses. It serves `requests.ts` and `send-request.ts`. */

import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Problem } from '../../core/wire.ts';
import { closeLine, OPEN_LINE } from './session/framing.ts';

/** Answers as `application/problem+json`. @param detail for a person: what was expected, what came */
export function refuse(res: ServerResponse, status: number, code: string, detail: string): void {
  const problem: Problem = { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail, code };
  res
    .writeHead(status, { 'Content-Type': 'application/problem+json', 'Cache-Control': 'no-store' })
    .end(JSON.stringify(problem));
}

/** 503: the bus does not answer. */
export function refuseUnavailable(res: ServerResponse): void {
  res.setHeader('Retry-After', '1');
  refuse(res, 503, 'push_unavailable', 'The push server cannot be reached just now.');
}

/** 403: the request does not come from the client that opened the session. */
export function refuseOtherClient(res: ServerResponse): void {
  // The body of a stranger may not have been read. Then the connection cannot carry another request.
  res.setHeader('Connection', 'close');
  refuse(res, 403, 'not_your_session', 'This session was opened by another client. Start one of your own.');
}

/** 404: no such session is open in this process. */
export function refuseUnknownSession(res: ServerResponse): void {
  refuse(res, 404, 'unknown_session', 'This session is not open here. Start a new one.');
}

/** Refuses a wrong app key as the bus would: opens a session and closes it. pusher-js ignores a close before the opening. */
export function refuseWrongKey(res: ServerResponse): void {
  res
    .writeHead(200, { 'Content-Type': 'application/javascript; charset=UTF-8', 'Cache-Control': 'no-store' })
    .end(OPEN_LINE + closeLine({ code: 4_001, reason: 'There is no application with this key' }));
}
