// The web process of the soak run: the router, the HTTP fallback, and a sign-out.
import { createServer } from 'node:http';
import express from 'express';
import { createBackend } from '../../backend/backend.ts';
import { pusherFromEnv } from '../../backend/push/bus/pusher-env.ts';
import { attachFallback } from '../../server/fallback/attach.ts';
import { createTaskServer } from '../../server/task-server.ts';
import { child, keyed, work } from './definitions.ts';
import type { Watched } from './sample.ts';

/** What each half is given: `REDIS_URL`, the `PUSHER_*` variables, and `PORT`. */
export type SoakEnv = Readonly<Record<string, string | undefined>>;

/** One half of the application. */
export interface Half {
  /** Objects that live as long as the process, whose listeners are counted. */
  readonly watched: readonly Watched[];
  close(): Promise<void>;
}

/** Outcomes are kept this long, so that what a run leaves in Redis is gone when it rests. */
export const RETENTION = '1s';
/** The fallback forgets a session this soon after its client has gone, in ms. */
const GRACE_MS = 200;

/** Outages are part of the run: their lines would say nothing. */
const log = { info: () => undefined, warn: () => undefined, error: () => undefined };

export function openBackend(env: SoakEnv) {
  return createBackend({ redis: env.REDIS_URL, pusher: pusherFromEnv(env), retention: RETENTION, log });
}

export async function startServerHalf(env: SoakEnv): Promise<Half> {
  const backend = openBackend(env);
  const ending = new AbortController();
  const tasks = createTaskServer({
    backend,
    tasks: [work, keyed, child],
    identify: (req) => req.get('x-user') ?? null,
    signal: ending.signal,
    limits: { waitSeconds: 2 },
  });
  const app = express();
  app.use('/tasks', tasks.router);
  app.post('/sign-out', async (req, res) => {
    await tasks.endSessions(req.get('x-user') ?? '');
    res.status(204).end();
  });
  app.post('/leave', async (req, res) => {
    await tasks.forget(req.get('x-user') ?? '');
    res.status(204).end();
  });
  const server = createServer(app);
  const limits = { graceMs: GRACE_MS, sessionsPerAddress: 10_000 };
  const fallback = attachFallback(server, { backend, signal: ending.signal, limits });
  await new Promise<void>((resolve) => server.listen(Number(env.PORT), '127.0.0.1', resolve));
  return {
    watched: [process, server, ending.signal],
    async close() {
      ending.abort();
      fallback.close();
      server.closeAllConnections();
      server.close();
      await backend.close();
    },
  };
}
