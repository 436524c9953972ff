/** `createOperator`: what an Express application mounts for those who run it. */

import { randomUUID } from 'node:crypto';
import type { Router } from 'express';
import { Mounting } from '../backend/operator/mounting.ts';
import { TaskOperations } from '../server/tasks/operations.ts';
import { Acts } from './acts/acts.ts';
import { createApiRouter } from './api/router.ts';
import { BusCost } from './data/bus-cost.ts';
import { OverviewSource } from './data/overview.ts';
import { StuckSource } from './data/stuck.ts';
import { DetailsReader } from './data/task-details.ts';
import { TaskFinder } from './data/task-finder.ts';
import { LiveStreams } from './live/live-streams.ts';
import { checkOperatorOptions, type OperatorOptions } from './options.ts';

/** The operator's page. */
export interface Operator {
  /** Mount it after your session: `app.use('/operator', operator.router)`. */
  readonly router: Router;
  /** Ends open streams and what the page does in the background. Call it before `backend.close()`. */
  close(): void;
}

/**
 * A page that shows what the application's tasks do, for those who run it: definitions, tasks, what is stuck, workers,
 * the bus and what it costs. It retries, cancels and forgets tasks, and pauses definitions. Only those whom `allow` lets in see
 * it.
 *
 * While it is mounted, every change of status also writes an index in Redis. A task that is created, started and ended then costs
 * Redis about 0.06 ms more.
 *
 * @throws ConfigError `invalid_options`; `invalid_dependency` for a backend of another major version
 * @example
 * const allow = (req) => (req.session.isAdmin ? 'act' : null);
 * const operator = createOperator({ backend, tasks: [importContacts], allow });
 * app.use('/operator', operator.router);
 */
export function createOperator(options: OperatorOptions): Operator {
  checkOperatorOptions(options);
  const { backend, tasks, allow, payloads = false } = options;
  const operations = new TaskOperations(backend, tasks, 'createOperator');
  const mounting = new Mounting(backend.redis, randomUUID());
  const finder = new TaskFinder(backend, new Set(tasks.map(({ name }) => name)));
  const stuck = new StuckSource({ backend, finder });
  const busCost = new BusCost(backend);
  const overview = new OverviewSource({ backend, finder, stuck, busCost, isIndexed: () => mounting.isIndexed() });
  const live = new LiveStreams({ backend, overview });
  const router = createApiRouter({
    backend,
    allow,
    payloads,
    finder,
    details: new DetailsReader({ backend, finder, stuck, payloads }),
    overview,
    stuck,
    acts: new Acts({ backend, finder, operations }),
    live,
  });
  backend.clock.follow();
  mounting.start();
  return {
    router,
    close: () => {
      mounting.close();
      live.close();
      busCost.close();
    },
  };
}
