/**
 * Who sent a request: the one rule by which pages of other sites are refused. The task router and its middleware
 * (`origins.ts`) ask it, and so does the HTTP fallback (`fallback/access/origin.ts`). It reads headers that no script in a page
 * can set.
 */

import type { IncomingHttpHeaders } from 'node:http';

/** A page of the own origin, of a listed one, of any other, or a program that is not a browser. */
export type Sender = 'own' | 'listed' | 'foreign' | 'no-browser';

/**
 * Who sent a request with these headers.
 * @param listed origins besides the own one, as `checkOrigins` returns them
 * @param isOwn whether an origin is the one that the request was sent to. Asked only if the browser does not say it
 */
export function senderOf(
  headers: IncomingHttpHeaders,
  listed: ReadonlySet<string>,
  isOwn: (origin: string) => boolean,
): Sender {
  const { origin, 'sec-fetch-site': site } = headers;
  if (origin === undefined && site === undefined) return 'no-browser';
  // The browser sets this header, so it is right even behind a proxy that changes Host. `same-site` is another port or
  // subdomain, which may be anybody's.
  if (site === 'same-origin') return 'own';
  if (origin === undefined) return 'foreign';
  if (listed.has(origin)) return 'listed';
  return site === undefined && isOwn(origin) ? 'own' : 'foreign';
}

/** The origin of a server at `host` (`name` or `name:port`), as browsers write it; null if the host is not valid. */
export function originAt(scheme: string, host: string): string | null {
  const url = `${scheme}://${host}`;
  return /^[^/?#@\\\s]+$/.test(host) && URL.canParse(url) ? new URL(url).origin : null;
}
