// The Soketi of the local stack: its credentials, every setting it runs with, and whether it answers.
// Its limits are those of hosted Pusher, so that what works here works there.
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from '../paths.ts';
import type { Command } from './child.ts';
import { findFreePort, findFreeUdpPort, LOOPBACK } from './ports.ts';

/** A Pusher application: what publishers sign with and browsers name. `secret` never leaves the server. */
export interface PusherApp {
  appId: string;
  key: string;
  secret: string;
}

/** The file given to `node --require` that keeps hostile frames and bodies away from Soketi. */
export const SOKETI_PRELOAD: string = join(REPOSITORY, 'soketi', 'preload.cjs');

/** The channels of tasks, as core/channel.ts names them: what clients of the local stack may enter. */
const TASK_CHANNELS = 'private-user-* private-encrypted-user-*';

/** Loaded after it where Soketi may be troubled on purpose. */
const TROUBLE_PRELOAD = join(REPOSITORY, 'dev', 'trouble', 'trouble-preload.cjs');

/** A new application with credentials that nobody can guess. */
export function createPusherApp(): PusherApp {
  // The letter in front matters: Soketi parses settings as JSON, and hexadecimal like 12e4 would become a number.
  const word = (bytes: number): string => `a${randomBytes(bytes).toString('hex')}`;
  return { appId: word(6), key: word(12), secret: word(20) };
}

/** What a publisher finds in its environment; see .env.example. */
export function pusherEnvOf({ appId, key, secret }: PusherApp, port: number) {
  return {
    PUSHER_APP_ID: appId,
    PUSHER_KEY: key,
    PUSHER_SECRET: secret,
    PUSHER_HOST: LOOPBACK,
    PUSHER_PORT: String(port),
    PUSHER_TLS: 'false',
  };
}

/** What a Soketi is started with. */
export interface SoketiOptions {
  /** A Node 20: others lack the native part and answer 404 on the HTTP API. */
  node: string;
  app: PusherApp;
  port: number;
  /** Where it runs. Not the repository: Soketi reads a `.env` of its working folder. */
  folder: string;
  /** URL that is told when channels become occupied or vacated. */
  webhookUrl?: string | undefined;
  /** Whether clients may sign in as a user (`pusher.signin()`). */
  userSignIn?: boolean;
  /** Whether clients may enter the channels of tasks only, and few at once; otherwise any. */
  tasksOnly?: boolean;
  /** Whether it takes part in `trouble.ts`. */
  troublesome?: boolean;
}

/** The command that runs hardened Soketi, every listener on loopback. It ends with exit code 1 where `port` is taken. */
export async function soketiCommand(options: SoketiOptions): Promise<Command> {
  const { node, app, port, folder, webhookUrl, userSignIn = false, tasksOnly = false, troublesome = false } = options;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const webhooks = webhookUrl ? [{ url: webhookUrl, event_types: ['channel_occupied', 'channel_vacated'] }] : [];
  const settings: Record<string, string> = {
    HOST: LOOPBACK,
    PORT: String(port),
    // These listen beyond loopback unless told otherwise, even when nobody uses them.
    METRICS_HOST: LOOPBACK,
    METRICS_SERVER_PORT: String(await findFreePort()),
    CLUSTER_HOST: LOOPBACK,
    CLUSTER_PORT: String(await findFreeUdpPort()),
    CLUSTER_BROADCAST_ADDRESS: LOOPBACK,
    DEFAULT_APP_ID: app.appId,
    DEFAULT_APP_KEY: app.key,
    DEFAULT_APP_SECRET: app.secret,
    DEFAULT_APP_WEBHOOKS: JSON.stringify(webhooks),
    DEFAULT_APP_USER_AUTHENTICATION: String(userSignIn),
    // One request for all pages that come within 50 ms, instead of one each: after an outage all come at once.
    WEBHOOKS_BATCHING: 'true',
    EVENT_MAX_SIZE_IN_KB: '10',
    EVENT_MAX_BATCH_SIZE: '10',
    EVENT_MAX_CHANNELS_AT_ONCE: '100',
    EVENT_MAX_NAME_LENGTH: '200',
    CHANNEL_LIMITS_MAX_NAME_LENGTH: '164',
    // Longer, and clients that were sent away come back to a server that is closing, in a tight loop.
    SHUTDOWN_GRACE_PERIOD: '50',
  };
  const env: NodeJS.ProcessEnv = {
    PATH: process.env.PATH,
    // Libraries that Soketi carries along without need here: one wants a home, the other to warn.
    PM2_HOME: folder,
    AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE: '1',
  };
  for (const [name, value] of Object.entries(settings)) env[`SOKETI_${name}`] = value;
  if (tasksOnly) {
    env.INLOOP_SOKETI_CHANNELS = TASK_CHANNELS;
    // A page needs one.
    env.INLOOP_SOKETI_SUBSCRIPTIONS = '20';
  }
  const server = join(REPOSITORY, 'node_modules', '@soketi', 'soketi', 'bin', 'server.js');
  const preloads = troublesome ? [SOKETI_PRELOAD, TROUBLE_PRELOAD] : [SOKETI_PRELOAD];
  const args = [...preloads.flatMap((file) => ['--require', file]), server, 'start'];
  return { file: node, args, env, cwd: folder, listens: troublesome };
}

/**
 * Whether the Soketi on `port` serves `app`. Asked with a signed call, so that another Soketi on the same port does not
 * pass for ours. Takes at most a second.
 */
export async function probeSoketi(port: number, app: PusherApp): Promise<boolean> {
  const response = await fetch(`http://${LOOPBACK}:${port}${signPusherCall(app, 'GET', '/channels')}`, {
    signal: AbortSignal.timeout(1_000),
  });
  const body = (await response.json()) as { channels?: unknown };
  return response.ok && body.channels !== undefined;
}

/** Path and query of a signed call to the Pusher HTTP API. `path` starts after `/apps/<id>`, as in `/events`. */
export function signPusherCall(app: PusherApp, method: string, path: string, body?: string | Uint8Array): string {
  const full = `/apps/${app.appId}${path}`;
  const query = [
    `auth_key=${app.key}`,
    `auth_timestamp=${Math.floor(Date.now() / 1000)}`,
    'auth_version=1.0',
    ...(body === undefined ? [] : [`body_md5=${createHash('md5').update(body).digest('hex')}`]),
  ].join('&');
  const signature = createHmac('sha256', app.secret).update([method, full, query].join('\n')).digest('hex');
  return `${full}?${query}&auth_signature=${signature}`;
}
