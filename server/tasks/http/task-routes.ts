/** The routes of tasks: start, list, read, wait, cancel, retry, mark as seen, remove. It serves the router. */

import type { Request, Response, Router } from 'express';
import { MAX_DISMISSED_TOLD, MAX_EVENT_BYTES, MAX_RESULT_BYTES, MAX_SEEN_IDS } from '../../../core/limits.ts';
import { isFinished, type Snapshot } from '../../../core/tasks/snapshot.ts';
import { isPartial } from '../../../core/wire.ts';
import { catchRejections } from '../../mounting/catch-rejections.ts';
import { readJson } from '../../mounting/request-body.ts';
import { refusal } from '../../problem.ts';
import { isId } from '../task-id.ts';
import { retryAfterOf, sendAccepted } from './accepted.ts';
import { AnswerLimiter } from './answer-limiter.ts';
import { ownerOf } from './owner.ts';
import {
  cursorOf,
  etagOf,
  limitOf,
  MAX_BODY_BYTES,
  namesRevision,
  objectBody,
  optionalBody,
  stateOf,
} from './query.ts';
import type { RouterOptions } from './router-options.ts';
import { parseWait } from './waiting.ts';

/** A request about one task. */
type TaskRequest = Request<{ id: string }>;

/** 1,000 ids of 36 characters with quotes and commas take 39 KB. The rest is room for white space. */
const MAX_IDS_BYTES = 262_144;

/** Adds the routes. `/:id` matches any path of one part, so add routes of other paths before. */
export function addTaskRoutes(router: Router, options: RouterOptions): void {
  const answers = new AnswerLimiter();
  addListRoutes(router, options, answers);
  addSingleRoutes(router, options, answers);
}

/** The routes that name no task in their path. */
function addListRoutes(router: Router, options: RouterOptions, answers: AnswerLimiter): void {
  const { operations, removals, pathOf } = options;

  router.post(
    '/',
    readJson(MAX_BODY_BYTES),
    catchRejections(async (req, res) => {
      const { name, input } = objectBody(req);
      const definition = operations.findDefinition(name, { forBrowser: true });
      const task = await operations.start(definition, input as never, {
        owner: ownerOf(res),
        idempotencyKey: req.get('Idempotency-Key'),
      });
      sendAccepted(res, task, pathOf(req));
    }),
  );

  router.get(
    '/',
    catchRejections(async (req, res) => {
      const owner = ownerOf(res);
      const state = stateOf(req.query.state);
      const limit = limitOf(req.query.limit);
      const cursor = cursorOf(req.query.cursor);
      // In a list each task is at most as large as an event: bigger results are left out.
      if (!(await answers.reserve(res, owner, limit * MAX_EVENT_BYTES))) return;
      res.json(await operations.list(owner, { state, limit, cursor }));
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
}

/** The routes of one task, which its path names. */
function addSingleRoutes(router: Router, options: RouterOptions, answers: AnswerLimiter): void {
  const { operations, removals, pathOf } = options;

  router.get(
    '/:id',
    catchRejections<TaskRequest>((req, res) => answerTask(req, res, options, answers)),
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
      sendAccepted(res, await operations.cancel(ownerOf(res), req.params.id), pathOf(req));
    }),
  );

  router.post(
    '/:id/retry',
    catchRejections<TaskRequest>(async (req, res) => {
      sendAccepted(res, await operations.retry(ownerOf(res), req.params.id), pathOf(req));
    }),
  );
}

/** `GET /:id`: answers with the task, at once or when it has changed. */
async function answerTask(
  req: TaskRequest,
  res: Response,
  options: RouterOptions,
  answers: AnswerLimiter,
): Promise<void> {
  const { backend, operations, signal } = options;
  const owner = ownerOf(res);
  const ifNoneMatch = req.get('If-None-Match');
  const task = await waitForNews(req, res, options, await operations.peek(owner, req.params.id));
  if (task === null) return;
  res.set('ETag', etagOf(task.revision)).vary('Prefer');
  if (!isFinished(task)) res.set('Retry-After', retryAfterOf(task, backend.clock.iso()));
  if (signal?.aborted) res.set('Connection', 'close');
  if (ifNoneMatch !== undefined && namesRevision(ifNoneMatch, task.revision)) res.status(304).end();
  // A big result is read only now, because the client may have it already, and a request that waits needs none.
  else if (!isPartial(task)) res.json(task);
  else if (await answers.reserve(res, owner, MAX_RESULT_BYTES)) res.json(await operations.get(owner, task.id));
}

/**
 * If the request asks to wait (`Prefer: wait`), waits until the task differs from what the client knows.
 * @param task as it is now
 * @returns the task to answer with; null if the client has gone away
 */
async function waitForNews(
  req: TaskRequest,
  res: Response,
  { operations, waiting, waitSeconds }: RouterOptions,
  task: Snapshot,
): Promise<Snapshot | null> {
  const askedSeconds = parseWait(req.get('Prefer'));
  if (askedSeconds === null) return task;
  const seconds = Math.min(askedSeconds, waitSeconds);
  const owner = ownerOf(res);
  const ifNoneMatch = req.get('If-None-Match');
  const isNews = ({ revision }: Snapshot) =>
    ifNoneMatch === undefined ? revision !== task.revision : !namesRevision(ifNoneMatch, revision);
  // An outcome is final, so there is nothing to wait for.
  const hasNews = isFinished(task) || (ifNoneMatch !== undefined && isNews(task));
  const held = hasNews
    ? task
    : await waiting.hold({ owner, id: task.id, ms: seconds * 1_000, isNews, gone: abortOnClose(res) });
  if (res.destroyed) return null;
  // The request could not wait, for example because too many do. So it is answered with the task as it was.
  if (held === null) return task;
  const placed = await operations.withPlace(owner, held);
  res.set('Preference-Applied', `wait=${seconds}`);
  return placed;
}

/** A signal that aborts when the client goes away, or has been answered. */
function abortOnClose(res: Response): AbortSignal {
  const gone = new AbortController();
  res.once('close', () => gone.abort());
  if (res.destroyed) gone.abort();
  return gone.signal;
}
