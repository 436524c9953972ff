/**
 * Reads and checks the environment variables of server and worker at start. The error for a missing or bad one is a single
 * line that names it. inloop/backend reads the PUSHER_* variables itself.
 */

import { resolve } from 'node:path';
import { TaskError, type TaskLimits } from 'inloop';
import proxyAddr from 'proxy-addr';

type Environment = Readonly<Record<string, string | undefined>>;

/** What both processes need. */
export interface CommonSettings {
  readonly redisUrl: string;
  /** Where the process listens. Loopback unless HOST says otherwise. */
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** Absolute path of the folder that holds the database and the files. */
  readonly dataDir: string;
  /** By how much of its total a bar may be off between two messages: 0.01 is 1 %. A larger share needs fewer messages. */
  readonly accuracy: number;
  /** Most messages a second for one user. Outcomes are never held back. */
  readonly pushesPerSecond: number;
}

export interface ServerSettings extends CommonSettings {
  readonly sessionSecret: string;
  /** Largest upload, in bytes. */
  readonly maxUploadBytes: number;
  /** How many tasks a user may have active and start within a minute. */
  readonly limits: TaskLimits;
  /** Users who may open the operator's page at `/operator`, and act there on everybody's tasks. Empty: the app has no such page. */
  readonly operators: readonly string[];
  /** Proxies whose `X-Forwarded-*` headers are believed: addresses, subnets, or Express's names (`loopback`). */
  readonly trustProxy: readonly string[];
  /** The supervisor's address for trouble on purpose (trouble.ts), or null. */
  readonly troubleUrl: string | null;
}

export interface WorkerSettings extends CommonSettings {
  /** How long a row takes in an import at pace `slow`, in milliseconds. */
  readonly slowRowMs: number;
  /** How mails about outcomes that nobody saw are sent; null for no mails. */
  readonly mail: MailSettings | null;
}

export interface MailSettings {
  readonly smtpUrl: string;
  /** After the `@` of every address. */
  readonly domain: string;
  /** How many minutes an outcome may stay unseen. */
  readonly afterMinutes: number;
}

const MIB = 1024 * 1024;
/** A shorter secret could be guessed. In characters. */
const SHORTEST_SECRET = 16;

/** @throws TaskError `bad_setting` naming the first variable that is missing or bad, never with a secret's value */
export function readServerSettings(env: Environment): ServerSettings {
  return {
    ...readCommon(env, 3000),
    sessionSecret: readSecret(env, 'SESSION_SECRET'),
    maxUploadBytes: readInteger(env, 'MAX_UPLOAD_BYTES', 50 * MIB, 1, 4096 * MIB),
    limits: {
      owner: {
        active: readInteger(env, 'MAX_ACTIVE_TASKS', 1_000, 1, 1_000_000),
        startsPerMinute: readInteger(env, 'MAX_STARTS_PER_MINUTE', 2_000, 1, 100_000),
      },
    },
    operators: (env.OPERATORS ?? '').split(/[\s,]+/).filter(Boolean),
    trustProxy: readProxies(env),
    troubleUrl: (env.NODE_ENV !== 'production' && env.INLOOP_TROUBLE_URL) || null,
  };
}

/** @throws TaskError `bad_setting` naming the first variable that is missing or bad */
export function readWorkerSettings(env: Environment): WorkerSettings {
  return {
    ...readCommon(env, 3001),
    slowRowMs: readInteger(env, 'IMPORT_ROW_DELAY_MS', 60, 0, 60_000),
    mail: readMail(env),
  };
}

