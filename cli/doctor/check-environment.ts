// Looks at the variables of the environment, with the checks that a server and a worker make at start.
import { type PusherOptions, pusherFromEnv } from '../../backend/push/bus/pusher-env.ts';
import { parseRedisAddress } from '../../backend/redis/address.ts';
import { ConfigError } from '../../core/config-error.ts';
import { type Check, Findings } from './check.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** The variables of the bus, each with a valid value. It takes the place of a wrong one, so that the next fault is found. */
const VALID: Readonly<Record<string, string>> = {
  PUSHER_APP_ID: 'app',
  PUSHER_KEY: 'key',
  PUSHER_SECRET: 'secret',
  PUSHER_CLUSTER: 'eu',
  PUSHER_HOST: 'localhost',
  PUSHER_PORT: '6001',
  PUSHER_TLS: 'false',
  PUSHER_ENCRYPTION_KEY: Buffer.alloc(32).toString('base64'),
  PUSHER_PUBLIC_HOST: 'localhost',
  PUSHER_PUBLIC_PORT: '6001',
  PUSHER_PUBLIC_TLS: 'false',
};
/** Variables whose values are printed. Of the others only `set` is printed: they may be secret. */
const SHOWN = /^PUSHER_(CLUSTER|HOST|PORT|TLS|PUBLIC_HOST|PUBLIC_PORT|PUBLIC_TLS)$/;
const MISSING_CURE =
  'Set it. For the parts of `npx inloop dev`: `npx inloop doctor --env-file .inloop/dev.env`. .env.example explains each.';

/** What the variables say. */
export interface EnvironmentFindings {
  readonly checks: readonly Check[];
  /** The address of Redis; null if it cannot be used. */
  readonly redis: string | null;
  /** The bus; null if a variable of it cannot be used. */
  readonly pusher: PusherOptions | null;
}

/** Looks at every variable, also at those after a wrong one. */
export function checkEnvironment(env: Env): EnvironmentFindings {
  const findings = new Findings('environment');
  const redis = checkRedisUrl(env.REDIS_URL, findings);
  const faults = findBusFaults(env);
  for (const name of Object.keys(VALID)) {
    const fault = faults.get(name);
    const value = env[name]?.trim();
    if (fault !== undefined)
      findings.failed(name, fault, value ? 'Correct it; .env.example explains it.' : MISSING_CURE);
    else if (value) findings.ok(name, SHOWN.test(name) ? value : 'set');
  }
  for (const line of findPlaceholders(env)) findings.note(line.slice(0, line.indexOf(' ')), line, null);
  for (const name of ['PUSHER_APP_ID', 'PUSHER_KEY', 'PUSHER_SECRET']) {
    if (!env.PUSHER_HOST || faults.has(name) || !isJson(env[name] ?? '')) continue;
    findings.note(name, 'Soketi reads it as JSON, such as a number, and then refuses it.', 'Begin it with a letter.');
  }
  for (const name of Object.keys(env)) {
    if (name.startsWith('PUSHER_') && !(name in VALID))
      findings.note(name, 'is none of the variables that inloop reads.');
  }
  return { checks: findings.checks, redis, pusher: faults.size > 0 ? null : pusherFromEnv(env, { log: SILENT }) };
}

/** A log that writes nothing: the doctor says it all itself. */
export const SILENT = { info() {}, warn() {}, error() {} };

function checkRedisUrl(url: string | undefined, findings: Findings): string | null {
  try {
    const { hosts, primary, tls, database } = parseRedisAddress(url?.trim());
    const where = hosts.map(({ host, port }) => `${host}:${port}`).join(', ');
    const kind = primary === null ? '' : `, sentinels of ${primary}`;
    findings.ok('REDIS_URL', `${where}${kind}${tls ? ', TLS' : ''}${database ? `, database ${database}` : ''}`);
    return url?.trim() ?? null;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    findings.failed(
      'REDIS_URL',
      url?.trim() ? error.message : 'is missing.',
      url?.trim() ? 'docs/redis.md shows the forms.' : MISSING_CURE,
    );
    return null;
  }
}

/**
 * What is wrong with the variables of the bus, by name. `pusherFromEnv` names one fault at a time. So each fault is
 * corrected in a copy, until there is none.
 */
function findBusFaults(env: Env): Map<string, string> {
  const faults = new Map<string, string>();
  const copy: Record<string, string | undefined> = { ...env };
  // Each variable is corrected at most once, so there is no fault left long before this limit.
  for (let tries = 0; tries < Object.keys(VALID).length * 2; tries++) {
    try {
      pusherFromEnv(copy, { log: SILENT });
      return faults;
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      const name = /PUSHER_[A-Z_]+/.exec(error.message)?.[0];
      if (name === undefined || faults.has(name)) throw error;
      faults.set(name, error.message.replace(new RegExp(`^${name} `), ''));
      // Of two that exclude each other, one has to go.
      if (/both set/.test(error.message)) delete copy[name];
      else copy[name] = VALID[name];
    }
  }
  return faults;
}

/** The warnings about placeholders that are still in place. */
function findPlaceholders(env: Env): string[] {
  const lines: string[] = [];
  try {
    // It looks for placeholders before anything else.
    pusherFromEnv(env, { log: { ...SILENT, warn: (line) => lines.push(line) } });
  } catch {
    // A variable is wrong. `findBusFaults` names it.
  }
  return lines;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
