/**
 * The feed's HTTP client: address, headers, time limit, `ETag` and `Retry-After` in one place. Every kind of failure
 * becomes a {@link TaskError}.
 */

import { type Issue, TaskError } from '../core/error.ts';
import { CHANNEL_HEADER } from '../core/wire.ts';
import type { ServerClock } from './clock.ts';
import type { Timing } from './environment.ts';
import { REQUEST_LIMIT } from './limits.ts';
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
  /** The current generation: it grows whenever the user changes, and answers to older requests are refused. */
  readonly generation: () => number;
  /**
   * Called with each answer before it is used; may begin a new generation.
   * @param channel whose answer it is (header `Inloop-Channel`); null where the answer does not say
   * @param generation the generation in which the request was sent
   */
  readonly onAnswer: (status: number, channel: string | null, generation: number) => void;
  /** Learns the server's time from each answer. */
  readonly clock: Pick<ServerClock, 'learnFromAnswer'>;
}

export interface Answer {
  /** Parsed JSON, not yet checked; undefined where the answer was not JSON. */
  readonly body: unknown;
  /** Seconds the server asks to wait before the next request, or null. */
  readonly retryAfter: number | null;
  /** The user's channel, by the header `Inloop-Channel`; null where the answer does not say. */
  readonly channel: string | null;
}

/** @throws TaskError from every call; `status` is 0 without an answer, and for an answer to another user (`other_user`) */
export interface Http {
  /** Sends `If-None-Match` for lists. After a 304 the answer has the body from before. */
  get(path: string): Promise<Answer>;
  post(path: string, body?: object, headers?: Headers): Promise<Answer>;
  /** Channel authorization, as Pusher clients ask for it. `endpoint` as `GET /connection` gave it. */
  authorize(endpoint: string, socketId: string, channel: string): Promise<Answer>;
  /** Forgets the bodies that are kept for a 304: they were another user's. */
  forget(): void;
}

interface Kept {
  readonly etag: string;
  readonly body: unknown;
}

/** Between two requests it keeps only the bodies of lists, for a 304. */
export function createHttp({ base, fetch, headers, timing, ...options }: HttpOptions): Http {
  const kept = new Map<string, Kept>();

  async function send(url: string, own: Headers = {}, init: RequestInit = {}): Promise<Answer> {
    const abort = new AbortController();
    const timer = timing.setTimeout(() => abort.abort(), REQUEST_LIMIT);
    const known = kept.get(url);
    const generationBefore = options.generation();
    try {
      const sent = timing.now();
      const response = await fetch(url, {
        credentials: 'include',
        // The browser's own cache would turn a 304 into a 200, and sometimes answer without asking the server. But with
        // `no-store` the browser adds `Cache-Control: no-cache`, and then Express never answers 304. So set that header here.
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
      options.clock.learnFromAnswer(response.headers, { sent, received: timing.now() });
      const channel = response.headers.get(CHANNEL_HEADER);
      options.onAnswer(response.status, channel, generationBefore);
      const wait = Number.parseFloat(response.headers.get('retry-after') ?? '');
      const retryAfter = wait >= 0 ? wait : null;
      const isSame = response.status === 304;
      const body = isSame ? known?.body : parse(await response.text());
      // For a 401, `onAnswer` has begun the new generation itself. Its own error, thrown below, says more than `other_user`.
      if (response.status !== 401 && options.generation() !== generationBefore) {
        throw new TaskError('other_user', 'Another user signed in.', { status: 0, retryable: false });
      }
      if (!response.ok && !isSame) throw toTaskError(response.status, body, retryAfter);
      const etag = response.headers.get('etag');
      // Bodies of lists are kept, since the same lists are asked for again and again. A page of older tasks (`cursor`) is asked
      // for once, so it is not kept. Otherwise the kept bodies would grow with each `loadMore`.
      if (etag && /\?(?!.*cursor)/.test(url)) kept.set(url, { etag, body });
      return { body, retryAfter, channel };
    } catch (cause) {
      if (cause instanceof TaskError) throw cause;
      throw new TaskError('unreachable', 'The server cannot be reached.', { status: 0, cause });
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
    // Empty, or the page of a proxy. Callers that need a body check it.
    return undefined;
  }
}

/** The error for an answer that is no success. Its message is for a person to read. */
function toTaskError(status: number, body: unknown, retryAfter: number | null): TaskError {
  const { code = 'http', detail, errors } = isObject(body) ? body : {};
  return new TaskError(`${code}`, `${detail ?? `The server answered ${status}.`}`, {
    status,
    retryable: status >= 500 || status === 429,
    issues: Array.isArray(errors) ? errors.filter(isIssue) : [],
    retryAfter,
  });
}

function isIssue(value: unknown): value is Issue {
  return isObject(value) && Array.isArray(value.path) && isText(value.message);
}
