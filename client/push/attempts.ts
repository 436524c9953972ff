/** Which transports an attempt to connect may use. */

import type { Options } from './pusher-class.ts';

/** How a connection is made: over a WebSocket or over HTTP. */
export type Transport = 'ws' | 'http';
/** The transports that an attempt may use, as pusher-js names them; undefined for all that the options allow. */
export type Transports = Options['enabledTransports'] | undefined;

/** With TLS, pusher-js reads `ws` as `wss`. */
export const WEB_SOCKET: Transports = ['ws'];
const HTTP: Transports = ['xhr_streaming', 'xhr_polling'];
/** For proxies that delay a stream. If streaming were allowed, pusher-js would wait 4 s for it first. */
const HTTP_POLLING: Transports = ['xhr_polling'];
/** All that the options allow. In a short attempt (`link.ts`) pusher-js gets hardly further than the transport it tries first. */
export const ANY = undefined;

/** What each attempt after a loss may use, by the transport before the loss. */
const ATTEMPTS: Readonly<Record<Transport, readonly Transports[]>> = {
  ws: [ANY, HTTP, ANY, HTTP_POLLING, ANY, HTTP, ANY, HTTP_POLLING, ANY, HTTP],
  http: [HTTP, HTTP, ANY, HTTP_POLLING, HTTP, HTTP, ANY, HTTP_POLLING, HTTP, HTTP],
};

/**
 * What attempt number `attempt` (from 0) after a loss may use. From the eleventh attempt on, that is all transports.
 * @param before the transport before the loss; null where push was never up
 */
export function transportsFor(before: Transport | null, attempt: number): Transports {
  return before ? ATTEMPTS[before][attempt] : ANY;
}
