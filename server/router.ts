/** The HTTP contract (design.md, docs/protocol.md), as an Express router. It serves browsers, phones and curl. */

import express, { type Request, type RequestHandler, type Response, type Router } from 'express';
import type { Backend } from '../backend/backend.ts';
import { connectionInfo } from '../backend/pusher-env.ts';
import { assertOwner } from '../core/channel.ts';
import {
  DEFAULT_PAGE_SIZE,
  MAX_EVENT_BYTES,
  MAX_INPUT_BYTES,
  MAX_PAGE_SIZE,
  MAX_RESULT_BYTES,
  MAX_SEEN_IDS,
} from '../core/limits.ts';
import { isFinished, type Snapshot } from '../core/snapshot.ts';
import { type ConnectionInfo, isPartial, type ListState, PROTOCOL_VERSION } from '../core/wire.ts';
import { fallbackEndpoint } from './fallback/registry.ts';
import { isId, type TaskOperations } from './operations.ts';
import { problemHandler, refusal } from './problem.ts';
import { Sending } from './sending.ts';
import { parseWait, type Waiting } from './waiting.ts';

/** Who asks: the id of the signed-in user, or null for nobody. */
export type Identify = (req: Request) => string | null | Promise<string | null>;

export interface RouterOptions {
  readonly backend: Backend;
  readonly operations: TaskOperations;
  readonly identify: Identify;
  /** Where the router is reached, as the browser sees it. */
  readonly pathOf: (req: Request) => string;
  readonly accepted: (res: Response, task: Snapshot) => void;
  readonly waiting: Waiting;
  /** Fires when the server is to end. */
  readonly signal: AbortSignal | undefined;
}

/** How often a client without push should ask about an active task, in seconds. */
export const POLL_AFTER_S = 2;
/** An input and the little around it. */
const MAX_BODY_BYTES = MAX_INPUT_BYTES + 4_096;
/** Ids of 36 characters, quoted, with commas; and webhooks, which hosted Pusher keeps small. */
const MAX_LONG_BODY_BYTES = 262_144;

export function createRouter(options: RouterOptions): Router {
  const { backend, operations } = options;
  const router = express.Router();
  const sending = new Sending();
  const json = express.json({ limit: MAX_BODY_BYTES, strict: false });

  // Signed by the bus instead of sent by a user, so it comes before `identify`; and signed over the raw body.
  router.post('/webhook', express.text({ type: () => true, limit: MAX_LONG_BODY_BYTES }), async (req, res) => {
    const webhook = typeof req.body === 'string' ? backend.bus.webhook(req.headers, req.body) : null;
    if (!webhook) throw refusal('bad_signature', 'The signature of this webhook is missing or wrong.', 401);
    // The bus waits for no more than 4 s, and a batch may name every page there is: one round trip for all of them.
    const notes = { channel_occupied: 'opened', channel_vacated: 'vacated' } as const;
    await Promise.all(
      webhook.events.map(({ name, channel }) => {
        const event = Object.hasOwn(notes, name) ? notes[name as keyof typeof notes] : undefined;
        return event && backend.redis.notePage(channel, event, webhook.at);
      }),
    );
    res.json({});
  });

  router.use((_req, res, next) => {
    res.set('Inloop-Protocol', String(PROTOCOL_VERSION));
    next();
  });
  router.use(refuseOtherSites, async (req, res, next) => {
    const owner = await options.identify(req);
    if (owner === null || owner === undefined) throw refusal('unauthenticated', 'Sign in first.', 401);
    assertOwner(owner);
    res.locals.inloopOwner = owner;
    res.set('Cache-Control', 'private, no-cache');
    next();
  });

  router.post('/', json, async (req, res) => {
    const { name, input } = objectBody(req);
    const definition = operations.definition(name, { forBrowser: true });
    const task = await operations.start(definition, input as never, {
      owner: ownerOf(res),
      idempotencyKey: req.get('Idempotency-Key'),
    });
    options.accepted(res, task);
  });

  router.get('/', async (req, res) => {
    const owner = ownerOf(res);
    const [state, limit, cursor] = [stateOf(req.query.state), limitOf(req.query.limit), cursorOf(req.query.cursor)];
    if (!(await sending.reserve(res, owner, limit * MAX_EVENT_BYTES))) return;
    res.json(await operations.list(owner, { state, limit, cursor }));
  });

  router.get('/connection', (req, res) => {
    const info: ConnectionInfo = {
      // Express goes by X-Forwarded-Host where the application trusts its proxy, and by Host elsewhere.
      ...connectionInfo(backend.pusher, fallbackEndpoint(backend, req.host)),
      channel: backend.channelOf(ownerOf(res)),
      authEndpoint: `${options.pathOf(req)}/auth`,
    };
    res.json(info);
  });

  router.post('/auth', express.urlencoded({ extended: false, limit: MAX_BODY_BYTES }), async (req, res) => {
    const { socket_id: socketId, channel_name: channel } = (req.body ?? {}) as Record<string, unknown>;
    const own = backend.channelOf(ownerOf(res));
    if (typeof socketId !== 'string' || !/^\d+\.\d+$/.test(socketId) || channel !== own) {
      throw refusal('forbidden', 'You may enter no channel but your own.', 403);
    }
    // Should this get lost, the mark of the last visit expires, and until then the bus tells us by webhook.
    backend.redis.notePage(own, 'opened', 'now').catch(() => undefined);
    res.json(backend.bus.authorize(socketId, own));
  });

  router.post('/seen', express.json({ limit: MAX_LONG_BODY_BYTES, strict: false }), async (req, res) => {
    const { ids } = objectBody(req);
    if (!Array.isArray(ids) || ids.length > MAX_SEEN_IDS || !ids.every(isId)) {
      throw refusal('invalid_ids', `ids must be a list of at most ${MAX_SEEN_IDS} task ids.`, 422);
    }
    await operations.seen(ownerOf(res), ids);
    res.status(204).end();
  });

  router.get('/:id', async (req, res) => {
    const owner = ownerOf(res);
    const seen = req.get('If-None-Match');
    let task = await operations.peek(owner, req.params.id);
    const seconds = parseWait(req.get('Prefer'));
    if (seconds !== null) {
      const first = task.revision;
      const isNews = ({ revision }: Snapshot) => (seen === undefined ? revision !== first : !matches(seen, revision));
      // An outcome is final: whoever has it waits for nothing.
      const held =
        isFinished(task) || (seen !== undefined && isNews(task))
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
        task = held;
        res.set('Preference-Applied', `wait=${seconds}`);
      }
    }
    res.set('ETag', etagOf(task.revision)).vary('Prefer');
    if (!isFinished(task)) res.set('Retry-After', String(POLL_AFTER_S));
    if (options.signal?.aborted) res.set('Connection', 'close');
    if (seen !== undefined && matches(seen, task.revision)) res.status(304).end();
    // Only now, since whoever has the outcome, or waits for it, need not cost the reading of a big result.
    else if (!isPartial(task)) res.json(task);
    else if (await sending.reserve(res, owner, MAX_RESULT_BYTES)) res.json(await operations.get(owner, task.id));
  });

  router.post('/:id/cancel', async (req, res) => {
    options.accepted(res, await operations.cancel(ownerOf(res), req.params.id));
  });

  router.post('/:id/retry', async (req, res) => {
    options.accepted(res, await operations.retry(ownerOf(res), req.params.id));
  });

  router.use((req) => {
    throw refusal('not_found', `There is no ${req.method} ${req.path.slice(0, 80)} here.`, 404);
  });
  router.use(problemHandler({ log: backend.log }));
  return router;
}

