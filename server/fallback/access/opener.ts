/**
 * Recognizes the client that a session belongs to. The URL of a session is no secret, because proxies and access logs keep
 * URLs: somebody who knows only the URL can neither read the session's messages nor send any. It serves `requests.ts`.
 */

import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

const COOKIE = 'inloop_fallback';
/** How long the cookie lasts, in seconds. Each answer renews it, and a session without requests ends sooner. */
const COOKIE_S = 300;

export interface OpenerOptions {
  /** Whether the client may send cookies: pusher-js sends none from pages of other origins. */
  readonly keepsCookies: boolean;
  /** The client's address, as `clientOf` of client-address.ts gives it. */
  readonly client: string;
  /** The path of the session's URL, as the browser sees it. The cookie has this path, so other sessions do not get it. */
  readonly path: string;
}

/**
 * The client that opened a session. Its later requests are recognized by the strongest of these:
 * 1. the cookie of the session, as soon as one request has shown it;
 * 2. the application's own cookies, if the first request had some, together with the client's address and headers (`traitsOf`);
 * 3. its address and headers alone, if the client keeps no cookies: a page of another origin, or a script that has proved to
 *    be the opener (see `send-request.ts`).
 */
export class Opener {
  readonly #secret = randomBytes(24).toString('base64url');
  readonly #traits: string;
  readonly #path: string;
  /** The application's cookies in the first request; '' for none. */
  readonly #cookies: string;
  #hasShownSecret = false;
  #keepsCookies: boolean;

  constructor(req: IncomingMessage, { keepsCookies, client, path }: OpenerOptions) {
    this.#cookies = ownCookies(req);
    this.#keepsCookies = keepsCookies;
    this.#traits = traitsOf(req, client);
    this.#path = path;
  }

  /** Whether a later request comes from the same client. */
  hasSent(req: IncomingMessage, client: string): boolean {
    if (readSecrets(req).some((value) => isSame(value, this.#secret))) {
      // From now on only the cookie counts.
      this.#hasShownSecret = true;
      return true;
    }
    if (this.#hasShownSecret || traitsOf(req, client) !== this.#traits) return false;
    return this.#cookies === '' ? !this.#keepsCookies : isSame(ownCookies(req), this.#cookies);
  }

  /** Whether a request without cookies could come from the same client, provided that the client keeps no cookies. */
  couldHaveSent(req: IncomingMessage, client: string): boolean {
    const isBare = this.#cookies === '' && readCookies(req).join('') === '';
    return isBare && !this.#hasShownSecret && traitsOf(req, client) === this.#traits;
  }

  /** From now on, requests without cookies are recognized too: one of them has proved to come from this client. */
  acceptWithoutCookies(): void {
    this.#keepsCookies = false;
  }

  /** Gives the client its cookie. Call it before the head of the answer is written. */
  setCookie(res: ServerResponse, isSecure: boolean): void {
    const attributes = `Path=${this.#path}; Max-Age=${COOKIE_S}; HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}`;
    res.setHeader('Set-Cookie', `${COOKIE}=${this.#secret}; ${attributes}`);
  }
}

function traitsOf(req: IncomingMessage, client: string): string {
  return JSON.stringify([client, req.headers.origin, req.headers['user-agent'], req.headers['accept-language']]);
}

function readSecrets(req: IncomingMessage): string[] {
  return readCookies(req)
    .filter((pair) => pair.startsWith(`${COOKIE}=`))
    .map((pair) => pair.slice(COOKIE.length + 1));
}

/** The application's cookies, as one text that does not depend on their order. */
function ownCookies(req: IncomingMessage): string {
  return readCookies(req)
    .filter((pair) => pair !== '' && !pair.startsWith(`${COOKIE}=`))
    .sort()
    .join(';');
}

function readCookies(req: IncomingMessage): string[] {
  return (req.headers.cookie ?? '').split(';').map((pair) => pair.trim());
}

function isSame(given: string, secret: string): boolean {
  const one = Buffer.from(given);
  const other = Buffer.from(secret);
  return one.length === other.length && timingSafeEqual(one, other);
}
