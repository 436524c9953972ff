/**
 * Registers inloop's metrics with prom-client. It serves adopters, whose `/metrics` route shows them, and the demo.
 *
 * Most numbers come from the named events and the counts of this process, and Prometheus adds up the processes. Two are asked
 * of Redis, so all processes show the same. docs/operating.md lists the metrics.
 */

import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Backend, Load } from '../backend/backend.ts';
import { ConfigError } from '../core/config-error.ts';
import { OutageClock } from './outage-clock.ts';

/** What is needed of a backend. */
export type MeasuredBackend = Pick<Backend, 'counters' | 'eventCounters' | 'namedEventCounters' | 'load' | 'on'>;

/** What `registerMetrics` takes. */
export interface MetricsOptions {
  /** Of this process. */
  readonly backend: MeasuredBackend;
  /** A registry of prom-client, which your `/metrics` route shows. */
  readonly register: Registry;
}

/** Upper bounds of the histograms' buckets, in seconds: 10 ms to two hours. */
const BUCKETS = [0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1_800, 7_200];
/** Handlers choose error codes, and each code is one more series in Prometheus. After this many, new codes count as `other`. */
const MOST_CODES = 100;

/**
 * Adds inloop's metrics to a registry. Call it once in each process, before the worker or the server starts: the histograms
 * miss events that happened earlier.
 *
 * @throws ConfigError `invalid_options` if there is no registry, or it has the metrics already
 *
 * @example
 * const register = new Registry();
 * registerMetrics({ backend, register });
 * app.get('/metrics', async (_req, res) => res.type(register.contentType).send(await register.metrics()));
 */
export function registerMetrics({ backend, register }: MetricsOptions): void {
  if (typeof register?.getSingleMetric !== 'function') {
    throw new ConfigError('invalid_options', 'registerMetrics needs { register: new Registry() } of prom-client.');
  }
  if (register.getSingleMetric('inloop_events_total') !== undefined) {
    throw new ConfigError(
      'invalid_options',
      'This registry has the metrics of inloop already. Call registerMetrics once for each registry.',
    );
  }
  const registers = [register];
  registerTasks(backend, registers);
  registerPushes(backend, registers);
  registerOutages(backend, registers);
  registerLoad(backend, registers);

  registerCounts(registers, {
    name: 'inloop_events_total',
    help: 'Named events (docs/operating.md).',
    labelNames: ['event'],
    read: () => Object.entries(backend.namedEventCounters()).map(([event, count]) => [{ event }, count]),
  });
  const blocked = new Counter({
    name: 'inloop_event_loop_blocked_seconds_total',
    help: 'How long the event loop of the worker was blocked. Counts only blocks that were reported (worker.blocked).',
    registers,
  });
  backend.on('worker.blocked', ({ seconds }) => blocked.inc(seconds));
  const sessions = new Gauge({
    name: 'inloop_fallback_sessions',
    help: 'Clients without WebSockets that are connected to this process.',
    registers,
  });
  backend.on('fallback.session.opened', ({ open }) => sessions.set(open));
  backend.on('fallback.session.closed', ({ open }) => sessions.set(open));
}

function registerTasks(backend: MeasuredBackend, registers: Registry[]): void {
  const attempts = new Counter({
    name: 'inloop_attempts_total',
    help: 'Attempts that began, by definition.',
    labelNames: ['name'],
    registers,
  });
  const outcomes = new Counter({
    name: 'inloop_outcomes_total',
    help: 'Outcomes, by definition, status, and code of the error.',
    labelNames: ['name', 'status', 'code'],
    registers,
  });
  const waited = new Histogram({
    name: 'inloop_attempt_wait_seconds',
    help: 'How long attempts waited for a worker, from when they were due.',
    labelNames: ['name'],
    buckets: BUCKETS,
    registers,
  });
  const ran = new Histogram({
    name: 'inloop_task_run_seconds',
    help: 'How long tasks took from their first attempt to their outcome.',
    labelNames: ['name', 'status'],
    buckets: BUCKETS,
    registers,
  });
  const codes = new Set<string>();
  backend.on('task.started', ({ name, waitSeconds }) => {
    attempts.inc({ name });
    waited.observe({ name }, waitSeconds);
  });
  backend.on('task.ended', ({ name, status, code, runSeconds }) => {
    if (code !== null && codes.size < MOST_CODES) codes.add(code);
    outcomes.inc({ name, status, code: code === null ? '' : codes.has(code) ? code : 'other' });
    // A task that was cancelled before its first attempt did not run.
    if (runSeconds !== null) ran.observe({ name, status }, runSeconds);
  });
}

