// `inloop/tracing` on real parts: the spans of a task form one tree, from the page that asked for it to the push of its outcome.
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import type { Backend } from '../../../backend/backend.ts';
import { TaskError } from '../../../core/error.ts';
import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import { traceTasks } from '../../../tracing/trace-tasks.ts';
import { createTaskWorker } from '../../../worker/task-worker.ts';
import { eventually } from '../../support/eventually.ts';
import { backendOn } from '../../support/parts.ts';
import { deaf, family, flaky, rows, steps } from './processes/fault-tasks.ts';
import { STALL_MS, useFaultWorkers } from './use-fault-workers.ts';

jest.setTimeout(40_000);

const parts = useFaultWorkers();
const exporter = new InMemorySpanExporter();
const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
const ownTracer = tracerProvider.getTracer('the application');
let workers: TestWorker[] = [];

interface TestWorker {
  readonly backend: Backend;
  stop(): Promise<void>;
}

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  traceTasks({ backend: parts.backend, tracerProvider });
});
afterEach(async () => {
  for (const worker of workers) await worker.stop();
  workers = [];
  exporter.reset();
});
afterAll(() => context.disable());

/** Starts a traced worker in this process. The first attempt of `family` fails; the second one starts a child. */
function startTracedWorker(): TestWorker {
  const backend = backendOn(parts.bus.env);
  traceTasks({ backend, tracerProvider });
  const shutdown = new AbortController();
  const worker = createTaskWorker({ backend, drain: '50ms', grace: '300ms', stallInterval: `${STALL_MS}ms` });
  worker.handle(family, async (_input, task) => {
    await ownTracer.startActiveSpan('own work', async (span) => {
      if (task.attempt === 1) throw new TaskError('flaky', 'Attempt 1 failed.');
      await task.start(steps, { steps: 1, ms: 1 });
      span.end();
    });
    return { started: 1 };
  });
  worker.handle(steps, async ({ steps: count }, { attempt }) => ({ steps: count, attempt }));
  worker.handle(flaky, async () => {
    throw new Error('a secret');
  });
  worker.handle(deaf, async (_input, { signal }) => {
    await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  });
  const running = worker.run({ signal: shutdown.signal });
  const started = {
    backend,
    async stop() {
      shutdown.abort();
      await running;
      await backend.close();
    },
  };
  workers.push(started);
  return started;
}

/** All ended spans of the traces that a task is in. */
const spansOf = ({ id }: Pick<Snapshot, 'id'>) => {
  const spans = exporter.getFinishedSpans();
  const traces = spans.filter((span) => span.attributes['messaging.message.id'] === id).map(traceOf);
  return spans.filter((span) => traces.includes(traceOf(span)));
};
const traceOf = (span: ReadableSpan) => span.spanContext().traceId;

/** Spans as a tree, one line each, children in the order of their names. A line names an error, and the event that was pushed. */
function treeOf(spans: readonly ReadableSpan[], parent?: string, depth = 0): string[] {
  const known = new Set(spans.map((span) => span.spanContext().spanId));
  const isBelow = ({ parentSpanContext }: ReadableSpan) =>
    parent === undefined ? !known.has(parentSpanContext?.spanId ?? '') : parentSpanContext?.spanId === parent;
  return spans
    .filter(isBelow)
    .map((span) => ({ span, line: lineOf(span) }))
    .sort((one, other) => (one.line < other.line ? -1 : 1))
    .flatMap(({ span, line }) => ['  '.repeat(depth) + line, ...treeOf(spans, span.spanContext().spanId, depth + 1)]);
}

function lineOf({ name, attributes }: ReadableSpan): string {
  const { 'inloop.attempt': attempt, 'inloop.event': event, 'error.type': error } = attributes;
  return [name, attempt && `attempt ${attempt}`, event, error && `error ${error}`].filter(Boolean).join(', ');
}

