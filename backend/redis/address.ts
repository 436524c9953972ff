/** Reads the address of Redis that `createBackend` is given. It serves every connection to Redis. */

import { isIP } from 'node:net';
import { ConfigError } from '../../core/config-error.ts';

/** Settings of a connection with TLS. The names are those of Node's `tls.connect`. */
export interface RedisTls {
  /** For a private CA: certificates of the authorities that may have signed Redis' certificate, as PEM. */
  readonly ca?: string | Buffer | readonly (string | Buffer)[];
  /** Our own certificate and its key, as PEM, if Redis asks for one. */
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  /** The name that Redis' certificate must carry, if it is not the host of the address. */
  readonly servername?: string;
}

/** The address of Redis, with TLS settings. */
export interface RedisEndpoint {
  /**
   * `redis[s]://[[user][:password]@]host[:port][/db]`, or
   * `redis[s]+sentinel://[[user][:password]@]host:port,host:port/<name of the primary>[/db]`.
   * User and password are percent-encoded. Sentinels that ask for a password get the same one.
   */
  readonly url: string;
  /** Only for addresses that begin with `rediss:` or `rediss+sentinel:`. */
  readonly tls?: RedisTls;
}

/** Where a server is. */
export interface Host {
  /** A name or an IP address; an IPv6 address without brackets. */
  readonly host: string;
  readonly port: number;
}

/** A {@link RedisEndpoint}, parsed. */
export interface RedisAddress {
  /** Redis itself, or its sentinels. */
  readonly hosts: readonly Host[];
  /** The name of the primary, as the sentinels know it. Null without sentinels. */
  readonly primary: string | null;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
  /** Null for a connection in plain text. */
  readonly tls: RedisTls | null;
}

/** One server: options for `net.connect` or `tls.connect`, and the user. Plain data, so that it can be sent to a thread. */
export interface RedisServer {
  readonly connect: Readonly<Record<string, unknown>>;
  readonly tls: boolean;
  readonly username: string | null;
  readonly password: string | null;
  readonly database: number;
}

/**
 * The settings of a connection to one server.
 * @param host one of the address's hosts, or the primary that its sentinels name
 */
export function toServer({ tls, username, password, database }: RedisAddress, host: Host): RedisServer {
  // A server name must not be an IP address.
  const servername = tls && isIP(host.host) === 0 ? { servername: host.host } : {};
  return {
    connect: { ...host, ...servername, ...tls },
    tls: tls !== null,
    username: username ?? null,
    password: password ?? null,
    database,
  };
}

const REDIS_PORT = 6_379;
const SENTINEL_PORT = 26_379;
/** Groups: `s` for TLS, `+sentinel`, user and password, hosts, path. */
const FORM = /^redis(s?)(\+sentinel)?:\/\/(?:([^@/\s]*)@)?([^@/\s]+)((?:\/[^/?#\s]*)*)$/;

/**
 * Parses the address of Redis.
 * @throws ConfigError `invalid_options`; the message quotes nothing of the address, since the password is in it
 */
export function parseRedisAddress(given: string | RedisEndpoint | undefined): RedisAddress {
  const { url, tls } = typeof given === 'object' && given !== null ? given : { url: given, tls: undefined };
  const match = typeof url === 'string' ? FORM.exec(url) : null;
  if (!match) {
    throw invalid(
      url === undefined || url === ''
        ? 'redis must be an address like redis://localhost:6379 (REDIS_URL), got none.'
        : 'redis must be an address like redis://localhost:6379 (REDIS_URL), got something else. User and password in it are percent-encoded.',
    );
  }
  const [, secure, sentinel, credentials, hosts = '', path = ''] = match;
  if (tls && !secure) throw invalid('redis.tls is for addresses that begin with rediss:, and this one does not.');
  const parts = path.split('/').filter((part) => part !== '');
  const primary = sentinel ? decode(parts.shift() ?? '') : null;
  if (primary === '') {
    throw invalid('an address of sentinels ends in the name of the primary: redis+sentinel://host:26379/mymaster.');
  }
  const list = hosts.split(',');
  if (!sentinel && list.length > 1) throw invalid('only an address of sentinels (redis+sentinel:) has several hosts.');
  return {
    hosts: list.map((host) => parseHost(host, sentinel ? SENTINEL_PORT : REDIS_PORT)),
    primary,
    ...parseCredentials(credentials),
    database: parseDatabase(parts),
    tls: secure ? (tls ?? {}) : null,
  };
}

function parseHost(text: string, defaultPort: number): Host {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]]+))(?::(\d+))?$/.exec(text);
  const port = Number(match?.[3] ?? defaultPort);
  if (!match || port < 1 || port > 65_535) throw invalid('redis must name its host as host, host:port or [ipv6]:port.');
  return { host: match[1] ?? match[2] ?? '', port };
}

function parseCredentials(text: string | undefined): Pick<RedisAddress, 'username' | 'password'> {
  if (!text) return { username: undefined, password: undefined };
  const colon = text.indexOf(':');
  const [user, password] = colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
  return { username: decode(user) || undefined, password: decode(password) || undefined };
}

function parseDatabase(parts: readonly string[]): number {
  if (parts.length === 0) return 0;
  if (parts.length === 1 && /^\d{1,9}$/.test(parts[0] ?? '')) return Number(parts[0]);
  throw invalid('the database at the end of a redis address must be a number, as in redis://localhost:6379/1.');
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid('user, password and names in a redis address must be percent-encoded ("%" itself is %25).');
  }
}

function invalid(message: string): ConfigError {
  return new ConfigError('invalid_options', `createBackend: ${message}`);
}
