/** Which bus to use, from environment variables alone: self-hosted Soketi and hosted Pusher differ in nothing else. */

import { ConfigError } from '../../core/config-error.ts';
import type { ConnectionInfo } from '../../core/wire.ts';
import { consoleLog, type Log } from '../log.ts';

/** How servers and browsers reach the bus. */
export interface PusherOptions {
  readonly appId: string;
  readonly key: string;
  readonly secret: string;
  /** Hosted Pusher's cluster, for example `eu`; null for a bus of one's own. */
  readonly cluster: string | null;
  /** How the server reaches a bus of one's own; null for hosted Pusher. */
  readonly server: Endpoint | null;
  /** How browsers reach it; null for hosted Pusher. */
  readonly browser: Endpoint | null;
  /** 32 bytes in base64: events travel encrypted end to end. Null: they do not. */
  readonly encryptionKey: string | null;
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
}

/** Where the HTTP transports of pusher-js find somebody who answers them. */
export interface HttpEndpoint {
  readonly host: string;
  /** Without TLS, and with it: which one counts is decided by the page's own protocol. */
  readonly ports: readonly [plain: number, secure: number];
  readonly path: string;
}

type Env = Readonly<Record<string, string | undefined>>;

export interface PusherEnvOptions {
  /** Where to say that a placeholder is still in place. Default: lines on standard error. */
  readonly log?: Log;
}

/** What examples have where a value of one's own belongs (.env.example). Anybody can look it up. */
const PLACEHOLDER = /change[-_ ]?me/i;

/**
 * The bus that the `PUSHER_*` variables describe: `PUSHER_APP_ID`, `PUSHER_KEY`, `PUSHER_SECRET`, and either
 * `PUSHER_CLUSTER` (hosted) or `PUSHER_HOST`, `PUSHER_PORT`, `PUSHER_TLS`; optionally `PUSHER_ENCRYPTION_KEY`,
 * and `PUSHER_PUBLIC_HOST`, `_PORT`, `_TLS` for what browsers must use where it differs.
 * A placeholder such as `secret-change-me` is refused where `NODE_ENV` is `production`, and warned of elsewhere.
 *
 * @throws ConfigError `invalid_environment` naming the variable, never its value
 */
export function pusherFromEnv(env: Env, options: PusherEnvOptions = {}): PusherOptions {
  checkPlaceholders(env, options.log ?? consoleLog);
  const shared = {
    appId: required(env, 'PUSHER_APP_ID'),
    key: required(env, 'PUSHER_KEY'),
    secret: required(env, 'PUSHER_SECRET'),
    encryptionKey: encryptionKey(env),
  };
  const cluster = optional(env, 'PUSHER_CLUSTER');
  const host = optional(env, 'PUSHER_HOST');
  if (cluster !== null && host !== null) {
    invalid(
      'PUSHER_CLUSTER and PUSHER_HOST are both set. Set the first for hosted Pusher, or the second for a server of your own.',
    );
  }
  if (cluster !== null) {
    if (!/^[a-z0-9-]{1,32}$/.test(cluster))
      invalid('PUSHER_CLUSTER must be the name of a cluster, like "eu" or "us2".');
    return { ...shared, cluster, server: null, browser: null };
  }
  if (host === null)
    invalid('PUSHER_HOST is missing. Set it (with PUSHER_PORT and PUSHER_TLS), or PUSHER_CLUSTER for hosted Pusher.');
  const tls = flag(env, 'PUSHER_TLS') ?? false;
  const server = { host: hostname('PUSHER_HOST', host), port: port(env, 'PUSHER_PORT') ?? (tls ? 443 : 80), tls };
  const publicHost = optional(env, 'PUSHER_PUBLIC_HOST');
  const publicTls = flag(env, 'PUSHER_PUBLIC_TLS');
  const publicPort = port(env, 'PUSHER_PUBLIC_PORT');
  return {
    ...shared,
    cluster: null,
    server,
    browser: {
      host: publicHost === null ? server.host : hostname('PUSHER_PUBLIC_HOST', publicHost),
      port: publicPort ?? (publicTls === null || publicTls === tls ? server.port : publicTls ? 443 : 80),
      tls: publicTls ?? tls,
    },
  };
}

/**
 * What pusher-js in a browser needs, besides the channel and where to authorize it.
 * @param fallback where HTTP goes instead of to the bus, which may not answer it
 */
export function connectionInfo(
  options: PusherOptions,
  fallback: HttpEndpoint | null = null,
): Omit<ConnectionInfo, 'channel' | 'authEndpoint'> {
  const { browser } = options;
  return {
    key: options.key,
    // pusher-js insists on one, and reaches for <cluster>.pusher.com wherever a host is not set; for a bus of
    // one's own this name leads nowhere.
    cluster: options.cluster ?? 'self-hosted',
    wsHost: browser?.host ?? null,
    wsPort: browser?.port ?? null,
    wssPort: browser?.port ?? null,
    httpHost: fallback?.host ?? browser?.host ?? null,
    httpPort: fallback?.ports[0] ?? browser?.port ?? null,
    httpsPort: fallback?.ports[1] ?? browser?.port ?? null,
    httpPath: fallback?.path ?? (browser ? '/pusher' : null),
    forceTLS: browser?.tls ?? true,
  };
}

function checkPlaceholders(env: Env, log: Log): void {
  const isProduction = (env.NODE_ENV ?? process.env.NODE_ENV) === 'production';
  for (const name of ['PUSHER_APP_ID', 'PUSHER_KEY', 'PUSHER_SECRET', 'PUSHER_ENCRYPTION_KEY']) {
    if (!PLACEHOLDER.test(env[name] ?? '')) continue;
    const fault = `${name} is still the placeholder of .env.example, which anybody knows. Set a value of your own.`;
    if (isProduction) invalid(fault);
    log.warn(fault);
  }
}

function required(env: Env, name: string): string {
  return optional(env, name) ?? invalid(`${name} is missing.`);
}

function optional(env: Env, name: string): string | null {
  const value = env[name]?.trim();
  return value ? value : null;
}

function port(env: Env, name: string): number | null {
  const value = optional(env, name);
  if (value === null) return null;
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1 || number > 65_535) invalid(`${name} must be a port, 1 to 65535.`);
  return number;
}

function flag(env: Env, name: string): boolean | null {
  const value = optional(env, name)?.toLowerCase() ?? null;
  if (value === null) return null;
  if (['true', '1', 'yes', 'on'].includes(value)) return true;
  if (['false', '0', 'no', 'off'].includes(value)) return false;
  return invalid(`${name} must be true or false.`);
}

function hostname(name: string, value: string): string {
  if (/^[A-Za-z0-9.-]+$|^\[?[0-9A-Fa-f:]+\]?$/.test(value)) return value;
  return invalid(`${name} must be a host name or an address, without a scheme, a port or a path.`);
}

function encryptionKey(env: Env): string | null {
  const value = optional(env, 'PUSHER_ENCRYPTION_KEY');
  if (value === null) return null;
  if (!/^[A-Za-z0-9+/]{43}=$/.test(value)) {
    invalid('PUSHER_ENCRYPTION_KEY must be 32 random bytes in base64 (make one with: openssl rand -base64 32).');
  }
  return value;
}

function invalid(message: string): never {
  throw new ConfigError('invalid_environment', message);
}
