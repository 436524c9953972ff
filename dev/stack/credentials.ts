// The secrets of the local stack: those of its Redis and its Soketi, and the demo's session secret. Kept in the state folder.
import { randomBytes } from 'node:crypto';
import { type LocalSecrets, loadSecrets } from '../../cli/parts/secrets.ts';

/** The secrets of a stack. */
export interface Credentials extends LocalSecrets {
  /** Signs the demo's session cookies. A restart uses the same one, so it signs nobody out. */
  sessionSecret: string;
}

/** Reads the credentials of the stack in `folder`, and generates those that are missing. */
export function loadCredentials(folder: string): Credentials {
  return loadSecrets(folder, { sessionSecret: () => randomBytes(32).toString('hex') });
}
