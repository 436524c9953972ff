/** What an adopter may set about a task server, checked once. Serves `createTaskServer`. */

import { TaskError } from '../core/error.ts';
import { MAX_WAIT_SECONDS } from '../core/limits.ts';

export interface TaskServerLimits {
  /**
   * Requests of one owner that may wait for a task (`Prefer: wait`) at once. One more is answered at once, without
   * `Preference-Applied`, and follows by `Retry-After` instead. Default 8.
   */
  readonly waitersPerOwner: number;
  /** The same for all owners together, in this process. Default 1,000. */
  readonly waiters: number;
  /** Longest `Prefer: wait`, 1 to 30 seconds. Default 25: common gateways cut what is silent for 29 or 30. */
  readonly waitSeconds: number;
  /** How long a request's body may take to arrive, 1 to 300 seconds; then 408. Default 10. */
  readonly bodySeconds: number;
}

/** Each with its default and what it may be. */
const LIMITS = {
  waitersPerOwner: { usual: 8, least: 0, most: 1_000_000 },
  waiters: { usual: 1_000, least: 0, most: 1_000_000 },
  waitSeconds: { usual: 25, least: 1, most: MAX_WAIT_SECONDS },
  bodySeconds: { usual: 10, least: 1, most: 300 },
} as const satisfies Record<keyof TaskServerLimits, object>;

/** @throws TaskError `invalid_options` naming the limit */
export function checkLimits(given: Partial<TaskServerLimits>): TaskServerLimits {
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(LIMITS, name)) {
      invalid(`limits.${name} is not known; there are ${Object.keys(LIMITS).join(', ')}`);
    }
  }
  const checked = Object.entries(LIMITS).map(([name, { usual, least, most }]) => {
    const value = given[name as keyof TaskServerLimits] ?? usual;
    if (Number.isInteger(value) && value >= least && value <= most) return [name, value];
    return invalid(`limits.${name} must be a whole number from ${least} to ${most}, got ${String(value)}`);
  });
  return Object.fromEntries(checked) as TaskServerLimits;
}

/** Where browsers reach the router, as far as that was said. */
export interface PublicPath {
  /** Without a slash at its end; null: where the router is mounted. */
  readonly path: string | null;
  /** `https://app.example.com`; null: what each request names as its host. */
  readonly origin: string | null;
}

/** Reads the option `path`: a path or a whole address. @throws TaskError `invalid_options` */
export function readPath(given: string | undefined): PublicPath {
  if (given === undefined) return { path: null, origin: null };
  const isAddress = typeof given === 'string' && /^[a-z]+:/i.test(given);
  const address = isAddress ? given : `http://localhost/${String(given).replace(/^\/+/, '')}`;
  const url = typeof given === 'string' && URL.canParse(address) ? new URL(address) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.search || url.hash || url.username || url.password) {
    return invalid(
      `path must be a path like /tasks or an address like https://app.example.com/tasks, got ${JSON.stringify(given)}`,
    );
  }
  return { path: url.pathname.replace(/\/+$/, ''), origin: isAddress ? url.origin : null };
}

function invalid(message: string): never {
  throw new TaskError('invalid_options', `createTaskServer: ${message}.`, { retryable: false });
}
