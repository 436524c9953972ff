// The secrets of one local stack: generated at its first start and kept in its state folder, readable for its owner only.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { readJsonFile, writeJsonFile } from '../json-file.ts';
import { createPusherApp, type PusherApp } from './soketi.ts';

/** The secrets of a stack. */
export interface Credentials {
  app: PusherApp;
  /** Signs the demo's session cookies. It is kept, so that a restart signs nobody out. */
  sessionSecret: string;
  /** The password of the stack's Redis. */
  redisPassword: string;
}

/** Reads the credentials of the stack in `folder`, and generates those that are missing. */
export function loadCredentials(folder: string): Credentials {
  const path = join(folder, 'credentials.json');
  const kept = readJsonFile<Partial<Credentials>>(path);
  const secret = (): string => randomBytes(32).toString('hex');
  const all: Credentials = {
    app: kept?.app?.secret ? kept.app : createPusherApp(),
    sessionSecret: kept?.sessionSecret || secret(),
    redisPassword: kept?.redisPassword || secret(),
  };
  writeJsonFile(path, all);
  return all;
}
