/**
 * The HTTP fallback: updates for browsers whose network blocks WebSockets. pusher-js then tries HTTP by itself, but Soketi
 * answers 404 there. The fallback is attached to the application's own server and answers instead of Soketi. Each client gets
 * a session, which has its own connection to the bus.
 */

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import { checkOptions, type FallbackOptions } from './options.ts';
import { registerFallback } from './registry.ts';
import { FallbackRequests } from './requests.ts';
import { parseRoute } from './route.ts';

/** The fallback of one server. */
export interface Fallback {
  /** Whether the fallback answers. False for hosted Pusher, which has HTTP transports of its own. */
  readonly isAttached: boolean;
  /** How many sessions there are: clients that are connected, and clients whose next request may still come. */
  readonly sessions: number;
  /** Tells clients to connect again, and opens no more sessions. The option `signal` does the same. */
  close(): void;
}

/**
 * Lets pusher-js connect over HTTP to `server`, and tells it so in `GET /connection` of the same backend's router.
 * Everything else that `server` answers stays as it is. Attach it once, before or after the application.
 *
 * A session lives in one process. With several instances behind a load balancer, all requests of one session must reach the
 * same one. The URL names the session, so a proxy can go by that (deploy/nginx-tls.conf does), by a cookie or by the client's
 * address. Otherwise a client has to connect again with each request that reaches another instance. A proxy must not buffer
 * the answers (nginx obeys a header; others have a setting), and must allow 30 s of silence before it cuts a request.
 *
 * A session belongs to the client that opened it, which has a cookie for the session's URL. So the URL is no secret and may
 * stand in logs. A page of another origin (`allowedOrigins`) sends no cookies and is recognized by its address instead.
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

  // Requests of the fallback must not reach the application's listeners, even those that are added later. An application
  // answers 404 to an unknown path, and its middleware (compression, body parsers) is not made for answers that never end.
  const emit: (event: string, ...args: unknown[]) => boolean = server.emit.bind(server);
  server.emit = (event: string, ...args: unknown[]): boolean => {
    if (event !== 'request') return emit(event, ...args);
    const [req, res] = args as [IncomingMessage, ServerResponse];
    const route = parseRoute(req.url ?? '', checked.path);
    if (route === null) return emit(event, ...args);
    requests.answer(req, res, route);
    return true;
  };
  registerFallback(backend, checked.publicUrl);
  return {
    isAttached: true,
    get sessions() {
      return requests.sessions;
    },
    close,
  };
}
