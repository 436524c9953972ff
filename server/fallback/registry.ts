/**
 * Which backends have a fallback in this process. `attachFallback` registers it, and the router looks it up to tell browsers
 * where to connect. The two have only the backend in common.
 */

import type { HttpEndpoint } from '../../backend/push/bus/pusher-env.ts';
import type { ServerBackend } from '../../backend/server-backend.ts';
import type { PublicUrl } from './options.ts';

const attached = new WeakMap<ServerBackend, PublicUrl>();

/** Registers that browsers reach a fallback for `backend` at `url`. */
export function registerFallback(backend: ServerBackend, url: PublicUrl): void {
  attached.set(backend, url);
}

/** The fallback for a browser that used `host` (`name` or `name:port`), or null if none is attached. */
export function fallbackEndpoint(backend: ServerBackend, host: string | undefined): HttpEndpoint | null {
  const url = attached.get(backend);
  if (!url) return null;
  const match = /^([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::(\d{1,5}))?$/.exec(url.host ?? host ?? '');
  if (!match) return null;
  const [, name, port] = match as unknown as [string, string, string | undefined];
  return { host: name, ports: port === undefined ? [80, 443] : [Number(port), Number(port)], path: url.path };
}
