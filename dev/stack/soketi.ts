// The Soketi of the local stack: its credentials, the command that starts it, and whether it answers. The settings that
// make it safe are in soketi/settings.cjs.
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { listenOn, SAFE_SETTINGS, TASK_CHANNELS_ONLY } from '../../soketi/settings.cjs';
import { REPOSITORY } from '../paths.ts';
import type { Command } from './child.ts';
import { findFreePort, findFreeUdpPort, LOOPBACK } from './ports.ts';

/** The credentials of a Pusher application. Browsers know `key`; publishers sign with `secret`. */
export interface PusherApp {
  appId: string;
  key: string;
  secret: string;
}

/** The file for `node --require` that hardens Soketi. */
export const SOKETI_PRELOAD: string = join(REPOSITORY, 'soketi', 'preload.cjs');

/** A second file for `node --require`, which lets `trouble.ts` disturb Soketi on purpose. */
const TROUBLE_PRELOAD = join(REPOSITORY, 'dev', 'trouble', 'trouble-preload.cjs');

/** Makes an application with random credentials. */
export function createPusherApp(): PusherApp {
  // Soketi parses settings as JSON, and hexadecimal digits like 12e4 would become a number. The letter in front prevents it.
  const randomName = (bytes: number): string => `a${randomBytes(bytes).toString('hex')}`;
  return { appId: randomName(6), key: randomName(12), secret: randomName(20) };
}

/** The environment of a publisher; see .env.example. */
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

/** Options of {@link soketiCommand}. */
export interface SoketiOptions {
  /** Path of a Node 20. On other versions Soketi has no native part, and its HTTP API answers 404. */
  node: string;
  app: PusherApp;
  port: number;
  /** Its working folder. Not the repository, because Soketi reads the file `.env` in its working folder. */
  folder: string;
  /** URL that Soketi calls when a channel becomes occupied or vacated. */
  webhookUrl?: string | undefined;
  /** Whether clients may sign in as a user (`pusher.signin()`). */
  userSignIn?: boolean;
  /** Whether clients may enter the channels of tasks only, and at most 20 at once. Default: any channel. */
  tasksOnly?: boolean;
  /** Whether `trouble.ts` may disturb this Soketi on purpose. */
  allowsTrouble?: boolean;
}

/** The command that runs hardened Soketi with every listener on loopback. It ends with exit code 1 if `port` is taken. */
export async function soketiCommand(options: SoketiOptions): Promise<Command> {
  const { node, app, port, folder, webhookUrl, userSignIn = false, tasksOnly = false, allowsTrouble = false } = options;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const webhooks = webhookUrl ? [{ url: webhookUrl, event_types: ['channel_occupied', 'channel_vacated'] }] : [];
  const env: NodeJS.ProcessEnv = {
    PATH: process.env.PATH,
    // For two libraries inside Soketi: pm2 needs a folder to write to, and the AWS SDK would print a warning.
    PM2_HOME: folder,
    AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE: '1',
    ...SAFE_SETTINGS,
    ...listenOn(LOOPBACK),
    ...(tasksOnly ? TASK_CHANNELS_ONLY : {}),
    SOKETI_PORT: String(port),
    SOKETI_METRICS_SERVER_PORT: String(await findFreePort()),
    SOKETI_CLUSTER_PORT: String(await findFreeUdpPort()),
    SOKETI_DEFAULT_APP_ID: app.appId,
    SOKETI_DEFAULT_APP_KEY: app.key,
    SOKETI_DEFAULT_APP_SECRET: app.secret,
    SOKETI_DEFAULT_APP_WEBHOOKS: JSON.stringify(webhooks),
    SOKETI_DEFAULT_APP_USER_AUTHENTICATION: String(userSignIn),
  };
  const server = join(REPOSITORY, 'node_modules', '@soketi', 'soketi', 'bin', 'server.js');
  const preloads = allowsTrouble ? [SOKETI_PRELOAD, TROUBLE_PRELOAD] : [SOKETI_PRELOAD];
  const args = [...preloads.flatMap((file) => ['--require', file]), server, 'start'];
  return { file: node, args, env, cwd: folder, takesMessages: allowsTrouble };
}

/**
 * Whether the Soketi on `port` serves `app`. The call is signed, so a Soketi that serves another application refuses it.
 *
 * @throws when nothing answers within a second
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
