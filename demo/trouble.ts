/**
 * `/trouble`: lets the page break parts of the local stack on purpose, so that people and browser tests can watch what
 * becomes of it. There only where `npm start` handed in an address for it, and never in production; only for a page of
 * this server's own, opened on this machine, by a signed-in user. No part of what an adopter's app needs.
 */

import { setTimeout as delay } from 'node:timers/promises';
import express, { type Request, Router } from 'express';
import { TaskError } from 'inloop';
import { z } from 'zod';
import { requireUser } from './session/session.ts';

/** For how long the supervisor may think about it, in milliseconds. It ends processes and waits for that. */
const CONTROL_LIMIT_MS = 8_000;
const LONGEST_SLEEP_S = 600;
/** A browser has six connections to a host over HTTP/1.1, and each sleeping tab takes one. */
const MAX_SLEEPERS = 5;
const OWN_NAMES = ['localhost', '127.0.0.1', '[::1]'];

const requestSchema = z.union([
  z.strictObject({
    kind: z.enum([
      'drop-connection',
      'block-websockets',
      'stop-soketi',
      'kill-worker',
      'lose-messages',
      'double-messages',
    ]),
  }),
  z.strictObject({ kind: z.literal('sleep'), seconds: z.int().min(1).max(LONGEST_SLEEP_S) }),
]);

const reportSchema = z.object({
  lasting: z.array(z.object({ kind: z.string(), leftMs: z.number() })),
  pid: z.number().optional(),
});
type Report = z.infer<typeof reportSchema>;

/**
 * `GET /trouble` says what lasts, `POST` makes some (`{"kind":"kill-worker"}`), `DELETE` ends it all. All answer
 * `{lasting: [{kind, leftMs}], pid?}`. The answer to `{"kind":"sleep","seconds":20}` is as late as that, for a tab that
 * waits for it and does nothing else. `/session` gets a `Link` header that says that there is trouble to be had.
 *
 * @param controlUrl the supervisor's
 */
export function createTroubleRouter(controlUrl: string, stop?: AbortSignal): Router {
  /** How to wake each tab that sleeps, and until when it does. */
  const sleepers = new Map<AbortController, number>();
  const wakeAll = () => {
    for (const woken of sleepers.keys()) woken.abort();
  };
  stop?.addEventListener('abort', wakeAll);
  /** One entry for all of them: a page shows one clock. */
  const withSleepers = (report: Report): Report => {
    const leftMs = Math.max(0, ...sleepers.values()) - Date.now();
    return leftMs > 0 ? { ...report, lasting: [...report.lasting, { kind: 'sleep', leftMs }] } : report;
  };

  const router = Router();
  router.use('/session', (req, res, next) => {
    if (isOnThisMachine(req)) res.links({ trouble: '/trouble' });
    next();
  });
  router.use('/trouble', (req, res, next) => {
    checkCaller(req);
    requireUser(req);
    res.set('Cache-Control', 'no-store');
    next();
  });
  router.get('/trouble', async (_req, res) => {
    res.json(withSleepers(await ask(controlUrl, 'GET')));
  });
  router.post('/trouble', express.json({ limit: '1kb' }), async (req, res) => {
    const request = requestSchema.safeParse(req.body);
    if (!request.success) refuse('bad_trouble', 422, 'Expected JSON with a "kind" of trouble that is known here.');
    if (request.data.kind !== 'sleep') {
      res.json(withSleepers(await ask(controlUrl, 'POST', request.data.kind)));
      return;
    }
    if (sleepers.size >= MAX_SLEEPERS) refuse('too_many_sleepers', 429, 'Enough tabs are asleep already.');
    // By the time a computer wakes up, its connections are gone.
    const report = await ask(controlUrl, 'POST', 'drop-connection');
    const woken = new AbortController();
    res.on('close', () => woken.abort());
    const ms = request.data.seconds * 1_000;
    sleepers.set(woken, Date.now() + ms);
    await delay(ms, undefined, { signal: woken.signal }).catch(() => {});
    sleepers.delete(woken);
    res.json(report);
  });
  router.delete('/trouble', async (_req, res) => {
    wakeAll();
    res.json(await ask(controlUrl, 'POST', 'end-all'));
  });
  return router;
}

async function ask(controlUrl: string, method: 'GET' | 'POST', kind = ''): Promise<Report> {
  try {
    const url = kind ? `${controlUrl}/${kind}` : controlUrl;
    const response = await fetch(url, { method, signal: AbortSignal.timeout(CONTROL_LIMIT_MS) });
    if (response.ok) return reportSchema.parse(await response.json());
  } catch {
    // Its address is a secret, and part of the error.
  }
  return refuse('no_trouble', 503, 'The stack does not take trouble at this moment. Try again in a few seconds.');
}

/** @throws TaskError `forbidden_origin` (403) for other sites' pages, and for whoever is not on this machine */
function checkCaller(req: Request): void {
  const { origin, 'sec-fetch-site': site } = req.headers;
  // What sends neither is no browser, so there is no page that could be another site's.
  const isOwnPage = origin === undefined || origin === `http://${req.headers.host}`;
  const isSameOrigin = site === undefined || site === 'same-origin';
  if (isOwnPage && isSameOrigin && isOnThisMachine(req)) return;
  refuse('forbidden_origin', 403, 'Only a page of this server, opened on this machine, may make trouble.');
}

/**
 * By a name of this machine's (another site could give its own name our address), and through no proxy: before one may
 * be anybody.
 */
function isOnThisMachine({ headers }: Request): boolean {
  const name = /^(.*?)(?::\d+)?$/.exec(headers.host ?? '')?.[1] ?? '';
  return OWN_NAMES.includes(name) && !headers['x-forwarded-for'] && !headers.forwarded;
}

function refuse(code: string, status: number, message: string): never {
  throw new TaskError(code, message, { retryable: false, status });
}
