/** Which pages may use the fallback: the application's own, and those of listed origins. It serves `requests.ts`. */

import type { IncomingMessage, ServerResponse } from 'node:http';

/** Whether `X-Forwarded-*` headers from this address are believed. */
export type Trust = (address: string, hop: number) => boolean;

/** Whether a request comes from the application's own page (or from no page), from a listed origin, or from another. */
export type Relation = 'own' | 'listed' | 'foreign';

/** Where `req` comes from. A request without an origin was not sent by a browser, so no user's cookies are at risk. */
export function relationOf(req: IncomingMessage, allowed: ReadonlySet<string>, trust: Trust): Relation {
  const { origin } = req.headers;
  // No script can set Sec-Fetch-Site, and a proxy that rewrites Host leaves it as it is.
  if (origin === undefined || req.headers['sec-fetch-site'] === 'same-origin') return 'own';
  const host = hostOf(req, trust);
  const isOwn = URL.canParse(origin) && host !== null && new URL(origin).host === stripDefaultPort(host, origin);
  if (isOwn) return 'own';
  return allowed.has(origin) ? 'listed' : 'foreign';
}

/** Whether the browser uses TLS, as far as that is known behind a proxy. */
export function isSecure(req: IncomingMessage, trust: Trust): boolean {
  if ('encrypted' in req.socket || req.headers.origin?.startsWith('https:')) return true;
  return trust(req.socket.remoteAddress ?? '', 0) && req.headers['x-forwarded-proto'] === 'https';
}

/** Lets the page read the answer. For pages of the same origin, browsers do not need it. */
export function setCors(req: IncomingMessage, res: ServerResponse): void {
  const { origin } = req.headers;
  if (origin === undefined) return;
  res.setHeader('Access-Control-Allow-Origin', origin);
  res.setHeader('Vary', 'Origin');
}

/** Answers a preflight of an allowed page. Browsers keep the answer: Chromium for 2 h. */
export function answerPreflight(res: ServerResponse): void {
  res.setHeader('Access-Control-Allow-Methods', 'POST');
  res.setHeader('Access-Control-Allow-Headers', 'Content-Type');
  res.setHeader('Access-Control-Max-Age', '7200');
  res.writeHead(204).end();
}

function hostOf(req: IncomingMessage, trust: Trust): string | null {
  const forwarded = String(req.headers['x-forwarded-host'] ?? '')
    .split(',')[0]
    ?.trim();
  if (forwarded && trust(req.socket.remoteAddress ?? '', 0)) return forwarded.toLowerCase();
  return req.headers.host?.toLowerCase() ?? null;
}

/** `Host: a:443` and the origin `https://a` mean the same. */
function stripDefaultPort(host: string, origin: string): string {
  return host.replace(origin.startsWith('https:') ? /:443$/ : /:80$/, '');
}
