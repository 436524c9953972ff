/** Which pages may use the fallback: those of the application itself, and of origins that it names. Serves `attach.ts`. */

import type { IncomingMessage, ServerResponse } from 'node:http';

/** May one believe what `X-Forwarded-*` says, coming from this address? */
export type Trust = (address: string, hop: number) => boolean;

/** Of the application itself (or of no page at all: no browser sent it), of an origin that it names, or of another. */
export type Relation = 'own' | 'listed' | 'foreign';

/** Which pages sent `req`. A request without an origin comes from no browser, and has no page to protect. */
export function relationOf(req: IncomingMessage, allowed: ReadonlySet<string>, trust: Trust): Relation {
  const { origin } = req.headers;
  // No script can set it, and a proxy that rewrites Host leaves it alone.
  if (origin === undefined || req.headers['sec-fetch-site'] === 'same-origin') return 'own';
  const host = hostOf(req, trust);
  const isOwn = URL.canParse(origin) && host !== null && new URL(origin).host === stripDefaultPort(host, origin);
  if (isOwn) return 'own';
  return allowed.has(origin) ? 'listed' : 'foreign';
}

/** Whether the browser came by TLS, as far as one can tell behind a proxy that ends it. */
export function isSecure(req: IncomingMessage, trust: Trust): boolean {
  if ('encrypted' in req.socket || req.headers.origin?.startsWith('https:')) return true;
  return trust(req.socket.remoteAddress ?? '', 0) && req.headers['x-forwarded-proto'] === 'https';
}

/** Lets the page read the answer; a browser asks for nothing where page and server are one origin. */
export function setCors(req: IncomingMessage, res: ServerResponse): void {
  const { origin } = req.headers;
  if (origin === undefined) return;
  res.setHeader('Access-Control-Allow-Origin', origin);
  res.setHeader('Vary', 'Origin');
}

/** Answers a preflight of an allowed page. Browsers keep the answer, Chromium for 2 h. */
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

/** `Host: a:443` and the origin `https://a` are the same. */
function stripDefaultPort(host: string, origin: string): string {
  return host.replace(origin.startsWith('https:') ? /:443$/ : /:80$/, '');
}
