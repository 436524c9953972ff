/** Who counts as one client, for the cap on sessions. It serves `requests.ts`. */

import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import proxyAddr from 'proxy-addr';
import type { Trust } from './origin.ts';

/**
 * The client that sent `req`, by its address. `X-Forwarded-For` counts only as far as trusted proxies wrote it, and only
 * if it holds an address. Otherwise all who come through that proxy are one client.
 */
export function clientOf(req: IncomingMessage, trust: Trust): string {
  const told = withoutPort(proxyAddr(req, trust));
  // Not by ipaddr.js, which also takes numbers ("7") for addresses.
  const isAddress = isIP(told) > 0;
  return networkOf(isAddress ? told : (req.socket.remoteAddress ?? ''));
}

/** Some proxies write `10.0.0.1:4711` or `[2001:db8::1]:4711`. */
function withoutPort(address: string): string {
  return (
    /^\[([^\]]{2,45})\](?::\d{1,5})?$/.exec(address)?.[1] ?? /^([\d.]{7,15}):\d{1,5}$/.exec(address)?.[1] ?? address
  );
}

/** The address itself; of IPv6 its first 64 bits, since one client has all addresses that begin with them. */
export function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  if (!('parts' in parsed)) return parsed.toString();
  const network = parsed.parts.slice(0, 4).map((part) => part.toString(16));
  return `${network.join(':')}::/64`;
}
