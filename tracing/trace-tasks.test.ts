// What a traced process tells and takes. The tree of a task on real parts: test/integration/work/traces.test.ts.
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { context, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import express from 'express';
import { z } from 'zod';
import { defineTask } from '../core/tasks/definition.ts';
import type { Snapshot } from '../core/tasks/snapshot.ts';
import { sameOrigin } from '../server/origins.ts';
import { createTaskServer } from '../server/task-server.ts';
import { type HttpServer, startHttpServer } from '../test/support/http-server.ts';
import { recordLog } from '../test/support/log.ts';
import { createMemoryBackend } from '../testing/backend/memory-backend.ts';
import { TaskSpans } from './task-spans.ts';
import { traceTasks } from './trace-tasks.ts';

const exporter = new InMemorySpanExporter();
const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
const tracer = tracerProvider.getTracer('the application');
const letter = defineTask({ name: 'letter', input: z.object({}), browser: true });
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PAGE = `00-${TRACE}-b7ad6b7169203331-01`;
const ORIGIN = 'https://app.example.com';
const servers: HttpServer[] = [];

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
  exporter.reset();
});
afterAll(() => {
  context.disable();
});

/** A server with a router and a route of its own, on a backend in memory, whose handler throws. */
async function world({ isTraced = true } = {}) {
  const log = recordLog();
  const backend = createMemoryBackend({ log }).handle(letter, () => {
    throw new Error('a secret');
  });
  if (isTraced) traceTasks({ backend, tracerProvider });
  const tasks = createTaskServer({ backend, tasks: [letter], identify: () => 'ada', origins: [ORIGIN] });
  const app = express();
  // As the instrumentation of HTTP does, for requests that ask for it.
  app.use((req, _res, next) => {
    if (req.get('x-instrumented') === undefined) next();
    else tracer.startActiveSpan('the request', () => next());
  });
  app.use('/tasks', tasks.router).use('/own', sameOrigin({ origins: [ORIGIN], traced: isTraced }));
  const server = await startHttpServer(app);
  servers.push(server);
  /** Starts a task. Returns the span that stored it. */
  async function start(headers: Record<string, string> = {}) {
    const answer = await fetch(`${server.url}/tasks`, {
      method: 'POST',
      body: JSON.stringify({ name: 'letter', input: {} }),
      headers: { 'content-type': 'application/json', ...headers },
    });
    const { id } = (await answer.json()) as Snapshot;
    const spans = exporter.getFinishedSpans();
    return { id, span: spans.find((span) => span.attributes['messaging.message.id'] === id), answer };
  }
  return { backend, log, start, url: server.url };
}

describe('a request', () => {
  it('is part of the trace that its page names', async () => {
    const { start, backend } = await world();
    const { id, span } = await start({ traceparent: PAGE, tracestate: 'vendor=1' });
    expect(span?.parentSpanContext).toMatchObject({ traceId: TRACE, spanId: 'b7ad6b7169203331', isRemote: true });
    const record = await (backend as unknown as { store: { read(id: string): Promise<object> } }).store.read(id);
    expect(record).toMatchObject({ trace: `00-${TRACE}-${span?.spanContext().spanId}-01 vendor=1` });
  });

  it('is part of the trace that is active, whatever its page names', async () => {
    const { start } = await world();
    const { span } = await start({ traceparent: PAGE, 'x-instrumented': '1' });
    expect(span?.parentSpanContext?.isRemote).toBeUndefined();
    expect(span?.spanContext().traceId).not.toBe(TRACE);
  });

  it.each(['', 'junk', PAGE.replace(TRACE, '0'.repeat(32)), `ff${PAGE.slice(2)}`, `${PAGE}, ${PAGE}`])(
    'begins a trace of its own, and is answered, if its page names none: %j',
    async (traceparent) => {
      const { start } = await world();
      const { span, answer } = await start({ traceparent });
      expect(answer.status).toBe(202);
      expect(span?.parentSpanContext).toBeUndefined();
    },
  );

  it.each(['/tasks', '/own'])('of a listed origin to %s may name a trace only where tasks are traced', async (path) => {
    for (const isTraced of [true, false]) {
      const { url } = await world({ isTraced });
      const preflight = { origin: ORIGIN, 'access-control-request-method': 'POST' };
      const { headers } = await fetch(url + path, { method: 'OPTIONS', headers: preflight });
      const allowed = headers.get('access-control-allow-headers') ?? '';
      expect([allowed.includes('prefer'), allowed.includes('traceparent, tracestate')]).toEqual([true, isTraced]);
    }
  });
});

