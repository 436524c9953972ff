/** The Express router of the operator's page: its calls, which `core/operator/calls.ts` lists, and its files. */

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
import { type Allow, type OperatorUser, readAllowed } from '../options.ts';
import { createPageRouter } from '../serve-page.ts';
import { readAct, readAuditCursor, readLimit, readQueryFilter, readTarget, readTaskId } from './read-request.ts';

/** What answers the calls. */
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

/** The biggest body takes 6 KB: a filter by an owner of 1,024 characters, each written as `\u1234`. 100 ids take 4 KB. */
const MAX_BODY_BYTES = 32_768;
/** How long a client may take to send a body. */
const BODY_MS = 10_000;

/** Creates the router of the page and of its calls. Whoever `allow` does not let in is answered 404. */
export function createApiRouter(options: ApiOptions): Router {
  const { backend, allow } = options;
  const router = express.Router();
  router.use(
    limitBodyTime(BODY_MS),
    catchRejections(async (req, res, next) => {
      const user = readAllowed(await allow(req));
      if (user === null) throw notFound(req);
      res.locals.inloopOperator = user;
      res.set('Cache-Control', 'private, no-store').set('X-Content-Type-Options', 'nosniff');
      next();
    }),
    // This check comes after `allow`: a 403 from it would tell anybody that there is a page.
    guardOrigins(
      { listed: new Set(), own: null },
      { onRefused: (rule) => backend.events.emit('origin.refused', () => ({ rule })) },
    ),
  );
  addReads(router, options);
  addActs(router, options);
  addPage(router);
  router.use((req) => {
    throw notFound(req);
  });
  router.use(problemHandler({ log: backend.log }));
  return router;
}

function addReads(router: Router, { allow, payloads, finder, details, overview, stuck, acts, live }: ApiOptions): void {
  router.get('/api/session', (_req, res) => {
    const { role, who } = operatorOf(res);
    const session: OperatorSession = { role, who, payloads, acts: role === 'act' ? ACTS : [] };
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
      res.json(await finder.readPage(readQueryFilter(query), cursorOf(query.cursor), readLimit(query.limit)));
    }),
  );
  router.get(
    '/api/tasks/:id',
    catchRejections<Request<{ id: string }>>(async (req, res) => {
      res.json(await details.read(req.params.id));
    }),
  );
  router.get(
    '/api/audit',
    catchRejections(async ({ query }, res) => {
      res.json(await acts.readAudit(readLimit(query.limit), readAuditCursor(query.cursor)));
    }),
  );
  router.get(
    '/api/live',
    catchRejections(async (req, res) => {
      const isAllowed = async () => readAllowed(await allow(req)) !== null;
      await live.open(res, { task: readTaskId(req.query.task), isAllowed });
    }),
  );
}

function addActs(router: Router, { acts, overview, stuck }: ApiOptions): void {
  router.post(
    '/api/acts',
    (_req, res, next) => next(operatorOf(res).role === 'act' ? undefined : viewOnly()),
    readJson(MAX_BODY_BYTES),
    catchRejections(async (req, res) => {
      const { who } = operatorOf(res);
      const body = objectBody(req);
      const act = readAct(body.act);
      // The answer of a preview has a token, with which the previewed act is carried out.
      if (body.token !== undefined) res.json(await changing(() => acts.carryOut(act, body.token, who)));
      else {
        const target = readTarget(act, body.target);
        if (body.preview === true) res.json(await acts.preview(act, target, who));
        else res.json(await changing(() => acts.act(act, target, who)));
      }
    }),
  );

  /** Runs an act. Then overview and stuck report are read anew, so that an operator sees at once what the act has changed. */
  async function changing<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } finally {
      overview.forget();
      stuck.forget();
    }
  }
}

/** Adds the page itself. Its files are read at the first request that is no call, since in tests that takes half a second. */
function addPage(router: Router): void {
  let page: Router | null = null;
  router.use((req, res, next) => {
    if (req.path.startsWith('/api/')) return next();
    page ??= createPageRouter();
    page(req, res, next);
  });
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
