/** The options of `connectTasks`, and their check. */

import { ConfigError } from '../../core/config-error.ts';
import { browserPage, type Page, systemTiming, type Timing } from '../environment.ts';
import type { HeaderSource } from '../http.ts';
import { findPusher, type PusherSource } from '../push/pusher-class.ts';

/** What `connectTasks` takes. */
export interface FeedOptions {
  /** Where the task router is mounted: `/tasks`, or an absolute address. */
  readonly url: string;
  /** What `pusher-js` exports, for encrypted channels too: their cipher is loaded when the server asks for it. */
  readonly Pusher: PusherSource;
  /** Default: the global one. */
  readonly fetch?: typeof fetch;
  /** Headers for every request, or a function that makes them. Cookies are sent anyway. */
  readonly headers?: HeaderSource;
  /** Clock, timers and randomness. For tests. */
  readonly timing?: Timing;
  /** The page around the feed. For tests, and for environments without one. */
  readonly page?: Page;
}

/** The options with their defaults. */
export interface CheckedOptions extends Required<Omit<FeedOptions, 'url'>> {
  readonly base: string;
}

/** @throws ConfigError `invalid_options` */
export function checkOptions(options: FeedOptions): CheckedOptions {
  const { url, Pusher, fetch = globalThis.fetch, headers = {}, timing = systemTiming, page = browserPage } = options;
  if (!findPusher(Pusher)) invalid('Pusher', 'what "pusher-js" exports', Pusher);
  return {
    base: toBase(url),
    Pusher,
    fetch,
    headers,
    timing,
    page,
  };
}

function toBase(url: unknown): string {
  try {
    const { origin, pathname, protocol } = new URL(url as string, globalThis.document?.baseURI);
    if (url && /^https?:$/.test(protocol)) return (origin + pathname).replace(/\/+$/, '');
  } catch {
    // The error is thrown below.
  }
  return invalid('url', 'where the task router is mounted, like "/tasks"', url);
}

function invalid(option: string, expected: string, got: unknown): never {
  throw new ConfigError('invalid_options', `connectTasks: ${option} must be ${expected}, got ${JSON.stringify(got)}.`);
}
