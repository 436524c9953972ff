/** The server house's front door: what an adopter's Express app mounts and calls. */

import type { Request, Response, Router } from 'express';
import type { Backend } from '../backend/backend.ts';
import type { AnyTaskDefinition, InputOf, ResultOf } from '../core/definition.ts';
import { isFinished, type Snapshot } from '../core/snapshot.ts';
import { checkServerOptions } from './checks.ts';
import { type StartOptions, TaskOperations } from './operations.ts';
import { createRouter, type Identify, POLL_AFTER_S } from './router.ts';
import { Waiting } from './waiting.ts';

export interface TaskServerOptions {
  readonly backend: Backend;
  /** Every definition that this server may start. */
  readonly tasks: readonly AnyTaskDefinition[];
  /** Who asks, from your own session: the user's id, or null. Called for each request; what it throws is a 500. */
  readonly identify: Identify;
  /** Where browsers reach the router, with any prefix a proxy adds. Default: where it is mounted, `/tasks` until it is known. */
  readonly path?: string;
  /** Fires when the server is to end: requests that wait (`Prefer: wait`) are answered, so that it can. */
  readonly signal?: AbortSignal;
  readonly limits?: Partial<TaskServerLimits>;
}

export interface TaskServerLimits {
  /**
   * Requests of one owner that may wait for a task (`Prefer: wait`) at once. One more is answered at once, without
   * `Preference-Applied`, and follows by `Retry-After` instead. Default 8.
   */
  readonly waitersPerOwner: number;
  /** The same for all owners together, in this process. Default 1,000. */
  readonly waiters: number;
}

const DEFAULT_LIMITS: TaskServerLimits = { waitersPerOwner: 8, waiters: 1_000 };

export interface TaskServer {
  /** Mount it before body parsers of your own: `app.use('/tasks', tasks.router)`. */
  readonly router: Router;
  /** Stores and queues a task; see {@link TaskOperations.start} for what it throws. */
  start<D extends AnyTaskDefinition>(
    definition: D,
    input: InputOf<D>,
    options: StartOptions,
  ): Promise<Snapshot<ResultOf<D>>>;
  /** Answers 202 with the task's `Location`, `Retry-After` and snapshot. */
  accepted(res: Response, task: Snapshot): void;
  /** What the router does, for code of your own; all by owner. */
  readonly tasks: Pick<TaskOperations, 'get' | 'list' | 'cancel' | 'retry' | 'seen'>;
}

/**
 * @example
 * const tasks = createTaskServer({ backend, tasks: [importContacts], identify: (req) => req.session.userId ?? null });
 * app.use('/tasks', tasks.router);
 *
 * @throws TaskError `invalid_options`
 */
export function createTaskServer(options: TaskServerOptions): TaskServer {
  checkServerOptions(options);
  const { backend } = options;
  const operations = new TaskOperations(backend, options.tasks);
  const fixed = options.path === undefined ? null : pathnameOf(options.path);
  let mounted = '/tasks';
  const pathOf = (req: Request) => {
    if (fixed !== null) return fixed;
    mounted = req.baseUrl;
    return mounted;
  };
  const accepted = (res: Response, task: Snapshot) => {
    // Not Express's ways, which look up types and hash an ETag that nobody needs: a sixth of what a request costs.
    const body = JSON.stringify(task);
    res.statusCode = 202;
    res.setHeader('Location', `${fixed ?? mounted}/${task.id}`);
    if (!isFinished(task)) res.setHeader('Retry-After', String(POLL_AFTER_S));
    res.setHeader('Content-Type', 'application/json; charset=utf-8');
    res.setHeader('Content-Length', Buffer.byteLength(body));
    res.end(body);
  };
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const { signal } = options;
  const waiting = new Waiting({
    redis: backend.redis,
    read: (id, ms) => operations.follow(id, ms),
    perOwner: limits.waitersPerOwner,
    inAll: limits.waiters,
    signal,
  });
  backend.sweeper.start();
  backend.sweeper.addDefinitions(options.tasks.map(({ name }) => name));
  return {
    router: createRouter({ backend, operations, identify: options.identify, pathOf, accepted, waiting, signal }),
    start: (definition, input, start) => operations.start(definition, input, start),
    accepted,
    tasks: operations,
  };
}

/** `path` as a `Location` has it. */
function pathnameOf(path: string): string {
  return new URL(`/${path.replace(/^\/+|\/+$/g, '')}`, 'http://localhost').pathname;
}
