/**
 * The HTTP fallback: updates for browsers whose network lets no WebSocket through. pusher-js falls back to HTTP by
 * itself, but a Soketi answers 404 there; attached to the application's own server, this answers in its place.
 * Each client gets a session here, with a connection of its own to the bus.
 */

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import { Outage } from '../../backend/log.ts';
import { clientOf } from './address.ts';
import { parseSend } from './check-frame.ts';
import { closeLine, OPEN_LINE } from './framing.ts';
import { Opener } from './opener.ts';
import { checkOptions, type FallbackOptions } from './options.ts';
import { answerPreflight, isSecure, relationOf, setCors } from './origin.ts';
import { readBody } from './read-body.ts';
import { register } from './registry.ts';
import { type FallbackRoute, parseRoute } from './route.ts';
import { type Budget, Session } from './session.ts';

/** Bodies of one session that may be on their way at once. pusher-js sends one frame a request, each by itself. */
const MAX_BODIES = 32;

/** A session, and whose it is. */
interface Entry {
  readonly session: Session;
  readonly opener: Opener;
  /** How many bodies are being read. */
  bodies: number;
}

/** The fallback of one server. */
export interface Fallback {
  /** Whether it answers. Not for hosted Pusher, which has HTTP transports of its own. */
  readonly isAttached: boolean;
  /** Clients connected now, with those of the last seconds whose next request may still come. */
  readonly sessions: number;
  /** Tells clients to connect anew and takes on nothing more, as the `signal` does. */
  close(): void;
}

/**
 * Lets pusher-js connect over HTTP to `server`, and tells it so in `GET /connection` of the same backend's router.
 * Everything else that `server` answers stays as it is. Attach it once, before or after the application.
 *
 * With several instances behind a load balancer, all requests of one client must reach the same one ("sticky
 * sessions", by cookie or by the client's address): a session lives in one process. Without it a client is not
 * answered wrongly, but has to start anew, again and again where it polls. A proxy must not buffer the answers
 * (nginx: does as it is told by a header; others have a setting), and may cut no request before 30 s of silence.
 *
 * A session belongs to the client that opened it, by a cookie for its own URL: whoever reads that URL in a log can do
 * nothing with it. A page of another origin (`allowedOrigins`) sends no cookies and is known by its address instead.
 *
 * @example
 * const server = http.createServer(app);
 * attachFallback(server, { backend });
 * server.listen(3000);
 *
 * @throws ConfigError `invalid_options`
 */
