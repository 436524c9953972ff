// The secrets of one local stack: made at its first start, kept in its state folder for its owner only.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { readJsonFile, writeJsonFile } from './json-file.ts';
import { createPusherApp, type PusherApp } from './soketi.ts';

/** What a stack keeps to itself. */
export interface Credentials {
  app: PusherApp;
  /** Signs the demo's session cookies; kept, so that a restart signs nobody out. */
  sessionSecret: string;
}

/** Reads the credentials of the stack in `folder`, or makes them. */
export function loadCredentials(folder: string): Credentials {
  const path = join(folder, 'credentials.json');
  const kept = readJsonFile<Credentials>(path);
  if (kept?.app?.secret && kept.sessionSecret) return kept;
  const made: Credentials = { app: createPusherApp(), sessionSecret: randomBytes(32).toString('hex') };
  writeJsonFile(path, made, 0o600);
  return made;
}
