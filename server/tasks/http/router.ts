/** The HTTP contract (docs/protocol.md) as an Express router. It serves browsers, phones and curl. */

import express, { type Request, type RequestHandler, type Response, type Router } from 'express';
import { tellOnce } from '../../../backend/events/tell-once.ts';
import { connectionInfo } from '../../../backend/push/bus/pusher-env.ts';
import type { ServerBackend } from '../../../backend/server-backend.ts';
import { assertOwner, userIdOf } from '../../../core/channel.ts';
import {
  MAX_DISMISSED_TOLD,
  MAX_EVENT_BYTES,
  MAX_INPUT_BYTES,
  MAX_RESULT_BYTES,
  MAX_SEEN_IDS,
} from '../../../core/limits.ts';
import { isFinished, type Snapshot } from '../../../core/tasks/snapshot.ts';
import { describe } from '../../../core/values/text.ts';
import {
  CHANNEL_HEADER,
  type ConnectionInfo,
  isPartial,
  PROTOCOL_HEADER,
  PROTOCOL_VERSION,
  TIME_HEADER,
} from '../../../core/wire.ts';
import { limitBodyTime } from '../../body-time.ts';
import { fallbackEndpoint } from '../../fallback/registry.ts';
import { catchRejections } from '../../mounting/catch-rejections.ts';
import { MountingOrder } from '../../mounting/order.ts';
import { readForm, readJson } from '../../mounting/request-body.ts';
import type { Identify } from '../../options.ts';
import { guardOrigins, type OriginRule } from '../../origins.ts';
import { problemHandler, refusal } from '../../problem.ts';
import { createWebhookRouter } from '../../webhook.ts';
import type { TaskOperations } from '../operations.ts';
import type { TaskRemovals } from '../removals.ts';
import { isId } from '../task-id.ts';
import { pollAfter, sendAccepted } from './accepted.ts';
import { AnswerLimiter } from './answer-limiter.ts';
import { cursorOf, etagOf, formBody, limitOf, matches, objectBody, optionalBody, stateOf } from './query.ts';
import { parseWait, type Waiting } from './waiting.ts';

export interface RouterOptions {
  readonly backend: ServerBackend;
  readonly operations: TaskOperations;
  readonly removals: TaskRemovals;
  readonly identify: Identify;
  /** Where the router is reached, as the browser sees it. */
  readonly pathOf: (req: Request) => string;
  /** The host that the browser of this request used, with its port unless that is the default one. */
  readonly hostOf: (req: Request) => string | undefined;
  readonly waiting: Waiting;
  readonly origins: OriginRule;
  /** Longest `Prefer: wait`, in seconds. */
  readonly waitSeconds: number;
  /** How long a body may take to arrive, in seconds. */
  readonly bodySeconds: number;
  /** Whether pages may sign in to the bus as the owner. */
  readonly userSignIn: boolean;
  /** Aborts when the server is to end. */
  readonly signal: AbortSignal | undefined;
}

/** A request about one task. */
type TaskRequest = Request<{ id: string }>;

/** The largest input, and 4 KiB for the rest of the body. */
const MAX_BODY_BYTES = MAX_INPUT_BYTES + 4_096;
/** 1,000 ids of 36 characters with quotes and commas take 39 KB. The rest is room for white space. */
const MAX_IDS_BYTES = 262_144;

