/** Health checks and metrics, the same for server and worker. The answers hold no secrets. */

import { Router } from 'express';
import type { Backend } from 'inloop/backend';
import { registerMetrics } from 'inloop/metrics';
import { collectDefaultMetrics, Registry } from 'prom-client';

/** `GET /healthz` (the process is up), `GET /readyz` (Redis and push both answer, else 503), `GET /metrics`. */
export function createHealthRouter(backend: Backend): Router {
  const register = new Registry();
  collectDefaultMetrics({ register });
  registerMetrics({ backend, register });

  const router = Router();
  router.get('/healthz', (_req, res) => {
    res.json({ status: 'up' });
  });
  router.get('/readyz', async (_req, res) => {
    const { redis, push } = await backend.check();
    const away = [...(redis ? [] : ['redis']), ...(push ? [] : ['push'])];
    const status = away.length === 0 ? 'ready' : `not ready: ${away.join(' and ')} not answering`;
    res.status(away.length === 0 ? 200 : 503).json({ status, redis, push });
  });
  router.get('/metrics', async (_req, res) => {
    res.type(register.contentType).send(await register.metrics());
  });
  return router;
}
