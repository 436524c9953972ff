/** Health checks and metrics, the same for server and worker. The answers hold no secrets. */

import { Router } from 'express';
import type { Backend } from 'inloop/backend';
import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client';

/** `GET /healthz` (the process is up), `GET /readyz` (Redis and push both answer, else 503), `GET /metrics`. */
export function createHealthRouter(
  backend: Pick<Backend, 'check' | 'counters' | 'eventCounters' | 'namedEventCounters' | 'on'>,
): Router {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of Object.keys(backend.counters())) {
    const counter = new Counter({
      name: `inloop_${name}_total`,
      help: `inloop: ${name.replaceAll('_', ' ')} since the process started.`,
      registers: [registry],
      collect() {
        // inloop keeps the count. A counter of prom-client has no `set`, so it is reset and increased to that count.
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
  const happened = new Counter({
    name: 'inloop_events_total',
    help: 'inloop: named events (docs/operating.md) since the process started.',
    labelNames: ['event'],
    registers: [registry],
    collect() {
      happened.reset();
      for (const [event, count] of Object.entries(backend.namedEventCounters())) happened.inc({ event }, count);
    },
  });
  measureTasks(backend, registry);

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

/** How long tasks wait and run, by definition; from the named events of the process in which it happens. */
function measureTasks(backend: Pick<Backend, 'on'>, registry: Registry): void {
  const buckets = [0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1_800, 7_200];
  const waited = new Histogram({
    name: 'inloop_attempt_wait_seconds',
    help: 'inloop: how long attempts waited for a worker, from when they were due.',
    labelNames: ['name'],
    buckets,
    registers: [registry],
  });
  const ran = new Histogram({
    name: 'inloop_task_run_seconds',
    help: 'inloop: how long tasks took from their first attempt to their outcome.',
    labelNames: ['name', 'status'],
    buckets,
    registers: [registry],
  });
  backend.on('task.started', ({ name, waitSeconds }) => waited.observe({ name }, waitSeconds));
  backend.on('task.ended', ({ name, status, runSeconds }) => {
    // One that was cancelled before its first attempt did not run.
    if (runSeconds !== null) ran.observe({ name, status }, runSeconds);
  });
}
