/**
 * `/trouble`: breaks parts of the local stack on purpose, so that people and browser tests can watch how tasks survive it.
 * It exists only under `npm start`, never in production, and answers only a signed-in user whose page is from this server
 * and opened on this machine. An adopter's app does not need it.
 */

import { setTimeout as delay } from 'node:timers/promises';
import express, { type Request, Router } from 'express';
import { z } from 'zod';
import { refusal } from './refusal.ts';
import { requireUser } from './session/session.ts';

/** How long the supervisor may take to answer, in milliseconds. It ends processes and waits for their end. */
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
 * `GET /trouble` lists the trouble that lasts, `POST` starts some (`{"kind":"kill-worker"}`), `DELETE` ends all of it. All
 * three answer `{lasting: [{kind, leftMs}], pid?}`. `{"kind":"sleep","seconds":20}` is answered after 20 s: the tab waits
 * for the answer and does nothing else, like a computer that sleeps. A `Link` header on `/session` tells the page that it
 * may offer trouble.
 *
 * @param controlUrl the supervisor's secret address
 */
export function createTroubleRouter(controlUrl: string, stop?: AbortSignal): Router {
  /** For each sleeping tab: what wakes it, and the time at which it wakes by itself (milliseconds since 1970). */
  const sleepers = new Map<AbortController, number>();
  const wakeAll = () => {
    for (const sleeper of sleepers.keys()) sleeper.abort();
  };
  stop?.addEventListener('abort', wakeAll);
  /** Adds one entry for all sleeping tabs, with the longest time, because the page shows a single countdown. */
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
    if (!request.success)
      throw refusal('bad_trouble', 422, 'Expected JSON with a "kind" of trouble that is known here.');
    if (request.data.kind !== 'sleep') {
      res.json(withSleepers(await ask(controlUrl, 'POST', request.data.kind)));
      return;
    }
    if (sleepers.size >= MAX_SLEEPERS) throw refusal('too_many_sleepers', 429, 'Enough tabs are asleep already.');
    const sleeper = new AbortController();
    res.on('close', () => sleeper.abort());
    const ms = request.data.seconds * 1_000;
    // The place is taken before the first `await`. Otherwise two requests at the same moment could both become the fifth sleeper.
    sleepers.set(sleeper, Date.now() + ms);
    try {
      // A computer that sleeps loses its connections, so this does too.
      const report = await ask(controlUrl, 'POST', 'drop-connection');
      await delay(ms, undefined, { signal: sleeper.signal }).catch(() => {});
      res.json(report);
    } finally {
      sleepers.delete(sleeper);
    }
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
    // Not logged: the error contains the secret address.
  }
  throw refusal('no_trouble', 503, 'The stack cannot make trouble right now. Try again in a few seconds.');
}

/** @throws TaskError `forbidden_origin` (403) for pages of other sites, and for requests from other machines */
function checkCaller(req: Request): void {
  const { origin, 'sec-fetch-site': site } = req.headers;
  // A client that sends neither header is not a browser, so no other site's page can be behind it.
  const isOwnPage = origin === undefined || origin === `http://${req.headers.host}`;
  const isSameOrigin = site === undefined || site === 'same-origin';
  if (isOwnPage && isSameOrigin && isOnThisMachine(req)) return;
  throw refusal('forbidden_origin', 403, 'Only a page of this server, opened on this machine, may make trouble.');
}

/**
 * Whether the request came from this machine. It has to use a name of this machine, because another site's name could point
 * to our address. It must not come through a proxy, because anybody could be behind one.
 */
function isOnThisMachine({ headers }: Request): boolean {
  const name = /^(.*?)(?::\d+)?$/.exec(headers.host ?? '')?.[1] ?? '';
  return OWN_NAMES.includes(name) && !headers['x-forwarded-for'] && !headers.forwarded;
}
