// The command that starts a hardened Soketi. For `npx inloop soketi`, `npx inloop dev`, `npm start` and tests.
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { PusherApp } from './pusher-app.ts';
import { listenOn, SAFE_SETTINGS, TASK_CHANNELS_ONLY } from './settings.cjs';

/** The file for `node --require` that hardens Soketi 1.6. It needs only the folder `hardening/` beside it. */
export const SOKETI_PRELOAD: string = fileURLToPath(new URL('./preload.cjs', import.meta.url));

/** Options of {@link soketiCommand}. */
export interface SoketiOptions {
  /** Path of a Node for which Soketi has a native part, as `findSoketi` answers it. */
  node: string;
  /** Path of Soketi's `bin/server.js`, as `findSoketi` answers it. */
  server: string;
  app: PusherApp;
  /** The IP address to listen on, for clients and publishers. */
  host: string;
  port: number;
  /** The port of `/metrics` and `/usage`, on loopback. */
  metricsPort: number;
  /** The UDP port by which nodes of a cluster find each other, on `host`. */
  clusterPort: number;
  /** Its working folder; created if it is missing. Not that of the application: Soketi reads a `.env` in its working folder. */
  folder: string;
  /** URL that Soketi calls when a channel becomes occupied or vacated: `https://…/tasks/webhook`. */
  webhookUrl?: string | undefined;
  /** Whether clients may sign in as a user (`pusher.signin()`). Default: false. */
  userSignIn?: boolean | undefined;
  /** Whether clients may enter the channels of tasks only, and at most 20 at once. Default: false, any channel. */
  tasksOnly?: boolean | undefined;
  /** More variables for Soketi. They win over what the other options set. */
  env?: Readonly<Record<string, string>> | undefined;
  /** Files for `node --require`. Default: {@link SOKETI_PRELOAD}. */
  preloads?: readonly string[] | undefined;
}

/** What to give to `child_process.spawn`. */
export interface SoketiCommand {
  file: string;
  args: string[];
  env: Record<string, string>;
  cwd: string;
}

/**
 * The command that runs hardened Soketi with the limits of hosted Pusher. It ends with exit code 1 and a line that says why
 * if a port is taken or a setting is wrong.
 */
export function soketiCommand(options: SoketiOptions): SoketiCommand {
  const { node, server, app, host, port, folder, webhookUrl, userSignIn = false, tasksOnly = false } = options;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const webhooks = webhookUrl ? [{ url: webhookUrl, event_types: ['channel_occupied', 'channel_vacated'] }] : [];
  const env: Record<string, string> = {
    PATH: process.env.PATH ?? '',
    // For two libraries inside Soketi: pm2 needs a folder to write to, and the AWS SDK would print a warning.
    PM2_HOME: folder,
    AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE: '1',
    ...SAFE_SETTINGS,
    // Only for the metrics server and cluster discovery: `SOKETI_HOST` is set below, and hardening/listening.cjs lets discovery
    // listen on that host too.
    ...listenOn('127.0.0.1'),
    ...(tasksOnly ? TASK_CHANNELS_ONLY : {}),
    SOKETI_HOST: host,
    SOKETI_PORT: String(port),
    SOKETI_METRICS_SERVER_PORT: String(options.metricsPort),
    SOKETI_CLUSTER_PORT: String(options.clusterPort),
    SOKETI_DEFAULT_APP_ID: app.appId,
    SOKETI_DEFAULT_APP_KEY: app.key,
    SOKETI_DEFAULT_APP_SECRET: app.secret,
    SOKETI_DEFAULT_APP_WEBHOOKS: JSON.stringify(webhooks),
    SOKETI_DEFAULT_APP_USER_AUTHENTICATION: String(userSignIn),
    ...options.env,
  };
  const preloads = options.preloads ?? [SOKETI_PRELOAD];
  return { file: node, args: [...preloads.flatMap((file) => ['--require', file]), server, 'start'], env, cwd: folder };
}