function registerPushes(backend: MeasuredBackend, registers: Registry[]): void {
  for (const name of Object.keys(backend.counters())) {
    registerCounts(registers, {
      name: `inloop_${name}_total`,
      help: `${name.replaceAll('_', ' ')} since the process started.`,
      labelNames: [],
      read: () => [[{}, backend.counters()[name] ?? 0]],
    });
  }
  registerCounts(registers, {
    name: 'inloop_push_messages_total',
    help: 'Messages to the bus, by kind and by what became of them: sent, merged into a newer one, dropped.',
    labelNames: ['kind', 'fate'],
    read: () =>
      Object.entries(backend.eventCounters()).flatMap(([kind, fates]) =>
        Object.entries(fates).map(([fate, count]) => [{ kind, fate }, count] as const),
      ),
  });
}

function registerOutages(backend: MeasuredBackend, registers: Registry[]): void {
  const now = () => performance.now();
  const clocks = {
    push: new OutageClock(now),
    redis_store: new OutageClock(now),
    redis_queue: new OutageClock(now),
    fallback: new OutageClock(now),
  };
  backend.on('push.outage.began', () => clocks.push.begin());
  backend.on('push.outage.ended', () => clocks.push.end());
  backend.on('redis.outage.began', ({ part }) => clocks[`redis_${part}`].begin());
  backend.on('redis.unusable', ({ part }) => clocks[`redis_${part}`].begin());
  backend.on('redis.outage.ended', ({ part }) => clocks[`redis_${part}`].end());
  backend.on('fallback.outage.began', () => clocks.fallback.begin());
  backend.on('fallback.outage.ended', () => clocks.fallback.end());
  registerCounts(registers, {
    name: 'inloop_outage_seconds_total',
    help: 'How long a part was away or of no use for this process, the outage under way included.',
    labelNames: ['part'],
    read: () => Object.entries(clocks).map(([part, { seconds }]) => [{ part }, seconds]),
  });
}

/** Registers the two gauges that ask Redis. One question serves both. While Redis is away, they have no value. */
function registerLoad(backend: MeasuredBackend, registers: Registry[]): void {
  let asking: Promise<Load | null> | null = null;
  const askLoad = () => {
    asking ??= backend
      .load()
      .catch(() => null)
      .finally(() => {
        asking = null;
      });
    return asking;
  };
  new Gauge({
    name: 'inloop_waiting_tasks',
    help: 'Tasks that wait for a worker, by definition. Every process shows those of all processes.',
    labelNames: ['name'],
    registers,
    async collect() {
      const load = await askLoad();
      this.reset();
      for (const [name, count] of Object.entries(load?.waiting ?? {})) this.set({ name }, count);
    },
  });
  new Gauge({
    name: 'inloop_tasks_without_heartbeat',
    help: 'Tasks whose worker has no heartbeat. Every process shows those of all processes.',
    labelNames: [],
    registers,
    async collect() {
      const load = await askLoad();
      if (load) this.set(load.withoutHeartbeat);
      else this.remove();
    },
  });
}

/** A counter whose counts are kept by the backend. */
interface ExternalCounts {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  /** The counts at this moment, each with its labels. */
  read(): readonly (readonly [Readonly<Record<string, string>>, number])[];
}

/** Registers such a counter. A counter of prom-client has no `set`, so it is reset and increased each time. */
function registerCounts(registers: Registry[], { name, help, labelNames, read }: ExternalCounts): void {
  new Counter({
    name,
    help,
    labelNames: [...labelNames],
    registers,
    collect() {
      this.reset();
      for (const [labels, count] of read()) this.inc({ ...labels }, count);
    },
  });
}