/** Another site's page may not act in the name of a signed-in user. Browsers say where a request comes from. */
const refuseOtherSites: RequestHandler = (req, _res, next) => {
  if (req.method === 'POST' && req.get('Sec-Fetch-Site') === 'cross-site') {
    throw refusal('cross_site', 'Requests from other sites are not accepted.', 403);
  }
  next();
};

function ownerOf(res: Response): string {
  return res.locals.inloopOwner as string;
}

function objectBody(req: Request): Record<string, unknown> {
  const body: unknown = req.body;
  if (body === undefined)
    throw refusal('invalid_json', 'Expected a JSON body with Content-Type: application/json.', 400);
  if (body === null || typeof body !== 'object' || Array.isArray(body)) {
    throw refusal('invalid_body', 'Expected a JSON object as the body.', 422);
  }
  return body as Record<string, unknown>;
}

function stateOf(value: unknown): ListState {
  if (value === undefined) return 'all';
  if (value === 'active' || value === 'unseen' || value === 'all') return value;
  throw refusal('invalid_query', 'state must be active, unseen or all.', 400);
}

function limitOf(value: unknown): number {
  if (value === undefined) return DEFAULT_PAGE_SIZE;
  const limit = typeof value === 'string' && /^\d{1,4}$/.test(value) ? Number(value) : 0;
  if (limit >= 1 && limit <= MAX_PAGE_SIZE) return limit;
  throw refusal('invalid_query', `limit must be a whole number from 1 to ${MAX_PAGE_SIZE}.`, 400);
}

function cursorOf(value: unknown): string | null {
  if (value === undefined) return null;
  if (isId(value)) return value;
  throw refusal('invalid_query', 'cursor must be the nextCursor of an earlier page.', 400);
}

function etagOf(revision: number): string {
  return `"${revision}"`;
}

/** Whether an `If-None-Match` names this revision. */
function matches(header: string, revision: number): boolean {
  return header.split(',').some((candidate) => {
    const tag = candidate.trim().replace(/^W\//, '');
    return tag === etagOf(revision) || tag === '*';
  });
}

/** Fires when the client goes away before it was answered. */
function goneOf(res: Response): AbortSignal {
  const gone = new AbortController();
  res.once('close', () => gone.abort());
  if (res.destroyed) gone.abort();
  return gone.signal;
}
