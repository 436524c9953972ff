/**
 * The rule for requests from other sites. It serves the router, and adopters who put it before routes of their own.
 *
 * A browser sends a user's cookie along whichever page asks. So a request that changes something is taken from a page
 * of the own origin, from a page of an origin that the adopter lists, and from what is no browser. Reading stays open:
 * without CORS headers a browser shows the answer to nobody.
 */

import type { Request, RequestHandler, Response } from 'express';
import type { TaskError } from '../core/error.ts';
import { refuseOptions } from '../core/options.ts';
import { CHANNEL_HEADER, PROTOCOL_HEADER, TIME_HEADER } from '../core/wire.ts';
import { refusal, sendProblem } from './problem.ts';

export interface SameOriginOptions {
  /** Origins besides the own one whose pages may act and read, like `https://app.example.com`. Default none. */
  readonly origins?: readonly string[];
}

/** What one application takes for its own and for its friends. */
export interface OriginRule {
  readonly listed: ReadonlySet<string>;
  /** The own origin where it is known; null: it is the one that the request names as its host. */
  readonly own: string | null;
}

/** Who sent a request: a page of the own origin, of a listed one, of any other, or something that is no browser. */
export type Sender = 'own' | 'listed' | 'foreign' | 'no-browser';

const SAFE_METHODS: readonly string[] = ['GET', 'HEAD', 'OPTIONS'];
/** What the client sends and browsers ask leave for. `Authorization` is for bearer tokens. */
const REQUEST_HEADERS = 'authorization, cache-control, content-type, idempotency-key, if-none-match, prefer';
/** What the client reads and browsers hide otherwise. */
const ANSWER_HEADERS = [
  ...['ETag', 'Location', 'Retry-After', 'Preference-Applied'],
  ...[CHANNEL_HEADER, PROTOCOL_HEADER, TIME_HEADER],
].join(', ');
const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE';
/** As long as any browser keeps the answer to a preflight: Chromium, 2 h. */
const PREFLIGHT_MAX_AGE_S = 7_200;

/**
 * Refuses what pages of other sites would change in a signed-in user's name: 403 `cross_site`, as problem+json. Put it
 * before routes of your own that change something; the task router has its own. Pages of listed origins get CORS, with
 * cookies.
 *
 * @example
 * app.use('/imports', sameOrigin({ origins: ['https://app.example.com'] }), importRouter);
 *
 * @throws ConfigError `invalid_options`
 */
export function sameOrigin(options: SameOriginOptions = {}): RequestHandler {
  return guardOrigins({ listed: checkOrigins('sameOrigin: origins', options.origins ?? []), own: null });
}

/** The middleware of a rule. */
export function guardOrigins(rule: OriginRule): RequestHandler {
  return (req, res, next) => {
    if (rule.listed.size > 0) res.vary('Origin');
    const sender = senderOf(req, rule);
    if (sender === 'listed') {
      allowReading(req, res);
      if (req.method === 'OPTIONS' && req.headers['access-control-request-method'] !== undefined) {
        answerPreflight(res);
        return;
      }
    }
    if (sender === 'foreign' && !SAFE_METHODS.includes(req.method)) sendProblem(res, refuse(req));
    else next();
  };
}

/** Who sent `req`, as far as headers that no page's script can set tell. */
export function senderOf(req: Request, { listed, own }: OriginRule): Sender {
  const { origin, 'sec-fetch-site': site } = req.headers;
  if (origin === undefined && site === undefined) return 'no-browser';
  // Also behind a proxy that changes Host. `same-site` is another port or a sibling's host, where anybody may run.
  if (site === 'same-origin') return 'own';
  if (origin !== undefined && listed.has(origin)) return 'listed';
  if (site !== undefined) return 'foreign';
  return origin === own || origin === originOf(req) ? 'own' : 'foreign';
}

/** Checks a list of origins, each exactly as browsers send it. @throws ConfigError `invalid_options` */
export function checkOrigins(what: string, origins: readonly string[]): ReadonlySet<string> {
  if (!Array.isArray(origins)) refuseOptions(`${what} must be a list like ["https://app.example.com"].`);
  for (const origin of origins as readonly unknown[]) {
    const url = typeof origin === 'string' && URL.canParse(origin) ? new URL(origin) : null;
    const hasWildcard = url?.host.includes('*') ?? false;
    if (url !== null && url.origin === origin && !hasWildcard) continue;
    const hint =
      url === null || url.origin === 'null' || hasWildcard ? '' : ` Did you mean ${JSON.stringify(url.origin)}?`;
    const came = typeof origin === 'string' ? JSON.stringify(origin.slice(0, 100)) : typeof origin;
    refuseOptions(
      `${what} must hold origins like "https://app.example.com" (no path, no wildcard), got ${came}.${hint}`,
    );
  }
  return new Set(origins);
}

/**
 * The host (`name` or `name:port`) that the browser of `req` used. A proxy may have put its own into `Host`, as nginx
 * does unless told; but a page of the same origin names its own address in `Referer`, if it names any.
 */
export function hostUsedBy(req: Request): string | undefined {
  const { referer = '', 'sec-fetch-site': site } = req.headers;
  if (site === 'same-origin' && /^https?:/.test(referer) && URL.canParse(referer)) return new URL(referer).host;
  return req.host;
}

/** The origin that `req` was sent to, or null for a host that is none. Express knows which proxies to believe. */
function originOf(req: Request): string | null {
  const url = `${req.protocol}://${req.host}`;
  return /^[^/?#@\\\s]+$/.test(req.host ?? '') && URL.canParse(url) ? new URL(url).origin : null;
}

function allowReading(req: Request, res: Response): void {
  res.set('Access-Control-Allow-Origin', req.headers.origin);
  res.set('Access-Control-Allow-Credentials', 'true');
  res.set('Access-Control-Expose-Headers', ANSWER_HEADERS);
}

function answerPreflight(res: Response): void {
  res.set('Access-Control-Allow-Methods', METHODS);
  res.set('Access-Control-Allow-Headers', REQUEST_HEADERS);
  res.set('Access-Control-Max-Age', String(PREFLIGHT_MAX_AGE_S));
  res.status(204).end();
}

function refuse(req: Request): TaskError {
  const { origin, 'sec-fetch-site': site } = req.headers;
  const came =
    site === undefined ? `Origin ${JSON.stringify(origin?.slice(0, 100))}` : `${site.slice(0, 20)} by Sec-Fetch-Site`;
  return refusal(
    'cross_site',
    `Expected a request of this site's own pages, got one of another site (${came}). Its origin may be listed in "origins"; behind a proxy, see Express's "trust proxy".`,
    403,
  );
}
