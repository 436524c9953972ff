/**
 * Whose a session is. Its URL is no secret, since proxies and access logs keep URLs: whoever only knows that may
 * neither read the session's messages nor send in its name. Serves `attach.ts`.
 */

import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

const COOKIE = 'inloop_fallback';
/** Each answer renews it. A session ends sooner than this where no request comes, so what is left in browsers is little. */
const COOKIE_S = 300;

export interface OpenerOptions {
  /** A page of the application itself, or no page at all. pusher-js sends no cookies from pages of other origins. */
  readonly keepsCookies: boolean;
  /** Its address, as for the cap on sessions. */
  readonly client: string;
  /** The session's URL, as the browser sees it: no other session's requests carry its cookie. */
  readonly path: string;
}

/**
 * The client that opened a session, known by the best that it has:
 * - the cookie that it was greeted with, from the first request on that shows it;
 * - the cookies that it came with (the application's own), where it did come with some;
 * - else, where it keeps no cookies (a page of another origin; a client in a script, once it has proved what only the
 *   opener knows), its address and what it says of itself.
 */
export class Opener {
  readonly #secret = randomBytes(24).toString('base64url');
  readonly #traits: string;
  readonly #path: string;
  /** What it came with; '' where it came with none. */
  readonly #cookies: string;
  #hasShownSecret = false;
  #keepsCookies: boolean;

  constructor(req: IncomingMessage, { keepsCookies, client, path }: OpenerOptions) {
    this.#cookies = ownCookies(req);
    this.#keepsCookies = keepsCookies;
    this.#traits = traitsOf(req, client);
    this.#path = path;
  }

  /** Whether a later request is of the same client. */
  sent(req: IncomingMessage, client: string): boolean {
    if (readSecrets(req).some((value) => isSame(value, this.#secret))) {
      // From now on nothing less will do.
      this.#hasShownSecret = true;
      return true;
    }
    if (this.#hasShownSecret || traitsOf(req, client) !== this.#traits) return false;
    return this.#cookies === '' ? !this.#keepsCookies : isSame(ownCookies(req), this.#cookies);
  }

  /** Whether a request that brings no cookie could still be of the same client: one that keeps none. */
  couldBe(req: IncomingMessage, client: string): boolean {
    const isBare = this.#cookies === '' && readCookies(req).join('') === '';
    return isBare && !this.#hasShownSecret && traitsOf(req, client) === this.#traits;
  }

  /** A request that brought no cookie has proved to be of the same client. */
  keepsNoCookies(): void {
    this.#keepsCookies = false;
  }

  /** Gives the client what it will be known by; before the head of the answer is written. */
  greet(res: ServerResponse, isSecure: boolean): void {
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

/** The application's cookies, in any order. */
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
  const [one, other] = [Buffer.from(given), Buffer.from(secret)];
  return one.length === other.length && timingSafeEqual(one, other);
}
