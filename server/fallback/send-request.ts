/** Answers a request by which a client sends frames to the bus (`xhr_send`). It serves `requests.ts`. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Bus } from '../../backend/push/bus/bus.ts';
import { refuse, refuseOtherClient, refuseUnknownSession } from './answers.ts';
import { parseSend } from './check-frame.ts';
import type { FallbackLimits } from './options.ts';
import { readBody } from './read-body.ts';
import type { Entry } from './session/session-table.ts';

/** Most bodies of one session that are read at the same time. pusher-js sends each frame in a request of its own. */
const MAX_BODIES = 32;

export interface SendOptions {
  readonly bus: Pick<Bus, 'authorize'>;
  readonly limits: Pick<FallbackLimits, 'bodyBytes' | 'connectMs'>;
}

/**
 * Passes the frames in the body of `req` on to the bus, and answers.
 * @param entry the session, if it is open here
 * @param isOpener whether `req` was recognized as coming from the client of the session. Otherwise a frame must prove it.
 */
export async function answerSend(
  req: IncomingMessage,
  res: ServerResponse,
  entry: Entry | undefined,
  isOpener: boolean,
  { bus, limits }: SendOptions,
): Promise<void> {
  // Refused before the body is read, so that bodies for sessions that do not exist take no memory.
  if (entry === undefined || entry.bodies >= MAX_BODIES) {
    res.setHeader('Connection', 'close');
    if (entry) refuse(res, 429, 'too_many_bodies', `Expected at most ${MAX_BODIES} requests to send at once.`);
    else refuseUnknownSession(res);
    return;
  }
  entry.bodies++;
  const body = await readBody(req, limits.bodyBytes, limits.connectMs);
  entry.bodies--;
  if (res.destroyed) return;
  if ('fault' in body) {
    res.setHeader('Connection', 'close');
    refuse(res, body.status, 'invalid_body', body.fault);
    return;
  }
  const parsed = parseSend(body.bytes);
  if (!isOpener) {
    if ('fault' in parsed || !isProof(parsed.frames, entry.session.socketId, bus)) {
      refuseOtherClient(res);
      return;
    }
    entry.opener.acceptWithoutCookies();
  }
  if ('fault' in parsed) refuse(res, 400, 'invalid_frame', parsed.fault);
  else if (entry.session.send(parsed.frames)) res.writeHead(204).end();
  else refuseUnknownSession(res);
}

/** Whether a frame has a signature for the session's socket. Only the client of the session can have been given one. */
function isProof(frames: readonly string[], socketId: string | null, bus: Pick<Bus, 'authorize'>): boolean {
  if (socketId === null) return false;
  return frames.some((frame) => {
    const { event, data } = JSON.parse(frame) as { event: string; data?: { channel?: unknown; auth?: unknown } };
    if (event !== 'pusher:subscribe' || typeof data?.channel !== 'string') return false;
    return data.auth === bus.authorize(socketId, data.channel).auth;
  });
}
