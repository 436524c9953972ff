/** What an application passes to `createTaskServer`, and the checks of it. */

import type { Request } from 'express';
import { refuseOtherMajor } from '../backend/origin.ts';
import { isServerBackend, type ServerBackend } from '../backend/server-backend.ts';
import { MAX_WAIT_SECONDS } from '../core/limits.ts';
import type { AnyTaskDefinition } from '../core/tasks/definition.ts';
import type { TaskLimits } from '../core/tasks/task-limits.ts';
import { isObject, refuseOptions, requireOption, wholeNumbers } from '../core/values/options.ts';
import { describe } from '../core/values/text.ts';

/** Who asks: the id of the signed-in user, or null for nobody. */
export type Identify = (req: Request) => string | null | Promise<string | null>;

/** What `createTaskServer` takes. */
export interface TaskServerOptions {
  /** What `createBackend` gives; in tests what `createMemoryBackend` of `inloop/testing` gives. */
  readonly backend: ServerBackend;
  /** Every definition that this server may start. */
  readonly tasks: readonly AnyTaskDefinition[];
  /** Tells who sends a request, from your own session: the user's id, or null. If it throws, the answer is 500. */
  readonly identify: Identify;
  /**
   * Where browsers reach the router, including a prefix that a proxy adds: a path or, better, the whole address
   * (`https://app.example.com/tasks`). With the address, the own origin is known even if a proxy changes `Host`. Default:
   * where the router is mounted; in answers of your own routes, `/tasks`.
   */
  readonly path?: string;
  /**
   * Origins of pages on other sites that may use the router, like `https://app.example.com`, with cookies or bearer
   * tokens (docs/origins.md). Default none: pages of the own origin only. Programs other than browsers always may.
   */
  readonly origins?: readonly string[];
  /**
   * Whether your pages sign in to the bus with `pusher.signin()`. Then `POST /auth` authorizes that, too, and
   * `endSessions` can end their connections. The user's id on the bus is the user's part of the channel's name.
   * Default false.
   */
  readonly userSignIn?: boolean;
  /** Abort it when the server is to end. Then requests that wait (`Prefer: wait`) are answered at once. */
  readonly signal?: AbortSignal;
  readonly limits?: Partial<TaskServerLimits>;
}

/**
 * The limits of a task server. `owner` and `overall` limit the tasks that are started, of each owner and of all owners together.
 * Tasks that other servers on the same Redis start count too; give all servers the same limits. By default starts are not
 * limited. A start beyond a limit is refused with 429 `too_many_tasks`. The other limits are about requests; each has a default.
 */
export interface TaskServerLimits extends TaskLimits {
  /**
   * How many requests of one owner may wait for a task (`Prefer: wait`) at the same time. A further one is answered at
   * once, without `Preference-Applied` and with `Retry-After`. Default 8.
   */
  readonly waitersPerOwner: number;
  /** How many requests of all owners together may wait, in this process. Default 1,000. */
  readonly waiters: number;
  /** Longest `Prefer: wait`, 1 to 30 seconds. Default 25: common gateways cut a request after 29 or 30 s of silence. */
  readonly waitSeconds: number;
  /** How long a request's body may take to arrive, 1 to 300 seconds. After that: 408. Default 10. */
  readonly bodySeconds: number;
}

const LIMITS = {
  waitersPerOwner: { default: 8, min: 0, max: 1_000_000 },
  waiters: { default: 1_000, min: 0, max: 1_000_000 },
  waitSeconds: { default: 25, min: 1, max: MAX_WAIT_SECONDS },
  bodySeconds: { default: 10, min: 1, max: 300 },
} as const satisfies Record<Exclude<keyof TaskServerLimits, keyof TaskLimits>, object>;

/** @throws ConfigError `invalid_options` naming the option */
export function checkServerOptions(options: TaskServerOptions): void {
  if (!isObject(options)) {
    refuseOptions(`createTaskServer: expected options like { backend, tasks, identify }, got ${describe(options)}.`);
  }
  const { backend, identify, path, signal, limits } = options;
  const check = (isValid: boolean, name: keyof TaskServerOptions, expected: string) =>
    requireOption(isValid, `createTaskServer: ${name}`, expected, options[name]);
  refuseOtherMajor('createTaskServer', backend);
  check(isServerBackend(backend), 'backend', 'what createBackend gives');
  check(typeof identify === 'function', 'identify', 'a function from a request to a user id or null');
  check(path === undefined || typeof path === 'string', 'path', 'a path like /tasks');
  check(signal === undefined || signal instanceof AbortSignal, 'signal', 'an AbortSignal');
  check(limits === undefined || isObject(limits), 'limits', 'an object like { waiters: 1000 }');
}

/** The numbers in `given` with the defaults filled in. @throws ConfigError `invalid_options` naming the limit */
export function checkLimits(given: Partial<TaskServerLimits>): Record<keyof typeof LIMITS, number> {
  return wholeNumbers<keyof typeof LIMITS>('createTaskServer: limits', given, LIMITS, ['owner', 'overall']);
}

/** Where browsers reach the router, as far as the options say. */
export interface PublicPath {
  /** Without a slash at its end. Null: where the router is mounted. */
  readonly path: string | null;
  /** `https://app.example.com`. Null: the host that each request names. */
  readonly origin: string | null;
}

/** Reads the option `path`: a path or a whole address. @throws ConfigError `invalid_options` */
export function readPath(given: string | undefined): PublicPath {
  if (given === undefined) return { path: null, origin: null };
  const isAddress = typeof given === 'string' && /^[a-z]+:/i.test(given);
  const address = isAddress ? given : `http://localhost/${String(given).replace(/^\/+/, '')}`;
  const url = typeof given === 'string' && URL.canParse(address) ? new URL(address) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.search || url.hash || url.username || url.password) {
    return refuseOptions(
      `createTaskServer: path must be a path like /tasks or an address like https://app.example.com/tasks, got ${describe(given)}.`,
    );
  }
  return { path: url.pathname.replace(/\/+$/, ''), origin: isAddress ? url.origin : null };
}
