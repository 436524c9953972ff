/** The Content-Security-Policy of the page: it may load its own files and connect to the bus. */

import type { PusherOptions } from 'inloop/backend';

type Bus = Pick<PusherOptions, 'cluster' | 'browser'>;

/** The directives for helmet: no inline script, no inline style, no framing. */
export function contentPolicy(bus: Bus) {
  return {
    useDefaults: false,
    directives: {
      defaultSrc: ["'self'"],
      connectSrc: ["'self'", ...busSources(bus)],
      imgSrc: ["'self'", 'data:'],
      objectSrc: ["'none'"],
      baseUri: ["'none'"],
      formAction: ["'self'"],
      frameAncestors: ["'none'"],
    },
  };
}

/** Where pusher-js connects to: WebSocket first, then the HTTP transports. `browser` is null for hosted Pusher. */
function busSources({ cluster, browser }: Bus): string[] {
  if (browser === null) return [`wss://ws-${cluster}.pusher.com`, `https://sockjs-${cluster}.pusher.com`];
  const address = `${browser.host}:${browser.port}`;
  const secure = [`wss://${address}`, `https://${address}`];
  // Where ws:// does not get through, pusher-js tries wss:// as well.
  return browser.tls ? secure : [`ws://${address}`, `http://${address}`, ...secure];
}
