/** Health checks and metrics, the same for server and worker. The answers hold no secrets. */

import { Router } from 'express';
import type { Backend } from 'inloop/backend';
import { Counter, collectDefaultMetrics, Registry } from 'prom-client';

/** `GET /healthz` (the process is up), `GET /readyz` (Redis and push both answer, else 503), `GET /metrics`. */
export function createHealthRouter(backend: Pick<Backend, 'check' | 'counters' | 'eventCounters'>): Router {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of Object.keys(backend.counters())) {
    const counter = new Counter({
      name: `inloop_${name}_total`,
      help: `inloop: ${name.replaceAll('_', ' ')} since the process started.`,
      registers: [registry],
      collect() {
        // inloop counts. A counter of prom-client has no `set`, so it is reset and increased to the count.
        counter.reset();
        counter.inc(backend.counters()[name] ?? 0);
      },
    });
  }
  const messages = new Counter({
    name: 'inloop_push_messages_total',
    help: 'inloop: events by kind and fate (sent, merged, dropped) since the process started.',
    labelNames: ['kind', 'fate'],
    registers: [registry],
    collect() {
      messages.reset();
      for (const [kind, fates] of Object.entries(backend.eventCounters())) {
        for (const [fate, count] of Object.entries(fates)) messages.inc({ kind, fate }, count);
      }
    },
  });

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
