/**
 * The HTTP fallback: updates for browsers whose network lets no WebSocket through. pusher-js falls back to HTTP by itself,
 * but Soketi answers 404 there. Attached to the application's own server, the fallback answers in its place. Each client
 * gets a session, with a connection of its own to the bus.
 */

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import { checkOptions, type FallbackOptions } from './options.ts';
import { register } from './registry.ts';
import { FallbackRequests } from './requests.ts';
import { parseRoute } from './route.ts';

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

  const requests = new FallbackRequests(backend, bus, checked);
  const close = (): void => requests.close();
  if (options.signal?.aborted) close();
  else options.signal?.addEventListener('abort', close, { once: true });

  // Before any listener, and whenever it was added: an application answers 404 to what it does not know, and its
  // middleware (compression, body parsers) is not made for answers that never end.
  const emit: (event: string, ...args: unknown[]) => boolean = server.emit.bind(server);
  server.emit = (event: string, ...args: unknown[]): boolean => {
    if (event !== 'request') return emit(event, ...args);
    const [req, res] = args as [IncomingMessage, ServerResponse];
    const route = parseRoute(req.url ?? '', checked.path);
    if (route === null) return emit(event, ...args);
    requests.answer(req, res, route);
    return true;
  };
  register(backend, checked.publicUrl);
  return {
    isAttached: true,
    get sessions() {
      return requests.sessions;
    },
    close,
  };
}
