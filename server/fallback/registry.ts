/**
 * Remembers which backends have a fallback in this process. `attachFallback` registers it. The router looks it up, to tell
 * browsers where to connect. The backend is the only object that both of them know, so it is the key.
 */

import type { HttpEndpoint } from '../../backend/push/bus/pusher-env.ts';
import type { ServerBackend } from '../../backend/server-backend.ts';
import type { PublicUrl } from './options.ts';

/** A name or an IPv4 address, or an IPv6 address in brackets; then perhaps a port. At most 253 characters, as DNS allows. */
const HOST = /^([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::(\d{1,5}))?$/;

const attached = new WeakMap<ServerBackend, PublicUrl>();

/** Registers that browsers reach a fallback for `backend` at `url`. */
export function registerFallback(backend: ServerBackend, url: PublicUrl): void {
  attached.set(backend, url);
}

/**
 * Where a browser finds the fallback of `backend`, or null if none is attached or the host is not valid.
 * @param host what the browser used: `name` or `name:port`. A fallback with a public host of its own is found there instead.
 */
export function findFallback(backend: ServerBackend, host: string | undefined): HttpEndpoint | null {
  const url = attached.get(backend);
  if (!url) return null;
  const match = HOST.exec(url.host ?? host ?? '');
  if (!match) return null;
  const [, name, port] = match as unknown as [string, string, string | undefined];
  // A host without a port: browsers use 80 for http and 443 for https.
  return { host: name, ports: port === undefined ? [80, 443] : [Number(port), Number(port)], path: url.path };
}
