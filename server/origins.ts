/**
 * Which pages may change something (protection against cross-site request forgery, and CORS). It serves the routers,
 * and applications that put it before routes of their own.
 *
 * A browser sends a user's cookie with every request, whichever page makes it. So a request that changes something is
 * accepted from pages of the own origin, from pages of listed origins, and from programs other than browsers. Requests that
 * only read are not refused: without CORS headers a browser does not let a page of another origin see the answer.
 */

import type { Request, RequestHandler, Response } from 'express';
import type { TaskError } from '../core/error.ts';
import { refuseOptions } from '../core/values/options.ts';
import { CHANNEL_HEADER, PROTOCOL_HEADER, TIME_HEADER } from '../core/wire.ts';
import { hostOf } from './mounting/request-host.ts';
import { refusal, sendProblem } from './problem.ts';
import { originAt, senderOf } from './sender.ts';

/** What `sameOrigin` takes. */
export interface SameOriginOptions {
  /** Origins besides the own one whose pages may act and read, like `https://app.example.com`. Default none. */
  readonly origins?: readonly string[];
  /** Whether pages of listed origins may send `traceparent` and `tracestate` (W3C Trace Context). Default false. */
  readonly traced?: boolean;
}

/** Which origins are the application's own and which are listed. */
export interface OriginRule {
  readonly listed: ReadonlySet<string>;
  /** An origin that counts as the own one beside the one that the request was sent to. Null: none does. */
  readonly own: string | null;
}

const SAFE_METHODS: readonly string[] = ['GET', 'HEAD', 'OPTIONS'];
/** Headers that the client sends and that a preflight asks for. `Authorization` is for bearer tokens. */
const REQUEST_HEADERS = [
  'authorization',
  'cache-control',
  'content-type',
  'idempotency-key',
  'if-none-match',
  'prefer',
] as const;
/** What a page sends as well, so that a trace begins there (W3C Trace Context). Allowed only where tasks are traced. */
export const TRACE_HEADERS = ['traceparent', 'tracestate'] as const;
/** Headers that the client reads, and that browsers hide from other origins unless told. */
const ANSWER_HEADERS = [
  'ETag',
  'Location',
  'Retry-After',
  'Preference-Applied',
  CHANNEL_HEADER,
  PROTOCOL_HEADER,
  TIME_HEADER,
].join(', ');
const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE';
/** How long browsers may keep the answer to a preflight, in seconds: 2 h, the most that Chromium allows. */
const PREFLIGHT_MAX_AGE_S = 7_200;

/**
 * Refuses requests by which a page of another site would change something in a signed-in user's name: 403 `cross_site`,
 * as problem+json. Put it before routes of your own that change something. The task router has it built in. Pages of
 * listed origins get CORS, with cookies.
 *
 * @example
 * app.use('/imports', sameOrigin({ origins: ['https://app.example.com'] }), importRouter);
 *
 * @throws ConfigError `invalid_options`
 */
export function sameOrigin(options: SameOriginOptions = {}): RequestHandler {
  const { origins = [], traced = false } = options;
  const listed = checkOrigins('sameOrigin: origins', origins);
  return guardOrigins({ listed, own: null }, { moreHeaders: () => (traced ? TRACE_HEADERS : []) });
}

/** What a guard tells and asks. */
export interface GuardPorts {
  /** Gets the header that told that the request came from another site. */
  readonly onRefused?: (header: 'sec-fetch-site' | 'origin') => void;
  /** Headers that pages of listed origins may send beside those of the client. */
  readonly moreHeaders?: () => readonly string[];
}

/** Middleware that refuses what foreign pages would change, and sets CORS headers for listed origins, both by `rule`. */
export function guardOrigins(rule: OriginRule, { onRefused, moreHeaders = () => [] }: GuardPorts = {}): RequestHandler {
  return (req, res, next) => {
    if (rule.listed.size > 0) res.vary('Origin');
    const sender = senderOf(req.headers, rule.listed, (origin) => origin === rule.own || origin === originOf(req));
    if (sender === 'listed') {
      allowReading(req, res);
      if (req.method === 'OPTIONS' && req.headers['access-control-request-method'] !== undefined) {
        answerPreflight(res, [...REQUEST_HEADERS, ...moreHeaders()]);
        return;
      }
    }
    if (sender !== 'foreign' || SAFE_METHODS.includes(req.method)) return next();
    onRefused?.(req.headers['sec-fetch-site'] === undefined ? 'origin' : 'sec-fetch-site');
    sendProblem(res, crossSiteError(req));
  };
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
 * The host (`name` or `name:port`) that the browser of `req` used. A proxy may have replaced `Host`; nginx does by default.
 * But a page of the same origin sends its own address as `Referer`, if it sends one.
 */
export function hostUsedBy(req: Request): string | undefined {
  const { referer = '', 'sec-fetch-site': site } = req.headers;
  if (site === 'same-origin' && /^https?:/.test(referer) && URL.canParse(referer)) return new URL(referer).host;
  return hostOf(req);
}

/** The origin that `req` was sent to, or null if its host is not valid. Express knows which proxies to believe. */
function originOf(req: Request): string | null {
  return originAt(req.protocol, hostOf(req) ?? '');
}

function allowReading(req: Request, res: Response): void {
  res.set('Access-Control-Allow-Origin', req.headers.origin);
  res.set('Access-Control-Allow-Credentials', 'true');
  res.set('Access-Control-Expose-Headers', ANSWER_HEADERS);
}

function answerPreflight(res: Response, headers: readonly string[]): void {
  res.set('Access-Control-Allow-Methods', METHODS);
  res.set('Access-Control-Allow-Headers', headers.join(', '));
  res.set('Access-Control-Max-Age', String(PREFLIGHT_MAX_AGE_S));
  res.status(204).end();
}

function crossSiteError(req: Request): TaskError {
  const { origin, 'sec-fetch-site': site } = req.headers;
  const came =
    site === undefined ? `Origin ${JSON.stringify(origin?.slice(0, 100))}` : `${site.slice(0, 20)} by Sec-Fetch-Site`;
  return refusal(
    'cross_site',
    `Expected a request of this site's own pages, got one of another site (${came}). Its origin may be listed in "origins"; behind a proxy, see Express's "trust proxy".`,
    403,
  );
}
