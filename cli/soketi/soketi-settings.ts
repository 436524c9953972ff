// The settings of `npx inloop soketi`, from the environment. Refuses what is unsafe, and what would make
// Soketi refuse inloop's events.
import { isIP } from 'node:net';
import type { PusherApp } from '../../soketi/pusher-app.ts';
import { SAFE_SETTINGS, TASK_CHANNELS_ONLY } from '../../soketi/settings.cjs';
import { CommandError } from '../command-error.ts';

/** What `npx inloop soketi` runs. */
export interface SoketiSettings {
  app: PusherApp;
  host: string;
  port: number;
  metricsPort: number;
  clusterPort: number;
  webhookUrl: string | undefined;
  /** All other `SOKETI_*` and `INLOOP_SOKETI_*` variables. Those in `TASK_CHANNELS_ONLY` have its values where they are not set. */
  env: Record<string, string>;
  /** Whether clients speak plain HTTP and WebSocket to it, below `/`. Only then can its HTTP API be probed. */
  isPlain: boolean;
}

type Env = Readonly<Record<string, string | undefined>>;

/** The variables of the application, as inloop and as Soketi call them. */
const APP = {
  appId: ['PUSHER_APP_ID', 'SOKETI_DEFAULT_APP_ID'],
  key: ['PUSHER_KEY', 'SOKETI_DEFAULT_APP_KEY'],
  secret: ['PUSHER_SECRET', 'SOKETI_DEFAULT_APP_SECRET'],
} as const;

/** Publicly known values: the placeholders of .env.example, and what Soketi takes when nothing is set. */
const PUBLICLY_KNOWN = /change[-_ ]?me|^app-(id|key|secret)$/i;
/** In characters. */
const SHORTEST_SECRET = 16;

/** Settings with a least value (that of SAFE_SETTINGS). Below it, Soketi would refuse events of inloop. */
const SETTINGS_WITH_MINIMUM = [
  'SOKETI_EVENT_MAX_SIZE_IN_KB',
  'SOKETI_EVENT_MAX_BATCH_SIZE',
  'SOKETI_CHANNEL_LIMITS_MAX_NAME_LENGTH',
];
/** In milliseconds. A Soketi that shuts down accepts connections and closes them at once, so clients reconnect in a loop. */
const LONGEST_SHUTDOWN_MS = 1_000;

/**
 * Reads all settings.
 *
 * @throws CommandError with one line for each variable that is missing, wrong or unsafe; it quotes no secret
 */
export function readSoketiSettings(env: Env): SoketiSettings {
  const faults: string[] = [];
  const read = (name: string): string | undefined => env[name]?.trim() || undefined;
  const app: PusherApp = { appId: '', key: '', secret: '' };
  for (const [part, [ours, theirs]] of Object.entries(APP) as [keyof PusherApp, readonly [string, string]][]) {
    app[part] = read(ours) ?? read(theirs) ?? '';
    if (read(ours) && read(theirs) && read(ours) !== read(theirs)) {
      faults.push(`${ours} and ${theirs} are both set and differ. Set one of them.`);
    }
    const fault = findAppFault(app[part]);
    if (fault !== null) faults.push(`${ours} ${fault}`);
  }
  if (app.secret !== '' && app.secret.length < SHORTEST_SECRET) {
    faults.push(`PUSHER_SECRET has fewer than ${SHORTEST_SECRET} characters. Make one: ${MAKE_ONE}`);
  }

  const readNumber = (name: string, fallback: number, least: number, most: number): number => {
    const text = read(name);
    const value = text === undefined ? fallback : Number(text);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    faults.push(`${name} must be a whole number from ${least} to ${most}.`);
    return fallback;
  };
  for (const name of SETTINGS_WITH_MINIMUM)
    readNumber(name, Number(SAFE_SETTINGS[name]), Number(SAFE_SETTINGS[name]), 1_000_000);
  readNumber(
    'SOKETI_SHUTDOWN_GRACE_PERIOD',
    Number(SAFE_SETTINGS.SOKETI_SHUTDOWN_GRACE_PERIOD),
    0,
    LONGEST_SHUTDOWN_MS,
  );

  const host = read('SOKETI_HOST') ?? '127.0.0.1';
  if (isIP(host) === 0) faults.push('SOKETI_HOST must be an address to listen on, such as 127.0.0.1 or 0.0.0.0.');
  if (/^(1|true)$/i.test(read('SOKETI_DEBUG') ?? '')) {
    faults.push('SOKETI_DEBUG writes what users are sent into the log. Unset it.');
  }
  const webhookUrl = read('INLOOP_SOKETI_WEBHOOK');
  if (webhookUrl !== undefined && !isHttpUrl(webhookUrl)) {
    faults.push(
      'INLOOP_SOKETI_WEBHOOK must be the URL of the application’s webhook, such as https://app.example/tasks/webhook.',
    );
  }
  if (webhookUrl !== undefined && read('SOKETI_DEFAULT_APP_WEBHOOKS')) {
    faults.push('INLOOP_SOKETI_WEBHOOK and SOKETI_DEFAULT_APP_WEBHOOKS are both set. Set one of them.');
  }
  const settings: SoketiSettings = {
    app,
    host,
    port: readNumber('SOKETI_PORT', 6_001, 1, 65_535),
    metricsPort: readNumber('SOKETI_METRICS_SERVER_PORT', 9_601, 1, 65_535),
    clusterPort: readNumber('SOKETI_CLUSTER_PORT', 11_002, 1, 65_535),
    webhookUrl,
    env: { ...TASK_CHANNELS_ONLY, ...pickSoketiVariables(env) },
    isPlain: !read('SOKETI_SSL_CERT') && !read('SOKETI_PATH_PREFIX'),
  };
  if (faults.length > 0) throw new CommandError(faults.join('\ninloop: '));
  return settings;
}

const MAKE_ONE = 'echo "s$(openssl rand -hex 20)"';

function findAppFault(value: string): string | null {
  if (value === '') return 'is missing. Give Soketi and the application the same one.';
  if (PUBLICLY_KNOWN.test(value)) return `is one that anybody knows. Make your own: ${MAKE_ONE}`;
  try {
    JSON.parse(value);
    return 'would be read as JSON by Soketi, such as a number. Begin it with a letter.';
  } catch {
    return null;
  }
}

/**
 * All variables of `env` for Soketi, except those that `SoketiSettings` has as `app` and `webhookUrl`. Also two for Node:
 * certificates, and the time zone.
 */
function pickSoketiVariables(env: Env): Record<string, string> {
  const ours = new Set<string>(['INLOOP_SOKETI_WEBHOOK', ...Object.values(APP).map(([, theirs]) => theirs)]);
  const entries = Object.entries(env).filter(
    ([name, value]) =>
      value && !ours.has(name) && (/^(INLOOP_)?SOKETI_/.test(name) || ['NODE_EXTRA_CA_CERTS', 'TZ'].includes(name)),
  );
  return Object.fromEntries(entries) as Record<string, string>;
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}
