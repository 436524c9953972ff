/**
 * Which copy of the package has made a backend. A monorepo may install inloop twice. Copies of one major version work together:
 * definitions, backends and errors are recognized by their properties, not by their class. Copies of different major versions
 * may not. So server and worker refuse a backend of another major version at start, and name the places of both copies.
 */

import { fileURLToPath } from 'node:url';
import { ConfigError } from '../core/config-error.ts';
import { isObject } from '../core/values/options.ts';
import { VERSION } from '../core/version.ts';

/** The property of a backend that holds its origin. A registered symbol is the same in every copy. */
export const ORIGIN: unique symbol = Symbol.for('inloop.origin') as never;

/** Which copy of the package has made a backend. */
export interface Origin {
  /** Of the copy that made the backend. */
  readonly version: string;
  /** The file that holds the copy. */
  readonly file: string;
}

/** The origin of what this copy makes. */
export const OWN_ORIGIN: Origin = { version: VERSION, file: findFile() };

/**
 * Refuses a backend of another major version. A backend without an origin is accepted: those of `inloop/testing` have none.
 *
 * @param caller what was called with the backend, such as `createTaskServer`
 * @throws ConfigError `invalid_dependency` if a copy of another major version has made `backend`
 */
export function refuseOtherMajor(caller: string, backend: unknown): void {
  const origin = isObject(backend) ? (backend as { [ORIGIN]?: Origin })[ORIGIN] : undefined;
  if (origin === undefined || majorOf(origin.version) === majorOf(VERSION)) return;
  throw new ConfigError(
    'invalid_dependency',
    `${caller}: there are two copies of inloop. Version ${origin.version} at ${origin.file} made the backend, and this is version ${VERSION} at ${OWN_ORIGIN.file}. List the copies with "npm ls inloop", ask for the same version in each package.json, and run "npm dedupe".`,
  );
}

/** Before 1.0 the second number counts as the major one, as it does for npm: 0.1.7 fits 0.1.0, and 0.2.0 does not. */
function majorOf(version: string): string | undefined {
  return /^(?:0\.)?\d+/.exec(version)?.[0];
}

function findFile(): string {
  // A bundle of CommonJS has no `import.meta.url`.
  return import.meta.url ? fileURLToPath(import.meta.url) : 'a bundle';
}
