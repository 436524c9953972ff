// Placeholder secrets that were never replaced, and a path from one tenant's request that shows up in an answer to another.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { REPOSITORY } from '../../../dev/paths.ts';
import { jsonBody } from '../http.ts';
import type { Kind } from '../kind.ts';

/** Settings that production accepts. */
const GOOD: Record<string, string> = {
  NODE_ENV: 'production',
  REDIS_URL: 'redis://127.0.0.1:1',
  PUSHER_APP_ID: 'a52f8c1',
  PUSHER_KEY: 'k9d21e7a4',
  PUSHER_SECRET: 's41c7de09b2',
  PUSHER_HOST: '127.0.0.1',
  PUSHER_PORT: '1',
  PUSHER_TLS: 'false',
  SESSION_SECRET: '5f1c9a7be2d84b60a3c1',
  HOST: '127.0.0.1',
  PORT: '0',
  DATA_DIR: 'data',
};

export const configuration: Kind = {
  name: 'placeholders and borrowed paths',
  why: 'a secret that stands in a public file; a link into the part of another tenant',
  success: 'a placeholder that is taken in production; a Location that is not below the path of its own request',
  async run({ app, isShort }, tally) {
    const isTaken = await createCheck();
    if (!isTaken(GOOD)) throw new Error('good settings are not taken');
    const example = readFileSync(join(REPOSITORY, '.env.example'), 'utf8');
    const placeholders = [...example.matchAll(/^#? ?([A-Z_]+)=(.*change-me.*)$/gm)].map(
      ([, name = '', value = '']): [string, string] => [name, value],
    );
    for (const value of ['change-me', 'secret-change-me', 'CHANGE-ME-change-me', ' secret-change-me ']) {
      placeholders.push(['SESSION_SECRET', value], ['PUSHER_SECRET', value]);
    }
    for (const [name, value] of placeholders) {
      tally.attempt(`${name}=${value} in production`, isTaken({ ...GOOD, [name]: value }));
    }
    const tenants = Array.from({ length: isShort ? 10 : 60 }, (_, n) => `tenant${n}`);
    const odd = ['..', '%2e%2e', '%2F%2Fevil.example', 'a%0d%0aSet-Cookie:x=y', '%5Cevil.example'];
    const mounts = [...tenants, ...odd].map(async (tenant) => {
      const answer = await app.call('sybil', `/${tenant}/inbox`, jsonBody({ name: 'wait', input: { title: tenant } }));
      const location = answer.headers.location;
      tally.attempt(
        `${tenant} was sent to ${location}`,
        location !== undefined && !location.startsWith(`/${tenant}/inbox/`),
      );
      tally.attempt(`${tenant} set a header`, answer.headers['set-cookie'] !== undefined);
      const connection = await app.call('sybil', `/${tenant}/inbox/connection`);
      const { authEndpoint } = JSON.parse(connection.status === 200 ? connection.body : '{}') as {
        authEndpoint?: string;
      };
      tally.attempt(
        `${tenant} is authorized at ${authEndpoint}`,
        authEndpoint !== undefined && authEndpoint !== `/${tenant}/inbox/auth`,
      );
    });
    await Promise.all(mounts);
    for (const host of ['evil.example', 'evil.example:80', '127.0.0.1@evil.example', 'a b', '<script>', '']) {
      const { body, headers } = await app.call('sybil', '/tasks', {
        ...jsonBody({ name: 'wait', input: { title: 'x' } }),
        headers: { host, 'x-forwarded-host': 'evil.example', 'content-type': 'application/json' },
      });
      tally.attempt(`Host: ${host} in ${headers.location}`, `${headers.location}${body}`.includes('evil.example'));
      const connection = await app.call('sybil', '/tasks/connection', {
        headers: { 'x-forwarded-host': 'evil.example' },
      });
      tally.attempt('a forwarded host is where the page connects', connection.body.includes('evil.example'));
    }
  },
};

/** A function of the build that reads settings from variables, and throws if it refuses them. */
type ReadSettings = (env: Readonly<Record<string, string>>) => unknown;

/** Returns a check whether the built demo server accepts the given settings. */
async function createCheck(): Promise<(env: Readonly<Record<string, string>>) => boolean> {
  const load = (file: string) => import(pathToFileURL(join(REPOSITORY, 'dist', file)).href);
  const { readServerSettings } = (await load('demo/settings.js')) as { readServerSettings: ReadSettings };
  const { pusherFromEnv } = (await load('backend/index.js')) as { pusherFromEnv: ReadSettings };
  return (env) => {
    try {
      readServerSettings(env);
      pusherFromEnv(env);
      return true;
    } catch {
      return false;
    }
  };
}