function readMail(env: Environment): MailSettings | null {
  const smtpUrl = env.SMTP_URL?.trim();
  if (!smtpUrl) return null;
  const protocol = URL.canParse(smtpUrl) ? new URL(smtpUrl).protocol : null;
  // The value may hold a password, so the message repeats only its scheme.
  if (protocol !== 'smtp:' && protocol !== 'smtps:') {
    refuse(
      `SMTP_URL is not a mail server: expected an address like smtp://localhost:25, got ${protocol ? `one with ${protocol}` : 'no URL'}.`,
    );
  }
  const domain = readText(env, 'MAIL_DOMAIN', 'what comes after the @ of mail addresses, like example.org');
  if (!/^[a-z0-9.-]+$/i.test(domain))
    refuse(`MAIL_DOMAIN must be a domain like example.org, got ${JSON.stringify(domain)}.`);
  return { smtpUrl, domain, afterMinutes: readNumber(env, 'MAIL_AFTER_MINUTES', 15, 0.01, 1_440) };
}

function readCommon(env: Environment, defaultPort: number): CommonSettings {
  return {
    redisUrl: readRedisUrl(env),
    host: env.HOST?.trim() || '127.0.0.1',
    port: readInteger(env, 'PORT', defaultPort, 0, 65_535),
    accuracy: readNumber(env, 'ACCURACY', 0.01, 0.001, 0.5),
    pushesPerSecond: readInteger(env, 'PUSHES_PER_SECOND', 10, 1, 100),
    dataDir: resolve(readText(env, 'DATA_DIR', 'a folder for the database and the files, like ./data')),
  };
}

function readText(env: Environment, name: string, expected: string): string {
  const value = env[name]?.trim();
  if (!value) refuse(`${name} is not set: expected ${expected}.`);
  return value;
}

function readRedisUrl(env: Environment): string {
  const expected = 'a URL like redis://127.0.0.1:6379';
  const value = readText(env, 'REDIS_URL', expected);
  // The address of a Sentinel names several hosts, so it is not a URL. createBackend checks the rest.
  if (/^rediss?\+sentinel:\/\/\S+$/.test(value)) return value;
  const protocol = URL.canParse(value) ? new URL(value).protocol : null;
  if (protocol === 'redis:' || protocol === 'rediss:') return value;
  // The value may hold a password, so the message repeats only its scheme.
  refuse(
    `REDIS_URL is not a Redis address: expected ${expected}, got ${protocol ? `one with ${protocol}` : 'no URL'}.`,
  );
}

function readSecret(env: Environment, name: string): string {
  const value = readText(
    env,
    name,
    `a random text of at least ${SHORTEST_SECRET} characters, like the output of: openssl rand -hex 32`,
  );
  if (env.NODE_ENV === 'production' && /change[-_ ]?me/i.test(value)) {
    refuse(`${name} is still a placeholder like that of .env.example, which anybody knows. Set a value of your own.`);
  }
  if (value.length >= SHORTEST_SECRET) return value;
  refuse(`${name} is too short: expected at least ${SHORTEST_SECRET} characters, got ${value.length}.`);
}

function readProxies(env: Environment): string[] {
  const proxies = (env.TRUST_PROXY ?? '').split(/[\s,]+/).filter(Boolean);
  try {
    proxyAddr.compile(proxies);
    return proxies;
  } catch {
    refuse(
      'TRUST_PROXY must hold the addresses or subnets of your proxies, like 10.0.0.7 or 10.0.0.0/8, ' +
        `separated by spaces, got ${JSON.stringify(env.TRUST_PROXY)}.`,
    );
  }
}

function readInteger(env: Environment, name: string, fallback: number, min: number, max: number): number {
  const text = env[name]?.trim();
  if (!text) return fallback;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  refuse(`${name} must be a whole number from ${min} to ${max}, got ${JSON.stringify(text)}.`);
}

function readNumber(env: Environment, name: string, fallback: number, min: number, max: number): number {
  const text = env[name]?.trim();
  if (!text) return fallback;
  const value = /^\d*\.?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  refuse(`${name} must be a number from ${min} to ${max}, got ${JSON.stringify(text)}.`);
}

function refuse(message: string): never {
  throw new TaskError('bad_setting', message, { retryable: false });
}
