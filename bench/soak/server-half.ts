// The web process of the soak run: the router, the HTTP fallback, and routes by which a user signs out or is forgotten.
import { createServer } from 'node:http';
import express from 'express';
import { createBackend } from '../../backend/backend.ts';
import { pusherFromEnv } from '../../backend/push/bus/pusher-env.ts';
import { attachFallback } from '../../server/fallback/attach.ts';
import { createTaskServer } from '../../server/task-server.ts';
import { child, keyed, work } from './definitions.ts';
import type { LongLived } from './sample.ts';

/** What each half is given: `REDIS_URL`, the `PUSHER_*` variables, and `PORT`. */
export type SoakEnv = Readonly<Record<string, string | undefined>>;

/** One half of the application. */
export interface Half {
  /** The objects of this half whose listeners are counted. */
  readonly longLived: readonly LongLived[];
  close(): Promise<void>;
}

/** How long outcomes are kept. It is short, so that the records of an hour are gone when Redis is read. */
const RETENTION = '1s';
/** How long the fallback keeps a session after its client has gone. It is short, so that none is left at the end of an hour. */
const GRACE_MS = 200;

/** Drops all log lines. The run makes outages on purpose, so lines about them say nothing. */
const log = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Creates the backend of either half. */
export function openBackend(env: SoakEnv) {
  return createBackend({ redis: env.REDIS_URL, pusher: pusherFromEnv(env), retention: RETENTION, log });
}

/** Starts the half of the web process. Resolves when it listens. */
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
  app.post('/forget', async (req, res) => {
    await tasks.forget(req.get('x-user') ?? '');
    res.status(204).end();
  });
  const server = createServer(app);
  // All clients of the run have one address.
  const limits = { graceMs: GRACE_MS, sessionsPerAddress: 10_000 };
  const fallback = attachFallback(server, { backend, signal: ending.signal, limits });
  await new Promise<void>((resolve) => server.listen(Number(env.PORT), '127.0.0.1', resolve));
  return {
    longLived: [process, server, ending.signal],
    async close() {
      ending.abort();
      fallback.close();
      server.closeAllConnections();
      server.close();
      await backend.close();
    },
  };
}
