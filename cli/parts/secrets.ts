// The secrets of a Redis and a Soketi on this machine: generated at the first start and kept in the state folder, readable for
// its owner only. For `npx inloop dev` and `npm start`.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { createPusherApp, type PusherApp } from '../../soketi/pusher-app.ts';
import { readJsonFile, writeJsonFile } from '../processes/json-file.ts';

/** What is kept. */
export interface LocalSecrets {
  app: PusherApp;
  redisPassword: string;
}

/**
 * Reads the secrets in `folder`, and generates those that are missing.
 *
 * @param more how to make further secrets that are kept beside them
 */
export function loadSecrets<Name extends string = never>(
  folder: string,
  more: Readonly<Record<Name, () => string>> = {} as Record<Name, () => string>,
): LocalSecrets & Record<Name, string> {
  const path = join(folder, 'credentials.json');
  const kept = readJsonFile<Partial<LocalSecrets> & Record<string, unknown>>(path) ?? {};
  const others = Object.entries<() => string>(more).map(([name, make]) => [name, kept[name] || make()]);
  const all = {
    // Secrets of others in the same folder stay.
    ...kept,
    app: kept.app?.secret ? kept.app : createPusherApp(),
    redisPassword: kept.redisPassword || randomBytes(32).toString('hex'),
    ...Object.fromEntries(others),
  };
  writeJsonFile(path, all);
  return all as LocalSecrets & Record<Name, string>;
}
