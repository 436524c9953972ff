// The credentials of a Pusher application, and what is made of them: the variables of a publisher, and signed calls. For
// every start of a hardened Soketi, which has one application, and for tests.
import { createHash, createHmac, randomBytes } from 'node:crypto';

/** The credentials of a Pusher application. Browsers know `key`; publishers sign with `secret`. */
export interface PusherApp {
  appId: string;
  key: string;
  secret: string;
}

/** Makes an application with random credentials. */
export function createPusherApp(): PusherApp {
  // Soketi parses settings as JSON, and hexadecimal digits like 12e4 would become a number. The letter in front prevents it.
  const randomName = (bytes: number): string => `a${randomBytes(bytes).toString('hex')}`;
  return { appId: randomName(6), key: randomName(12), secret: randomName(20) };
}

/** The environment of a publisher on this machine; see .env.example. */
export function pusherEnvOf({ appId, key, secret }: PusherApp, port: number) {
  return {
    PUSHER_APP_ID: appId,
    PUSHER_KEY: key,
    PUSHER_SECRET: secret,
    PUSHER_HOST: '127.0.0.1',
    PUSHER_PORT: String(port),
    PUSHER_TLS: 'false',
  };
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

/**
 * Whether the Soketi at `host` and `port` serves `app`. The call is signed, so a Soketi that serves another application
 * refuses it.
 *
 * @throws when nothing answers within a second
 */
export async function probeSoketi(port: number, app: PusherApp, host = '127.0.0.1'): Promise<boolean> {
  const response = await fetch(`http://${host}:${port}${signPusherCall(app, 'GET', '/channels')}`, {
    signal: AbortSignal.timeout(1_000),
  });
  const body = (await response.json()) as { channels?: unknown };
  return response.ok && body.channels !== undefined;
}
