/** The calls of `core/operator/` as an Express router. It serves the operator's page. */

import express, { type Request, type Response, type Router } from 'express';
import type { Backend } from '../../backend/backend.ts';
import { ACTS } from '../../core/operator/acts.ts';
import type { OperatorSession } from '../../core/operator/calls.ts';
import { limitBodyTime } from '../../server/body-time.ts';
import { catchRejections } from '../../server/mounting/catch-rejections.ts';
import { readJson } from '../../server/mounting/request-body.ts';
import { guardOrigins } from '../../server/origins.ts';
import { problemHandler, refusal } from '../../server/problem.ts';
import { cursorOf, objectBody } from '../../server/tasks/http/query.ts';
import type { Acts } from '../acts/acts.ts';
import type { OverviewSource } from '../data/overview.ts';
import type { StuckSource } from '../data/stuck.ts';
import type { DetailsReader } from '../data/task-details.ts';
import type { TaskFinder } from '../data/task-finder.ts';
import type { LiveStreams } from '../live/live-streams.ts';
import { type Allow, type OperatorUser, userOf } from '../options.ts';
import { createPageRouter } from '../serve-page.ts';
import { auditCursor, filterOfQuery, pageLimit, readAct, readTarget, taskOf } from './read-request.ts';

export interface ApiOptions {
  readonly backend: Backend;
  readonly allow: Allow;
  readonly payloads: boolean;
  readonly finder: TaskFinder;
  readonly details: DetailsReader;
  readonly overview: OverviewSource;
  readonly stuck: StuckSource;
  readonly acts: Acts;
  readonly live: LiveStreams;
}

/** 100 ids and a filter take 6 KB. */
const MAX_BODY_BYTES = 32_768;
const BODY_MS = 10_000;

/** The page and its calls, for those whom `allow` lets in. */
export function createApiRouter(options: ApiOptions): Router {
  const { backend, finder, acts, overview, stuck } = options;
  const router = express.Router();
  router.use(
    limitBodyTime(BODY_MS),
    catchRejections(async (req, res, next) => {
      const user = await identify(req);
      if (user === null) throw notFound(req);
      res.locals.inloopOperator = user;
      res.set('Cache-Control', 'private, no-store').set('X-Content-Type-Options', 'nosniff');
      next();
    }),
    // After that, so that nobody but an operator can tell that there is a page.
    guardOrigins(
      { listed: new Set(), own: null },
      { onRefused: (rule) => backend.events.emit('origin.refused', () => ({ rule })) },
    ),
  );

  router.get('/api/session', (_req, res) => {
    const { role, who } = operatorOf(res);
    const session: OperatorSession = { role, who, payloads: options.payloads, acts: role === 'act' ? ACTS : [] };
    res.json(session);
  });
  router.get(
    '/api/overview',
    catchRejections(async (_req, res) => void res.json(await overview.get())),
  );
  router.get(
    '/api/stuck',
    catchRejections(async (_req, res) => void res.json(await stuck.get())),
  );
  router.get(
    '/api/tasks',
    catchRejections(async ({ query }, res) => {
      res.json(await finder.page(filterOfQuery(query), cursorOf(query.cursor), pageLimit(query.limit)));
    }),
  );
  router.get(
    '/api/tasks/:id',
    catchRejections<Request<{ id: string }>>(async (req, res) => {
      res.json(await options.details.read(req.params.id));
    }),
  );
  router.get(
    '/api/audit',
    catchRejections(async ({ query }, res) => {
      res.json(await acts.audit(pageLimit(query.limit), auditCursor(query.cursor)));
    }),
  );
  router.get(
    '/api/live',
    catchRejections(async (req, res) => {
      const isAllowed = async () => (await identify(req)) !== null;
      await options.live.open(res, { task: taskOf(req.query.task), isAllowed });
    }),
  );
  router.post(
    '/api/acts',
    (_req, res, next) => next(operatorOf(res).role === 'act' ? undefined : viewOnly()),
    readJson(MAX_BODY_BYTES),
    catchRejections(async (req, res) => {
      const { who } = operatorOf(res);
      const body = objectBody(req);
      const act = readAct(body.act);
      if (body.token !== undefined) res.json(await changing(() => acts.carryOut(act, body.token, who)));
      else {
        const target = readTarget(act, body.target);
        if (body.preview === true) res.json(await acts.preview(act, target, who));
        else res.json(await changing(() => acts.act(act, target, who)));
      }
    }),
  );
  let page: Router | null = null;
  router.use((req, res, next) => {
    if (req.path.startsWith('/api/')) return next();
    page ??= createPageRouter();
    page(req, res, next);
  });
  router.use((req) => {
    throw notFound(req);
  });
  router.use(problemHandler({ log: backend.log }));
  return router;

  async function identify(req: Request): Promise<OperatorUser | null> {
    return userOf(await options.allow(req));
  }

  /** Whoever has changed something sees it at once. */
  async function changing<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } finally {
      overview.forget();
      stuck.forget();
    }
  }
}

function operatorOf(res: Response): OperatorUser {
  return res.locals.inloopOperator as OperatorUser;
}

function notFound(req: Request): Error {
  return refusal('not_found', `There is no ${req.method} ${req.path.slice(0, 80)} here.`, 404);
}

function viewOnly(): Error {
  return refusal('view_only', 'You may look here, and not act.', 403);
}