it('a process that does not trace stores nothing of a trace', async () => {
  const { start, backend } = await world({ isTraced: false });
  const { id } = await start({ traceparent: PAGE });
  const record = await (backend as unknown as { store: { read(id: string): Promise<object> } }).store.read(id);
  expect(Object.keys(record)).toEqual(['snapshot', 'owner']);
  expect(exporter.getFinishedSpans()).toEqual([]);
});

it('a log line names the span in which it was written', async () => {
  const { backend, log, start } = await world();
  await start({ traceparent: PAGE });
  await backend.runAll();
  const attempt = exporter.getFinishedSpans().find(({ name }) => name === 'process letter');
  const [line] = log.find('error', /failed/);
  expect(line?.fields).toMatchObject({ trace_id: TRACE, span_id: attempt?.spanContext().spanId });
  expect(JSON.stringify(attempt?.attributes)).not.toContain('secret');
});

it('an attempt that another one has taken over has no error: the process that took the task from it tells that', () => {
  const snapshot = { id: '1', name: 'letter', attempt: 2, attempts: 3 } as Snapshot;
  new TaskSpans(tracer).attempt({ snapshot, trace: undefined }).end(null);
  const attempt = exporter.getFinishedSpans().at(-1);
  expect(attempt?.attributes).toMatchObject({ 'inloop.status': 'stale_attempt', 'inloop.attempt': 2 });
  expect(attempt?.status).toEqual({ code: SpanStatusCode.UNSET });
});

it('without an SDK nothing is told or stored, and tasks run', async () => {
  const backend = createMemoryBackend().handle(letter, () => undefined);
  traceTasks({ backend });
  const tasks = createTaskServer({ backend, tasks: [letter], identify: () => 'ada' });
  const { id } = await tasks.start(letter, {}, { owner: 'ada' });
  await backend.runAll();
  expect(await tasks.tasks.get('ada', id)).toMatchObject({ status: 'succeeded' });
  expect(trace.getActiveSpan()).toBeUndefined();
});

it('an SDK that throws stops no task', async () => {
  const broken = () => {
    throw new Error('a broken exporter');
  };
  const ended = tracer.startSpan('any');
  const providers = [{ startSpan: broken }, { startSpan: () => Object.assign(ended, { end: broken }) }];
  for (const provider of providers) {
    const backend = createMemoryBackend().handle(letter, () => undefined);
    traceTasks({ backend, tracerProvider: { getTracer: () => provider as unknown as Tracer } });
    const tasks = createTaskServer({ backend, tasks: [letter], identify: () => 'ada' });
    const { id } = await tasks.start(letter, {}, { owner: 'ada' });
    await backend.runAll();
    expect(await tasks.tasks.get('ada', id)).toMatchObject({ status: 'succeeded' });
  }
});

it.each<[string, unknown, RegExp]>([
  ['no options', undefined, /traceTasks: the argument must be options like \{ backend \}/],
  ['no backend', {}, /traceTasks: backend must be what createBackend gives/],
  ['no provider', { backend: createMemoryBackend(), tracerProvider: {} }, /a TracerProvider of OpenTelemetry/],
])('traceTasks says what is missing: %s', (_what, options, message) => {
  expect(() => traceTasks(options as never)).toThrow(message);
});

it('traceTasks may be called once for each backend', () => {
  const backend = createMemoryBackend();
  traceTasks({ backend });
  expect(() => traceTasks({ backend })).toThrow('traceTasks was called twice for this backend. Call it once.');
});
