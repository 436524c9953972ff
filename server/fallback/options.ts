/** What an application passes to `attachFallback`, and the checks of it. */

import proxyAddr from 'proxy-addr';
import type { Backend } from '../../backend/backend.ts';
import { refuseOptions, wholeNumbers } from '../../core/values/options.ts';
import { describe } from '../../core/values/text.ts';
import { checkOrigins } from '../origins.ts';
import type { Trust } from './access/origin.ts';

/** What `attachFallback` takes. */
export interface FallbackOptions {
  readonly backend: Backend;
  /** Where requests arrive: `<path>/app/<key>/…` belongs to the fallback. Default `/pusher`. */
  readonly path?: string;
  /**
   * Where browsers reach the fallback: a path (`/prefix/pusher`, for a proxy that strips a prefix), or a whole URL
   * (`https://app.example.com/pusher`). Default: `path`, on the host that the browser used for `GET /connection`.
   */
  readonly publicUrl?: string;
  /** Origins besides the application's own whose pages may connect, as `https://app.example.com`. Default none. */
  readonly allowedOrigins?: readonly string[];
  /**
   * Proxies whose `X-Forwarded-For` and `X-Forwarded-Host` are believed: addresses, subnets, or the names `loopback`,
   * `linklocal`, `uniquelocal`, as for Express's `trust proxy`. Default none: then all clients behind one proxy count as
   * one address. List only your own proxies: a client with a listed address can pretend to have any other.
   * (`GET /connection` uses the `trust proxy` of the Express app.)
   */
  readonly trustProxy?: string | readonly string[];
  /** Abort it when the server is to end. Then clients are told to connect again, and no more sessions are opened. */
  readonly signal?: AbortSignal;
  readonly limits?: Partial<FallbackLimits>;
}

/** Limits that keep one client from slowing the others down, and time limits. */
export interface FallbackLimits {
  /** Sessions at once; each holds a connection to the bus and, mostly, one to a browser. Default 5,000. */
  readonly sessions: number;
  /** Sessions at once from one address (of IPv6: from one /64). Default 200: an office often has one address. */
  readonly sessionsPerAddress: number;
  /** Largest body of a request that sends, in bytes. Default 131,072. */
  readonly bodyBytes: number;
  /** Characters that may wait for one client. If more wait, the client has to connect again. Default 1,048,576. */
  readonly buffered: number;
  /** Characters that may wait for all clients together. Default 67,108,864. */
  readonly bufferedInAll: number;
  /** How often a client gets a heartbeat, in ms. Proxies cut silent connections, some after 30 s. Default 20,000. */
  readonly heartbeatMs: number;
  /** How often the bus is pinged for a session, in ms. Soketi closes a connection after 120 s of silence. Default 25,000. */
  readonly pingMs: number;
  /** How long a session waits for the client's next request, in ms. Default 10,000. */
  readonly graceMs: number;
  /** How long the bus is tried for a new client, and how long a client may take to send a body, in ms. Default 5,000. */
  readonly connectMs: number;
}

/** The checked options, with defaults filled in. */
export interface CheckedOptions {
  readonly path: string;
  readonly publicUrl: PublicUrl;
  readonly allowedOrigins: ReadonlySet<string>;
  readonly trust: Trust;
  readonly limits: FallbackLimits;
}

/** Where browsers find the fallback. */
export interface PublicUrl {
  /** Always with its port: `app.example.com:443`. Null: the host that they used. */
  readonly host: string | null;
  readonly path: string;
}

/** 1 ms to a day. Node turns an interval above 24.8 days into 1 ms. */
const DURATION = { min: 1, max: 86_400_000 };
const SIZE = { min: 1, max: Number.MAX_SAFE_INTEGER };

const LIMITS = {
  sessions: { ...SIZE, default: 5_000 },
  sessionsPerAddress: { ...SIZE, default: 200 },
  bodyBytes: { ...SIZE, default: 131_072 },
  buffered: { ...SIZE, default: 1_048_576 },
  bufferedInAll: { ...SIZE, default: 67_108_864 },
  heartbeatMs: { ...DURATION, default: 20_000 },
  pingMs: { ...DURATION, default: 25_000 },
  graceMs: { ...DURATION, default: 10_000 },
  connectMs: { ...DURATION, default: 5_000 },
} as const satisfies Record<keyof FallbackLimits, object>;

/** @throws ConfigError `invalid_options` naming the option */
export function checkOptions(options: Omit<FallbackOptions, 'backend'>): CheckedOptions {
  const path = checkPath('path', options.path ?? '/pusher');
  return {
    path,
    publicUrl: checkPublicUrl(options.publicUrl ?? path),
    allowedOrigins: checkOrigins('attachFallback: allowedOrigins', options.allowedOrigins ?? []),
    trust: checkTrust(options.trustProxy ?? []),
    limits: wholeNumbers('attachFallback: limits', options.limits ?? {}, LIMITS),
  };
}

function checkPath(name: string, path: string): string {
  if (/^(\/[\w.~-]+)+$/.test(path)) return path;
  return refuseOptions(
    `attachFallback: ${name} must be a path like /pusher, without a slash at its end, got ${describe(path)}.`,
  );
}

function checkPublicUrl(given: string): PublicUrl {
  if (given.startsWith('/')) return { host: null, path: checkPath('publicUrl', given) };
  const url = URL.canParse(given) ? new URL(given) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.search || url.hash || url.username) {
    refuseOptions(
      `attachFallback: publicUrl must be a path or a URL like https://app.example.com/pusher, got ${describe(given)}.`,
    );
  }
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return { host: `${url.hostname}:${port}`, path: checkPath('the path of publicUrl', url.pathname) };
}

function checkTrust(trustProxy: string | readonly string[]): Trust {
  try {
    return proxyAddr.compile(typeof trustProxy === 'string' ? trustProxy : [...trustProxy]);
  } catch {
    return refuseOptions(
      'attachFallback: trustProxy must hold addresses, subnets or loopback, linklocal, uniquelocal.',
    );
  }
}
