/**
 * The HTTP side of the contract, for the feed: one place for the address, the headers, the time limit, `ETag`,
 * `Retry-After`, and for turning every kind of failure into one {@link TaskError}.
 */

import { type Issue, TaskError } from '../core/error.ts';
import type { Timing } from './environment.ts';
import { isObject, isText } from './parse.ts';

type Headers = Readonly<Record<string, string>>;

/** Headers for every request, or a function that makes them (for tokens that expire). */
export type HeaderSource = Headers | (() => Headers | Promise<Headers>);

export interface HttpOptions {
  /** Absolute address the task router is mounted at, without a slash at the end. */
  readonly base: string;
  readonly fetch: typeof fetch;
  readonly headers: HeaderSource;
  readonly timing: Timing;
  /** An answer said 401. */
  readonly onSignedOut: () => void;
}

export interface Answer {
  /** Parsed JSON, not yet checked; undefined where it was none. */
  readonly body: unknown;
  /** Seconds the server asks to wait before the next request, or null. */
  readonly retryAfter: number | null;
}

/** @throws TaskError from every call; its `status` is 0 where no answer came */
export interface Http {
  /** Sends `If-None-Match` for lists; a 304 is answered with the body from before. */
  get(path: string): Promise<Answer>;
  post(path: string, body?: object, headers?: Headers): Promise<Answer>;
  /** Channel authorization, as Pusher clients ask for it. `endpoint` as `GET /connection` gave it. */
  authorize(endpoint: string, socketId: string, channel: string): Promise<Answer>;
  /** Forgets the bodies it keeps for 304: they were another user's. */
  forget(): void;
}

/** For one request with its body, in milliseconds. */
const TIME_LIMIT = 10_000;

export function createHttp({ base, fetch, headers, timing, onSignedOut }: HttpOptions): Http {
  const kept = new Map<string, { readonly etag: string; readonly body: unknown }>();

  async function send(url: string, own: Headers = {}, init: RequestInit = {}): Promise<Answer> {
    const abort = new AbortController();
    const timer = timing.setTimeout(() => abort.abort(), TIME_LIMIT);
    const known = kept.get(url);
    try {
      const response = await fetch(url, {
        credentials: 'include',
        // The browser's own cache would answer a 304 for us, and sometimes without asking. But with `no-store` it
        // sends `Cache-Control: no-cache` by itself, to which Express never answers 304: so that header is ours.
        cache: 'no-store',
        signal: abort.signal,
        ...init,
        headers: {
          'cache-control': 'max-age=0',
          ...(known && { 'if-none-match': known.etag }),
          ...(typeof headers === 'function' ? await headers() : headers),
          ...own,
        },
      });
      const wait = Number.parseFloat(response.headers.get('retry-after') ?? '');
      const retryAfter = wait >= 0 ? wait : null;
      if (response.status === 304) return { body: known?.body, retryAfter };
      const body = parse(await response.text());
      if (!response.ok) throw toTaskError(response.status, body, retryAfter);
      const etag = response.headers.get('etag');
      // Lists only: they are what is asked for again and again, and there are few of them.
      if (etag && url.includes('?')) kept.set(url, { etag, body });
      return { body, retryAfter };
    } catch (cause) {
      if (!(cause instanceof TaskError)) {
        throw new TaskError('unreachable', 'The server cannot be reached.', { status: 0, cause });
      }
      if (cause.status === 401) onSignedOut();
      throw cause;
    } finally {
      timing.clearTimeout(timer);
    }
  }

  return {
    get: (path) => send(base + path),
    post: (path, body = {}, own = {}) =>
      send(base + path, { 'content-type': 'application/json', ...own }, { method: 'POST', body: JSON.stringify(body) }),
    authorize: (endpoint, socketId, channel) =>
      send(
        new URL(endpoint, base).href,
        {},
        { method: 'POST', body: new URLSearchParams({ socket_id: socketId, channel_name: channel }) },
      ),
    forget: () => kept.clear(),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Empty, or a proxy's page. Whoever needs more than the status finds out by checking the body.
    return undefined;
  }
}

/** The one place where an answer that is no success becomes an error a person can read. */
function toTaskError(status: number, body: unknown, retryAfter: number | null): TaskError {
  const { code = 'http', detail, errors } = isObject(body) ? body : {};
  return new TaskError(`${code}`, `${detail ?? `The server answered with status ${status}.`}`, {
    status,
    retryable: status >= 500 || status === 429,
    issues: Array.isArray(errors) ? errors.filter(isIssue) : [],
    retryAfter,
  });
}

function isIssue(value: unknown): value is Issue {
  return isObject(value) && Array.isArray(value.path) && isText(value.message);
}
