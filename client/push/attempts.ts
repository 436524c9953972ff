/** Which transports an attempt to connect may use. */

import { QUICK_ATTEMPTS } from './limits.ts';
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

/** What the quick attempts after a loss may use, by the transport before the loss; from the fifth attempt on, the same again. */
const CYCLE: Readonly<Record<Transport, readonly Transports[]>> = {
  ws: [ANY, HTTP, ANY, HTTP_POLLING],
  http: [HTTP, HTTP, ANY, HTTP_POLLING],
};

/**
 * What attempt number `attempt` (from 0) after a loss may use. After the {@link QUICK_ATTEMPTS} that is all transports.
 * @param before the transport before the loss; null where push was never up
 */
export function transportsFor(before: Transport | null, attempt: number): Transports {
  return before && attempt < QUICK_ATTEMPTS ? CYCLE[before][attempt % 4] : ANY;
}