describe('a traced task', () => {
  it('has one tree: from the page, through the line, a retry and a child, to the push', async () => {
    startTracedWorker();
    const { app } = parts;
    const follower = await app.follow('ada');
    const page = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
    const body = { name: 'family', input: { children: 1, failing: 0, ms: 1 } };
    const answer = await app.post('ada', '/tasks', body, { traceparent: `00-${page.traceId}-${page.spanId}-01` });
    const task = (await answer.json()) as Snapshot;
    expect(Object.keys(task)).not.toContain('trace');
    // Whether these states are pushed depends on how fast the machine is.
    const isExpected = (line: string) => !/task\.(queued|running|retrying)/.test(line);
    const told = () => follower.events.some(({ data }) => data.id === task.id && data.status === 'succeeded');
    await eventually(told, { within: 15_000 });
    const tree = [
      'send family',
      '  process family, attempt 1, error flaky',
      '  process family, attempt 2',
      '    own work',
      '      send steps',
      '        process steps, attempt 1',
      '          push steps, task.succeeded',
      '        wait steps, attempt 1',
      '  push family, task.succeeded',
      '  wait family, attempt 1',
      '  wait family, attempt 2',
    ];
    await eventually(() => expect(treeOf(spansOf(task)).filter(isExpected)).toEqual(tree), { within: 15_000 });
    const root = spansOf(task).find(({ name }) => name === 'send family');
    expect(root?.parentSpanContext).toMatchObject(page);
    expect(JSON.stringify(spansOf(task).map(({ attributes, events }) => [attributes, events]))).not.toContain('ada');
  });

  it('that is retried by hand has a trace of its own, with a link to the first one', async () => {
    startTracedWorker();
    const { tasks } = parts.app.tasks;
    const first = await parts.app.tasks.start(flaky, { failures: 9 }, { owner: 'eve' });
    await parts.reaches(first, 'eve', 'failed');
    const second = await tasks.retry('eve', first.id);
    const sendOf = (task: Snapshot) => spansOf(task).find(({ name }) => name === 'send flaky');
    const [send, firstSend] = [await eventually(() => sendOf(second)), sendOf(first)];
    expect(send.links.map(({ context }) => context.spanId)).toEqual([firstSend?.spanContext().spanId]);
    expect(JSON.stringify(spansOf(first).map(({ attributes, events }) => [attributes, events]))).not.toContain(
      'secret',
    );
  });

  it('that is cancelled ends its attempt without an error', async () => {
    startTracedWorker();
    const task = await parts.app.tasks.start(deaf, { ms: 0 }, { owner: 'bob' });
    await parts.reaches(task, 'bob', 'running');
    await parts.app.tasks.tasks.cancel('bob', task.id);
    const attempt = await eventually(() => spansOf(task).find(({ name }) => name === 'process deaf'));
    expect(attempt.attributes).toMatchObject({ 'inloop.status': 'cancelled' });
    const tree = ['  process deaf, attempt 1', '    push deaf, task.cancelled'];
    await eventually(() => expect(treeOf(spansOf(task))).toEqual(expect.arrayContaining(tree)), { within: 15_000 });
  });
});

describe('an attempt that is cut short has one span with an error', () => {
  it('when its worker stops', async () => {
    const leaving = startTracedWorker();
    const task = await parts.app.tasks.start(deaf, { ms: 0 }, { owner: 'cleo' });
    await parts.reaches(task, 'cleo', 'running');
    await leaving.stop();
    startTracedWorker();
    await parts.reaches(task, 'cleo', 'running');
    await parts.app.tasks.tasks.cancel('cleo', task.id);
    const attempts = ['  process deaf, attempt 1', '  process deaf, attempt 1, error worker_stopped'];
    const shown = () => treeOf(spansOf(task)).filter((line) => line.includes('process'));
    await eventually(() => expect(shown()).toEqual(attempts), { within: 15_000 });
  });

  it('when its worker is killed', async () => {
    // Not traced: a process that is killed exports nothing of what is under way.
    const victim = await parts.startWorker();
    const task = await parts.app.tasks.start(rows, { rows: 100, ms: 1_000 }, { owner: 'dan' });
    const { startedAt } = await parts.reaches(task, 'dan', 'running');
    await victim.kill();
    const lost = await eventually(() => spansOf(task).find(({ name }) => name === 'process rows'), { within: 15_000 });
    expect(treeOf(spansOf(task))).toContain('  process rows, attempt 1, error worker_lost');
    expect(trace.isSpanContextValid(lost.spanContext())).toBe(true);
    expect(Math.abs(lost.startTime[0] - Date.parse(startedAt ?? '') / 1_000)).toBeLessThan(5);
  });
});
