/** The host of a request, on Express 4 as on 5. It serves the rule about origins, and `GET /connection`. */

import type { Request } from 'express';

/**
 * The host (`name` or `name:port`) that `req` was sent to, by `X-Forwarded-Host` if the application trusts the proxy that
 * sent it. This is what Express 5 calls `req.host`. Express 4 leaves the port out there.
 */
export function hostOf(req: Request): string | undefined {
  const forwarded = req.get('X-Forwarded-Host');
  if (forwarded === undefined || !isFromTrustedProxy(req)) return req.get('Host');
  return forwarded.split(',', 1)[0]?.trim();
}

function isFromTrustedProxy({ app, socket }: Request): boolean {
  const trusts = app.get('trust proxy fn') as (address: string | undefined, hop: number) => boolean;
  return trusts(socket.remoteAddress, 0);
}