/** The task router, and what answers webhooks by itself, for applications that let nobody else in. */
export function createRouter(options: RouterOptions): { readonly router: Router; readonly webhook: Router } {
  const { backend, operations, removals } = options;
  const router = express.Router();
  const order = new MountingOrder(backend.events, router);
  const webhook = createWebhookRouter(backend, order, options.bodySeconds);
  const answers = new AnswerLimiter();
  const json = readJson(MAX_BODY_BYTES);

  router.use(limitBodyTime(options.bodySeconds * 1_000));
  // Webhooks come before the checks of user and origin, because the bus sends and signs them, not a page.
  router.post('/webhook', webhook);
  router.use(
    addVersionAndTime(() => backend.clock.iso()),
    (_req, res, next) => {
      if (options.origins.listed.size > 0) order.checkCors(res);
      next();
    },
    guardOrigins(options.origins, (rule) => backend.events.emit('origin.refused', () => ({ rule }))),
    catchRejections(async (req, res, next) => {
      const owner = await identifyOwner(req);
      res.locals.inloopOwner = owner;
      res.set(CHANNEL_HEADER, backend.channelOf(owner));
      res.set('Cache-Control', 'private, no-cache');
      next();
    }),
  );

  router.post(
    '/',
    json,
    catchRejections(async (req, res) => {
      const { name, input } = objectBody(req);
      const definition = operations.definition(name, { forBrowser: true });
      const task = await operations.start(definition, input as never, {
        owner: ownerOf(res),
        idempotencyKey: req.get('Idempotency-Key'),
      });
      sendAccepted(res, task, options.pathOf(req));
    }),
  );

  router.get(
    '/',
    catchRejections(async (req, res) => {
      const owner = ownerOf(res);
      const state = stateOf(req.query.state);
      const limit = limitOf(req.query.limit);
      const cursor = cursorOf(req.query.cursor);
      if (!(await answers.reserve(res, owner, limit * MAX_EVENT_BYTES))) return;
      res.json(await operations.list(owner, { state, limit, cursor }));
    }),
  );

  router.get('/connection', (req, res) => {
    const info: ConnectionInfo = {
      ...connectionInfo(backend.pusher, fallbackEndpoint(backend, options.hostOf(req))),
      channel: backend.channelOf(ownerOf(res)),
      authEndpoint: `${options.pathOf(req)}/auth`,
    };
    res.json(info);
  });

  router.post(
    '/auth',
    readForm(MAX_BODY_BYTES),
    catchRejections(async (req, res) => {
      const { socket_id: socketId, channel_name: channel } = formBody(req);
      const owner = ownerOf(res);
      const own = backend.channelOf(owner);
      const isSignIn = options.userSignIn && channel === undefined;
      const hasSocket = typeof socketId === 'string' && /^\d+\.\d+$/.test(socketId);
      if (!hasSocket || (channel !== own && !isSignIn)) {
        const why = hasSocket ? 'not_own_channel' : 'socket_id';
        backend.events.emit('channel.refused', () => ({ why }));
        throw refusal('forbidden', 'You may enter no channel but your own.', 403);
      }
      if (isSignIn) return void res.json(backend.bus.authorizeUser(socketId, userIdOf(owner)));
      // A failure is ignored. If the owner was here not long ago, the webhook of the bus also marks the channel as watched.
      backend.redis.noteWatched(own, owner).catch(() => undefined);
      order.noteAuthorized(performance.now());
      res.json(backend.bus.authorize(socketId, own));
    }),
  );

  router.post(
    '/seen',
    readJson(MAX_IDS_BYTES),
    catchRejections(async (req, res) => {
      const { ids } = objectBody(req);
      if (!Array.isArray(ids) || ids.length > MAX_SEEN_IDS || !ids.every(isId)) {
        throw refusal('invalid_ids', `ids must be a list of at most ${MAX_SEEN_IDS} task ids.`, 422);
      }
      await operations.seen(ownerOf(res), ids);
      res.status(204).end();
    }),
  );

  router.post(
    '/clear',
    readJson(MAX_IDS_BYTES),
    catchRejections(async (req, res) => {
      const { ids, keepUnseen } = optionalBody(req) as { ids?: string[]; keepUnseen?: boolean };
      const gone = await removals.clear(ownerOf(res), { ids, keepUnseen });
      res.json({ cleared: gone.length, ids: gone.slice(0, MAX_DISMISSED_TOLD) });
    }),
  );

  router.get(
    '/:id',
    catchRejections<TaskRequest>(async (req, res) => {
      const owner = ownerOf(res);
      const ifNoneMatch = req.get('If-None-Match');
      let task = await operations.peek(owner, req.params.id);
      const askedSeconds = parseWait(req.get('Prefer'));
      if (askedSeconds !== null) {
        const seconds = Math.min(askedSeconds, options.waitSeconds);
        const first = task.revision;
        const isNews = ({ revision }: Snapshot) =>
          ifNoneMatch === undefined ? revision !== first : !matches(ifNoneMatch, revision);
        // An outcome is final, so there is nothing to wait for.
        const held =
          isFinished(task) || (ifNoneMatch !== undefined && isNews(task))
            ? task
            : await options.waiting.hold({
                owner,
                id: task.id,
                ms: seconds * 1_000,
                isNews,
                gone: goneOf(res),
              });
        if (res.destroyed) return;
        if (held) {
          task = await operations.withPlace(owner, held);
          res.set('Preference-Applied', `wait=${seconds}`);
        }
      }
      res.set('ETag', etagOf(task.revision)).vary('Prefer');
      if (!isFinished(task)) res.set('Retry-After', pollAfter(task, backend.clock.iso()));
      if (options.signal?.aborted) res.set('Connection', 'close');
      if (ifNoneMatch !== undefined && matches(ifNoneMatch, task.revision)) res.status(304).end();
      // A big result is read only now, because the client may have it already, and a request that waits needs none.
      else if (!isPartial(task)) res.json(task);
      else if (await answers.reserve(res, owner, MAX_RESULT_BYTES)) res.json(await operations.get(owner, task.id));
    }),
  );

  router.delete(
    '/:id',
    catchRejections<TaskRequest>(async (req, res) => {
      await removals.dismiss(ownerOf(res), req.params.id);
      res.status(204).end();
    }),
  );

  router.post(
    '/:id/cancel',
    catchRejections<TaskRequest>(async (req, res) => {
      sendAccepted(res, await operations.cancel(ownerOf(res), req.params.id), options.pathOf(req));
    }),
  );

  router.post(
    '/:id/retry',
    catchRejections<TaskRequest>(async (req, res) => {
      sendAccepted(res, await operations.retry(ownerOf(res), req.params.id), options.pathOf(req));
    }),
  );

  router.use((req) => {
    throw refusal('not_found', `There is no ${req.method} ${req.path.slice(0, 80)} here.`, 404);
  });
  router.use(problemHandler({ log: backend.log }));
  return { router, webhook };

  async function identifyOwner(req: Request): Promise<string> {
    let owner: unknown;
    try {
      owner = await options.identify(req);
    } catch (error) {
      order.checkSession(req);
      throw error;
    }
    if (owner !== null && owner !== undefined) {
      if (typeof owner !== 'string') tellOnce(backend.events, 'identify', describe(owner));
      assertOwner(owner);
      return owner;
    }
    if (owner === undefined) tellOnce(backend.events, 'identify-undefined', '');
    order.checkSession(req);
    throw refusal('unauthenticated', 'Sign in first.', 401);
  }
}

/** Adds the headers for the protocol's version and for the server's time when the answer leaves: a request may wait 30 s. */
function addVersionAndTime(time: () => string): RequestHandler {
  return (_req, res, next) => {
    res.set(PROTOCOL_HEADER, String(PROTOCOL_VERSION));
    const { writeHead } = res;
    res.writeHead = ((...head: Parameters<typeof writeHead>) => {
      if (!res.headersSent) res.setHeader(TIME_HEADER, time());
      return writeHead.apply(res, head);
    }) as typeof writeHead;
    next();
  };
}

function ownerOf(res: Response): string {
  return res.locals.inloopOwner as string;
}

/** Aborts when the client goes away before it is answered. */
function goneOf(res: Response): AbortSignal {
  const gone = new AbortController();
  res.once('close', () => gone.abort());
  if (res.destroyed) gone.abort();
  return gone.signal;
}
