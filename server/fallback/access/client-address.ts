/** Tells which requests come from one client, for the limit of sessions from one address. It serves `requests.ts`. */

import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import proxyAddr from 'proxy-addr';
import type { Trust } from './origin.ts';

/**
 * The client that sent `req`, by its address. `X-Forwarded-For` counts only as far as trusted proxies wrote it, and only
 * if it holds an address. Otherwise all clients behind that proxy count as one.
 */
export function clientOf(req: IncomingMessage, trust: Trust): string {
  const forwarded = withoutPort(proxyAddr(req, trust));
  // Checked with `isIP`, because ipaddr.js also accepts numbers ("7") as addresses.
  const isAddress = isIP(forwarded) > 0;
  return networkOf(isAddress ? forwarded : (req.socket.remoteAddress ?? ''));
}

/** Some proxies write `10.0.0.1:4711` or `[2001:db8::1]:4711`. */
function withoutPort(address: string): string {
  return (
    /^\[([^\]]{2,45})\](?::\d{1,5})?$/.exec(address)?.[1] ?? /^([\d.]{7,15}):\d{1,5}$/.exec(address)?.[1] ?? address
  );
}

/** The address itself; for IPv6 its first 64 bits, because one client has all addresses that begin with these bits. */
export function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  // An IPv4 address that is written as IPv6 (`::ffff:10.0.0.1`) becomes IPv4 again.
  const parsed = ipaddr.process(address);
  if (!('parts' in parsed)) return parsed.toString();
  const network = parsed.parts.slice(0, 4).map((part) => part.toString(16));
  return `${network.join(':')}::/64`;
}
