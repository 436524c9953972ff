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
  /**
   * A page of the application itself, or no page at all: it keeps cookies. pusher-js sends none from pages of other
   * origins; those are known by their address and what their browser says of itself, which is all there is.
   */
  readonly keepsCookies: boolean;
  /** Its address, as for the cap on sessions. */
  readonly client: string;
  /** The session's URL, as the browser sees it: no other session's requests carry its cookie. */
  readonly path: string;
}

/** The client that opened a session. */
export class Opener {
  readonly #secret = randomBytes(24).toString('base64url');
  readonly #traits: string;
  readonly #path: string;
  #keepsCookies: boolean;

  constructor(req: IncomingMessage, { keepsCookies, client, path }: OpenerOptions) {
    this.#keepsCookies = keepsCookies;
    this.#traits = traitsOf(req, client);
    this.#path = path;
  }

  /** Whether a later request is of the same client. */
  sent(req: IncomingMessage, client: string): boolean {
    if (readCookies(req).some((value) => isSame(value, this.#secret))) {
      // From now on nothing less will do.
      this.#keepsCookies = true;
      return true;
    }
    return !this.#keepsCookies && traitsOf(req, client) === this.#traits;
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

function readCookies(req: IncomingMessage): string[] {
  const pairs = (req.headers.cookie ?? '').split(';').map((pair) => pair.trim());
  return pairs.filter((pair) => pair.startsWith(`${COOKIE}=`)).map((pair) => pair.slice(COOKIE.length + 1));
}

function isSame(given: string, secret: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(secret)];
  return one.length === other.length && timingSafeEqual(one, other);
}
