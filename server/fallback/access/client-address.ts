/** Who counts as one client, for the cap on sessions. It serves `requests.ts`. */

import type { IncomingMessage } from 'node:http';
import { isIP, isIPv6 } from 'node:net';
import proxyAddr from 'proxy-addr';
import type { Trust } from './origin.ts';

/**
 * The client that sent `req`, by its address. What `X-Forwarded-For` says counts only as far as proxies that are
 * trusted wrote it, and only if it is an address: else all who come by that proxy are one client.
 */
export function clientOf(req: IncomingMessage, trust: Trust): string {
  const told = withoutPort(proxyAddr(req, trust));
  return networkOf(isIP(told.replace(/%.*$/, '')) > 0 ? told : (req.socket.remoteAddress ?? ''));
}

/** Some proxies write `10.0.0.1:4711` or `[2001:db8::1]:4711`. */
function withoutPort(address: string): string {
  return (
    /^\[([^\]]{2,45})\](?::\d{1,5})?$/.exec(address)?.[1] ?? /^([\d.]{7,15}):\d{1,5}$/.exec(address)?.[1] ?? address
  );
}

/** The address itself; for IPv6 its first 64 bits, since one client has all addresses that begin with them. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped) return mapped[1] as string;
  const bare = address.replace(/%.*$/, '');
  if (!isIPv6(bare)) return address;
  const [head = '', tail] = bare.toLowerCase().split('::');
  const before = head.split(':').filter(Boolean);
  const after = (tail ?? '').split(':').filter(Boolean);
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  const groups = [...before, ...new Array<string>(Math.max(zeros, 0)).fill('0'), ...after];
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}
