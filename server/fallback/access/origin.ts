/** Which pages may use the fallback: the application's own, and those of listed origins. It serves `requests.ts`. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { originAt, type Sender, senderOf } from '../../sender.ts';

/** Whether `X-Forwarded-*` headers from this address are believed. */
export type Trust = (address: string, hop: number) => boolean;

/** Who sent `req`, by the rule that the task router has too. @param listed other origins whose pages may connect */
export function fallbackSenderOf(req: IncomingMessage, listed: ReadonlySet<string>, trust: Trust): Sender {
  return senderOf(req.headers, listed, (origin) => {
    // The router compares the scheme, too. Here it is not known: a proxy that ends TLS need not say so, and the fallback
    // has no Express that was told its address.
    const scheme = origin.startsWith('https:') ? 'https' : 'http';
    return origin === originAt(scheme, hostOf(req, trust));
  });
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

function hostOf(req: IncomingMessage, trust: Trust): string {
  const forwarded = String(req.headers['x-forwarded-host'] ?? '')
    .split(',')[0]
    ?.trim();
  if (forwarded && trust(req.socket.remoteAddress ?? '', 0)) return forwarded;
  return req.headers.host ?? '';
}
