/** `createTaskServer`: what an Express application mounts and calls. */

import type { RequestHandler, Response, Router } from 'express';
import type { AnyTaskDefinition, InputOf, ResultOf } from '../core/tasks/definition.ts';
import type { Snapshot } from '../core/tasks/snapshot.ts';
import { checkAccepted } from './checks.ts';
import { endSessions } from './end-sessions.ts';
import { checkLimits, checkServerOptions, readPath, type TaskServerOptions } from './options.ts';
import { checkOrigins, hostUsedBy } from './origins.ts';
import { sendAccepted } from './tasks/http/accepted.ts';
import { createRouter } from './tasks/http/router.ts';
import { Waiting } from './tasks/http/waiting.ts';
import { type StartOptions, TaskOperations } from './tasks/operations.ts';
import { TaskRemovals } from './tasks/removals.ts';
import { bindTaskCalls, type TaskCalls } from './tasks/task-calls.ts';

/** Where an application's own routes assume the router, if the option `path` is not set. */
const DEFAULT_PATH = '/tasks';

/** The part of inloop in a web process: starts tasks, and answers the pages that follow them. */
export interface TaskServer {
  /** Mount it after your session, and before what refuses requests (CSRF middleware): `app.use('/tasks', tasks.router)`. */
  readonly router: Router;
  /**
   * Answers the webhooks of the bus by itself. The router answers them, too, at `/webhook`. But the bus does not sign in. If
   * your application refuses every request of a user who has not signed in, mount this before that check, at the same path:
   *
   * @example
   * app.post('/tasks/webhook', tasks.webhook);
   * app.use(requireLogin);
   * app.use('/tasks', tasks.router);
   */
  readonly webhook: RequestHandler;
  /** Stores and queues a task; see `TaskOperations.start` for what it throws. */
  start<D extends AnyTaskDefinition>(
    definition: D,
    input: InputOf<D>,
    options: StartOptions,
  ): Promise<Snapshot<ResultOf<D>>>;
  /**
   * Answers 202 with the task's `Location`, `Retry-After` and snapshot.
   * @param below where browsers reach the router, for example `/${tenant}/tasks`. Default: the option `path`; if that is not
   *   set, `/tasks`
   */
  accepted(res: Response, task: Snapshot, below?: string): void;
  /**
   * For your sign-out route. Tells every page of this user, in every browser, that a session has ended. Each page then asks
   * at once who is signed in there. With `userSignIn` it also ends their connections to the bus. Returns at once. Never
   * throws or rejects, whatever it is given.
   *
   * @example
   * app.post('/sign-out', async (req, res) => {
   *   const { userId } = req.session;
   *   await endSession(req);
   *   tasks.endSessions(userId);
   *   res.status(204).end();
   * });
   */
  endSessions(owner: string): Promise<void>;
  /**
   * Removes everything that is stored about a user, for one who has left; see `TaskRemovals.forget`. Resolves to the number
   * of tasks there were.
   *
   * @example
   * await tasks.forget(user.id);   // after the account can no longer sign in
   */
  forget(owner: string): Promise<number>;
  /**
   * Resolves when everything that was started, cancelled or seen so far has been pushed, or after 5.5 s at most. Await it
   * if the process may be frozen or ended once it has answered (serverless functions).
   */
  flush(): Promise<void>;
  /** What the router does, for code of your own. Each call names the owner. */
  readonly tasks: TaskCalls;
}

/**
 * Makes the part of inloop in a web process. Mount its router, and start tasks with it.
 *
 * @example
 * const tasks = createTaskServer({ backend, tasks: [importContacts], identify: (req) => req.session.userId ?? null });
 * app.use('/tasks', tasks.router);
 *
 * @throws ConfigError `invalid_options`
 */
export function createTaskServer(options: TaskServerOptions): TaskServer {
  checkServerOptions(options);
  const { backend } = options;
  const { owner, overall } = options.limits ?? {};
  const operations = new TaskOperations(backend, options.tasks, 'createTaskServer', { owner, overall });
  const removals = new TaskRemovals(backend);
  const { path, origin } = readPath(options.path);
  const { signal, userSignIn = false } = options;
  const limits = checkLimits(options.limits ?? {});
  const waiting = new Waiting({
    redis: backend.redis,
    read: (id, ms) => operations.follow(id, ms),
    perOwner: limits.waitersPerOwner,
    inAll: limits.waiters,
    signal,
  });
  const { router, webhook } = createRouter({
    backend,
    operations,
    removals,
    identify: options.identify,
    pathOf: (req) => path ?? req.baseUrl,
    hostOf: (req) => (origin === null ? hostUsedBy(req) : new URL(origin).host),
    waiting,
    origins: { listed: checkOrigins('createTaskServer: origins', options.origins ?? []), own: origin },
    waitSeconds: limits.waitSeconds,
    bodySeconds: limits.bodySeconds,
    userSignIn,
    signal,
  });
  backend.sweeper.start();
  backend.sweeper.addDefinitions(options.tasks.map(({ name }) => name));
  return {
    router,
    webhook,
    start: (definition, input, start) => operations.start(definition, input, start),
    // Never a path that an earlier request used to reach the router: it may have been that of another tenant.
    accepted: (res, task, below) => sendAccepted(res, checkAccepted(task), below ?? path ?? DEFAULT_PATH),
    endSessions: (owner) => endSessions(backend, owner, { userSignIn }),
    forget: (owner) => removals.forget(owner),
    flush: () => backend.flush(),
    tasks: bindTaskCalls(operations, removals),
  };
}
