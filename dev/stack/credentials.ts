// The secrets of one local stack: made at its first start, kept in its state folder for its owner only.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { readJsonFile, writeJsonFile } from '../json-file.ts';
import { createPusherApp, type PusherApp } from './soketi.ts';

/** What a stack keeps to itself. */
export interface Credentials {
  app: PusherApp;
  /** Signs the demo's session cookies; kept, so that a restart signs nobody out. */
  sessionSecret: string;
  /** Of the stack's Redis. */
  redisPassword: string;
}

/** Reads the credentials of the stack in `folder`, or makes them; makes those that an earlier version did not have. */
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
