/** What probes and Prometheus ask, the same for server and worker. Nothing in the answers is secret. */

import { Router } from 'express';
import type { Backend } from 'inloop/backend';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';

/** `GET /healthz` (the process is up), `GET /readyz` (Redis and push both answer, else 503), `GET /metrics`. */
export function createHealthRouter(backend: Pick<Backend, 'check' | 'counters'>): Router {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  // The counters live in inloop; prom-client only shows them, so a Gauge that is set is the honest kind here.
  registry.registerMetric(
    new Gauge({
      name: 'inloop_counter',
      help: 'What inloop counted since the process started.',
      labelNames: ['name'],
      registers: [],
      collect() {
        for (const [name, value] of Object.entries(backend.counters())) this.set({ name }, value);
      },
    }),
  );

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
    res.type(registry.contentType).send(await registry.metrics());
  });
  return router;
}