export function attachFallback(server: Server | SecureServer, options: FallbackOptions): Fallback {
  const { backend } = options;
  const bus = backend.pusher.server;
  const checked = checkOptions(options);
  if (bus === null) return { isAttached: false, sessions: 0, close: () => {} };

  const { path, publicUrl, allowedOrigins, trust, limits } = checked;
  const { key } = backend.pusher;
  const host = bus.host.includes(':') && !bus.host.startsWith('[') ? `[${bus.host}]` : bus.host;
  const address = `${bus.tls ? 'wss' : 'ws'}://${host}:${bus.port}`;
  const outage = new Outage(backend.log, 'The push server, for clients without WebSockets,');
  const sessions = new Map<string, Entry>();
  const perClient = new Map<string, number>();
  const budget: Budget = { used: 0 };
  let isClosed = false;

  const answer = (req: IncomingMessage, res: ServerResponse, route: FallbackRoute): void => {
    const relation = relationOf(req, allowedOrigins, trust);
    if (relation === 'foreign') {
      refuse(res, 403, 'forbidden_origin', 'Pages of this origin may not connect here.');
      return;
    }
    setCors(req, res);
    if (req.method === 'OPTIONS') {
      answerPreflight(res);
      return;
    }
    if (req.method !== 'POST') {
      res.setHeader('Allow', 'POST, OPTIONS');
      refuse(res, 405, 'method_not_allowed', `Expected POST, got ${req.method}.`);
      return;
    }
    const client = clientOf(req, trust);
    const known = sessions.get(route.session);
    const isKnown = !known || known.opener.sent(req, client);
    const mayProve = known?.opener.couldBe(req, client) ?? false;
    // A client that keeps no cookies has nothing to show until it sends; polls come before that.
    if (!isKnown && !(mayProve && (route.verb === 'send' || (route.verb === 'poll' && known?.session.isPolled)))) {
      refuseOthers(res);
      return;
    }
    known?.opener.greet(res, isSecure(req, trust));
    if (route.verb === 'send') {
      void take(req, res, known, isKnown);
      return;
    }
    // pusher-js sends no body here; whatever comes is not kept.
    req.resume();
    if (route.key !== key) {
      refuseKey(res);
      return;
    }
    // A session that this process does not know begins here: pusher-js takes the `o` of a session that it thinks is
    // open already (another instance's, or of before a restart) for a loss, and starts anew.
    const entry = known ?? open(req, res, route, client, relation === 'own');
    entry?.session.receive(route.verb, res);
  };

  const open = (
    req: IncomingMessage,
    res: ServerResponse,
    route: FallbackRoute,
    client: string,
    keepsCookies: boolean,
  ): Entry | null => {
    if (isClosed) {
      res.setHeader('Connection', 'close');
      unavailable(res);
      return null;
    }
    const count = perClient.get(client) ?? 0;
    if (count >= limits.sessionsPerAddress || sessions.size >= limits.sessions) {
      res.setHeader('Retry-After', '10');
      refuse(res, 429, 'too_many_sessions', 'Too many connections over HTTP. Try again later.');
      return null;
    }
    const session = new Session({
      url: `${address}/app/${key}?${route.query || 'protocol=7'}`,
      limits,
      budget,
      unavailable,
      onConnection: (failure) => (failure === null ? outage.succeeded() : outage.failed(failure)),
      onForgotten: () => {
        if (sessions.get(route.session) !== entry) return;
        sessions.delete(route.session);
        const left = (perClient.get(client) ?? 1) - 1;
        if (left > 0) perClient.set(client, left);
        else perClient.delete(client);
      },
    });
    const urlPath = `${publicUrl.path}/app/${key}/${route.session}`;
    const opener = new Opener(req, { keepsCookies, client, path: urlPath });
    const entry: Entry = { session, opener, bodies: 0 };
    sessions.set(route.session, entry);
    perClient.set(client, count + 1);
    opener.greet(res, isSecure(req, trust));
    return entry;
  };

  /** Whether one of the frames holds what only the client of the session can have: a signature for its socket. */
  const isProof = (frames: readonly string[], socketId: string | null): boolean =>
    frames.some((frame) => {
      const { event, data } = JSON.parse(frame) as { event: string; data?: { channel?: unknown; auth?: unknown } };
      if (event !== 'pusher:subscribe' || socketId === null || typeof data?.channel !== 'string') return false;
      return data.auth === backend.bus.authorize(socketId, data.channel).auth;
    });

  const take = async (
    req: IncomingMessage,
    res: ServerResponse,
    entry: Entry | undefined,
    isKnown: boolean,
  ): Promise<void> => {
    // Before a byte is read: nobody's body is kept for a session that is not there.
    if (entry === undefined || entry.bodies >= MAX_BODIES) {
      res.setHeader('Connection', 'close');
      if (entry) refuse(res, 429, 'too_many_bodies', `Expected at most ${MAX_BODIES} requests to send at once.`);
      else refuseUnknown(res);
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
    if (!isKnown) {
      if ('fault' in parsed || !isProof(parsed.frames, entry.session.socketId)) {
        refuseOthers(res);
        return;
      }
      entry.opener.keepsNoCookies();
    }
    if ('fault' in parsed) refuse(res, 400, 'invalid_frame', parsed.fault);
    else if (entry.session.send(parsed.frames)) res.writeHead(204).end();
    else refuseUnknown(res);
  };

  const close = (): void => {
    isClosed = true;
    for (const { session } of sessions.values()) session.end({ code: 4_200, reason: 'The server is about to end' });
  };
  if (options.signal?.aborted) close();
  else options.signal?.addEventListener('abort', close, { once: true });

  // Before any listener, and whenever it was added: an application answers 404 to what it does not know, and its
  // middleware (compression, body parsers) is not made for answers that never end.
  const emit: (event: string, ...args: unknown[]) => boolean = server.emit.bind(server);
  server.emit = (event: string, ...args: unknown[]): boolean => {
    if (event !== 'request') return emit(event, ...args);
    const [req, res] = args as [IncomingMessage, ServerResponse];
    const route = parseRoute(req.url ?? '', path);
    if (route === null) return emit(event, ...args);
    answer(req, res, route);
    return true;
  };
  register(backend, publicUrl);
  return {
    isAttached: true,
    get sessions() {
      return sessions.size;
    },
    close,
  };
}

function unavailable(res: ServerResponse): void {
  res.setHeader('Retry-After', '1');
  refuse(res, 503, 'push_unavailable', 'The push server cannot be reached just now.');
}

function refuseOthers(res: ServerResponse): void {
  res.setHeader('Connection', 'close');
  refuse(res, 403, 'not_your_session', 'This session was opened by another client. Start one of your own.');
}

function refuseUnknown(res: ServerResponse): void {
  refuse(res, 404, 'unknown_session', 'This session is not open here. Start a new one.');
}

/** As the bus would say it: opened first, because pusher-js heeds no close code before that. */
function refuseKey(res: ServerResponse): void {
  res
    .writeHead(200, { 'Content-Type': 'application/javascript; charset=UTF-8', 'Cache-Control': 'no-store' })
    .end(OPEN_LINE + closeLine({ code: 4_001, reason: 'There is no application with this key' }));
}

function refuse(res: ServerResponse, status: number, code: string, detail: string): void {
  const title = STATUS_CODES[status] ?? 'Error';
  res
    .writeHead(status, { 'Content-Type': 'application/problem+json', 'Cache-Control': 'no-store' })
    .end(JSON.stringify({ type: 'about:blank', title, status, detail, code }));
}
