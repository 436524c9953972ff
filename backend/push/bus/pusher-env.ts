/**
 * Reads from the environment which bus to use. It serves whoever creates a backend. Self-hosted Soketi and hosted Pusher
 * differ in these variables and in nothing else.
 */

import { ConfigError } from '../../../core/config-error.ts';
import type { ConnectionInfo } from '../../../core/wire.ts';
import { consoleLog, type Log } from '../../log/log.ts';

/** How servers and browsers reach the bus. */
export interface PusherOptions {
  readonly appId: string;
  readonly key: string;
  readonly secret: string;
  /** Hosted Pusher's cluster, for example `eu`; null for a self-hosted bus. */
  readonly cluster: string | null;
  /** How the server reaches a self-hosted bus; null for hosted Pusher. */
  readonly server: Endpoint | null;
  /** How browsers reach a self-hosted bus; null for hosted Pusher. */
  readonly browser: Endpoint | null;
  /** 32 bytes in base64, with which events are encrypted from end to end; null to send them plain. */
  readonly encryptionKey: string | null;
}

/** How to reach a server. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
}

/** Where the HTTP transports of pusher-js send their requests. */
export interface HttpEndpoint {
  readonly host: string;
  /** A page on http uses the first, one on https the second. */
  readonly ports: readonly [plain: number, secure: number];
  readonly path: string;
}

type Env = Readonly<Record<string, string | undefined>>;

/** Options of {@link pusherFromEnv}. */
export interface PusherEnvOptions {
  /** Gets a warning for each placeholder that is still in place. Default: lines on standard error. */
  readonly log?: Log;
}

/** The placeholders in .env.example, for example `secret-change-me`. They are public, so they must not stay. */
const PLACEHOLDER = /change[-_ ]?me/i;

/**
 * The bus that the `PUSHER_*` variables describe: `PUSHER_APP_ID`, `PUSHER_KEY`, `PUSHER_SECRET`, and either
 * `PUSHER_CLUSTER` (hosted) or `PUSHER_HOST`, `PUSHER_PORT`, `PUSHER_TLS`; optionally `PUSHER_ENCRYPTION_KEY`,
 * and `PUSHER_PUBLIC_HOST`, `_PORT`, `_TLS` if browsers must use another address than the server.
 * A placeholder such as `secret-change-me` is refused if `NODE_ENV` is `production`; otherwise there is a warning.
 *
 * @throws ConfigError `invalid_environment` naming the variable, never its value
 */
export function pusherFromEnv(env: Env, options: PusherEnvOptions = {}): PusherOptions {
  checkPlaceholders(env, options.log ?? consoleLog);
  const shared = {
    appId: requireText(env, 'PUSHER_APP_ID'),
    key: requireText(env, 'PUSHER_KEY'),
    secret: requireText(env, 'PUSHER_SECRET'),
    encryptionKey: readEncryptionKey(env),
  };
  const cluster = readText(env, 'PUSHER_CLUSTER');
  const host = readText(env, 'PUSHER_HOST');
  if (cluster !== null && host !== null) {
    fail(
      'PUSHER_CLUSTER and PUSHER_HOST are both set. Set the first for hosted Pusher, or the second for a server of your own.',
    );
  }
  if (cluster !== null) {
    if (!/^[a-z0-9-]{1,32}$/.test(cluster)) fail('PUSHER_CLUSTER must be the name of a cluster, like "eu" or "us2".');
    return { ...shared, cluster, server: null, browser: null };
  }
  if (host === null)
    fail('PUSHER_HOST is missing. Set it (with PUSHER_PORT and PUSHER_TLS), or PUSHER_CLUSTER for hosted Pusher.');
  const tls = readFlag(env, 'PUSHER_TLS') ?? false;
  const server = { host: checkHost('PUSHER_HOST', host), port: readPort(env, 'PUSHER_PORT') ?? (tls ? 443 : 80), tls };
  const publicHost = readText(env, 'PUSHER_PUBLIC_HOST');
  const publicTls = readFlag(env, 'PUSHER_PUBLIC_TLS');
  const publicPort = readPort(env, 'PUSHER_PUBLIC_PORT');
  return {
    ...shared,
    cluster: null,
    server,
    browser: {
      host: publicHost === null ? server.host : checkHost('PUSHER_PUBLIC_HOST', publicHost),
      // Browsers use the server's port. But if only one of the two uses TLS, browsers use 443 with TLS, and 80 without.
      port: publicPort ?? (publicTls === null || publicTls === tls ? server.port : publicTls ? 443 : 80),
      tls: publicTls ?? tls,
    },
  };
}

/**
 * What pusher-js in a browser needs, besides the channel and where to authorize it.
 * @param fallback where the HTTP transports send their requests instead of to the bus, since Soketi answers them 404
 */
export function connectionInfo(
  options: PusherOptions,
  fallback: HttpEndpoint | null = null,
): Omit<ConnectionInfo, 'channel' | 'authEndpoint'> {
  const { browser } = options;
  return {
    key: options.key,
    // pusher-js requires a cluster, and uses it only if no host is set. There is no cluster called `self-hosted`, so nothing
    // could be sent to hosted Pusher by mistake.
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
    if (isProduction) fail(fault);
    log.warn(fault);
  }
}

function requireText(env: Env, name: string): string {
  return readText(env, name) ?? fail(`${name} is missing.`);
}

function readText(env: Env, name: string): string | null {
  const value = env[name]?.trim();
  return value ? value : null;
}

function readPort(env: Env, name: string): number | null {
  const value = readText(env, name);
  if (value === null) return null;
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1 || number > 65_535) fail(`${name} must be a port, 1 to 65535.`);
  return number;
}

function readFlag(env: Env, name: string): boolean | null {
  const value = readText(env, name)?.toLowerCase() ?? null;
  if (value === null) return null;
  if (['true', '1', 'yes', 'on'].includes(value)) return true;
  if (['false', '0', 'no', 'off'].includes(value)) return false;
  return fail(`${name} must be true or false.`);
}

function checkHost(name: string, value: string): string {
  if (/^[A-Za-z0-9.-]+$|^\[?[0-9A-Fa-f:]+\]?$/.test(value)) return value;
  return fail(`${name} must be a host name or an address, without a scheme, a port or a path.`);
}

function readEncryptionKey(env: Env): string | null {
  const value = readText(env, 'PUSHER_ENCRYPTION_KEY');
  if (value === null) return null;
  if (!/^[A-Za-z0-9+/]{43}=$/.test(value)) {
    fail('PUSHER_ENCRYPTION_KEY must be 32 random bytes in base64 (make one with: openssl rand -base64 32).');
  }
  return value;
}

function fail(message: string): never {
  throw new ConfigError('invalid_environment', message);
}
