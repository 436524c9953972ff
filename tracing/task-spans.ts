/**
 * Makes the spans of tasks with the API of OpenTelemetry. It serves `traceTasks`.
 *
 * All spans of a task belong to one trace. Names and attributes are those that OpenTelemetry has for messages:
 *
 * | span                     | kind     | its parent                                   | lasts                             |
 * |--------------------------|----------|----------------------------------------------|-----------------------------------|
 * | `send import-contacts`   | producer | what is active: a request, another's attempt | while the task is stored          |
 * | `wait import-contacts`   | internal | `send`                                       | from when an attempt is due until it starts |
 * | `process import-contacts`| consumer | `send`                                       | as long as the attempt            |
 * | `push import-contacts`   | producer | the attempt, or `send`                       | until the bus has taken the event |
 *
 * Progress is not shown: a task of an hour would have hundreds of such pushes.
 */

import {
  type Attributes,
  type Context,
  context,
  createContextKey,
  INVALID_SPAN_CONTEXT,
  type Link,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { AttemptSpan, PushSpan, TracedTask, Tracing } from '../backend/events/tracing.ts';
import type { Snapshot } from '../core/tasks/snapshot.ts';
import { eventName } from '../core/wire.ts';
import { fromTraceHeaders, fromTraceText, toTraceText } from './trace-text.ts';

/** Answers of the store by which a task was not started: each is the type of an error. Otherwise there is a task. */
const REFUSALS: readonly string[] = ['exceeded', 'busy', 'mismatch', 'refused'];

/** The key of a context that holds the id of the task whose span is active. */
const TASK = createContextKey('inloop task');

/** What the backend tells of tasks, as spans of one tracer. */
export class TaskSpans implements Tracing {
  readonly #tracer: Tracer;

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  async create<C extends { readonly result: string; readonly id?: string }>(
    task: Snapshot,
    retried: string | undefined,
    store: (trace: string | undefined) => Promise<C>,
  ): Promise<C> {
    const links = linksTo(retried);
    const span = this.#start('send', task, { kind: SpanKind.PRODUCER, links }, context.active());
    try {
      const created = await context.with(contextWith(span, task, context.active()), () =>
        store(toTraceText(span.spanContext())),
      );
      end(span, REFUSALS.includes(created.result) ? created.result : null, () => {
        // The id of the earlier task, if that is the answer.
        if (created.id !== undefined) span.setAttribute('messaging.message.id', created.id);
      });
      return created;
    } catch (error) {
      end(span, codeOf(error));
      throw error;
    }
  }

  waited({ snapshot, trace: stored }: TracedTask, seconds: number): void {
    const parent = parentOf(stored);
    if (parent === null) return;
    const now = Date.now();
    const attributes = { 'inloop.attempt': snapshot.attempt };
    end(this.#start('wait', snapshot, { startTime: now - seconds * 1_000, attributes }, parent));
  }

  attempt({ snapshot, trace: stored }: TracedTask): AttemptSpan {
    const parent = parentOf(stored) ?? ROOT_CONTEXT;
    const span = this.#start('process', snapshot, attemptOptions(snapshot), parent);
    return {
      run: (work) => context.with(contextWith(span, snapshot, parent), work),
      end: (after) => endAttempt(span, after),
    };
  }

  lost({ snapshot, trace: stored }: TracedTask, begunAt: number, code: string): void {
    const parent = parentOf(stored);
    if (parent === null) return;
    end(this.#start('process', snapshot, { ...attemptOptions(snapshot), startTime: begunAt }, parent), code);
  }

  push({ snapshot, trace: stored }: TracedTask): PushSpan | null {
    const isProgress = snapshot.status === 'running' && snapshot.progress !== null;
    const parent = isProgress ? null : parentOf(stored);
    if (parent === null) return null;
    const startTime = Date.now();
    // The active span may belong to something else: a request that cancels the task, or the last of its children.
    const isOfTask = context.active().getValue(TASK) === snapshot.id;
    const attributes = {
      'messaging.system': 'pusher',
      'messaging.destination.template': 'private-user-{owner}',
      'inloop.event': eventName(snapshot),
    };
    const pushParent = isOfTask ? context.active() : parent;
    // The span is made when the push has been sent or given up, with the start time from here. Most pushes are replaced by a
    // newer one before they leave, and get no span.
    const options = { kind: SpanKind.PRODUCER, startTime, attributes };
    const settle = (why: string | null) => end(this.#start('push', snapshot, options, pushParent), why);
    return { sent: () => settle(null), dropped: settle };
  }

  request(headers: Readonly<Record<string, string | string[] | undefined>>, next: () => void): void {
    const sent = trace.getActiveSpan() ? undefined : fromTraceHeaders(headers.traceparent, headers.tracestate);
    if (sent === undefined) next();
    else context.with(trace.setSpanContext(context.active(), sent), next);
  }

  logFields(): Readonly<Record<string, string>> {
    const span = trace.getActiveSpan()?.spanContext();
    return span ? { trace_id: span.traceId, span_id: span.spanId } : {};
  }

  #start(
    operation: keyof typeof OPERATION_TYPES,
    { id, name }: Snapshot,
    options: StartOptions,
    parent: Context,
  ): Span {
    const type = OPERATION_TYPES[operation];
    const attributes = {
      'messaging.system': 'inloop',
      // A push goes to a channel, whose name would tell the owner.
      ...(operation === 'push' ? {} : { 'messaging.destination.name': name }),
      'messaging.operation.name': operation,
      ...(type === null ? {} : { 'messaging.operation.type': type }),
      'messaging.message.id': id,
      ...options.attributes,
    };
    try {
      return this.#tracer.startSpan(`${operation} ${name}`, { ...options, attributes }, parent);
    } catch {
      return trace.wrapSpanContext(INVALID_SPAN_CONTEXT);
    }
  }
}

interface StartOptions {
  readonly kind?: SpanKind;
  readonly attributes?: Attributes;
  readonly links?: Link[];
  /** In ms since 1970. */
  readonly startTime?: number;
}

/** The types that OpenTelemetry gives to operations. It has none for a wait. */
const OPERATION_TYPES = { send: 'send', wait: null, process: 'process', push: 'send' } as const;

function attemptOptions({ attempt, attempts }: Snapshot): StartOptions {
  return { kind: SpanKind.CONSUMER, attributes: { 'inloop.attempt': attempt, 'inloop.attempts': attempts } };
}

/** Each attempt that was cut short has one span with an error: of its worker, or of the process that recovered the task. */
function endAttempt(span: Span, after: Snapshot | null): void {
  const hasFailed = after?.status === 'failed' || after?.status === 'retrying';
  end(span, hasFailed ? after.error.code : null, () => {
    span.setAttribute('inloop.status', after?.status ?? 'stale_attempt');
    if (after?.status === 'retrying') span.addEvent('retry', { 'inloop.due_at': after.expectedAt ?? after.updatedAt });
  });
}

/**
 * Ends a span. Never throws: an SDK with a broken sampler or exporter must not stop a task.
 * @param error the code of an error, or null. The message of an error may hold what only the owner may read
 * @param describe adds what is known by now
 */
function end(span: Span, error: string | null = null, describe: () => void = () => undefined): void {
  try {
    describe();
    if (error !== null) span.setAttribute('error.type', error).setStatus({ code: SpanStatusCode.ERROR });
    span.end();
  } catch {
    // The span is lost.
  }
}

function codeOf(error: unknown): string {
  const { code } = Object(error) as { code?: unknown };
  return typeof code === 'string' ? code : '_OTHER';
}

/** The context in which `span`, of a task, is active. */
function contextWith(span: Span, { id }: Snapshot, parent: Context): Context {
  return trace.setSpan(parent, span).setValue(TASK, id);
}

/** The context below the span that a record names; null if it names none. */
function parentOf(stored: string | undefined): Context | null {
  const span = fromTraceText(stored);
  return span === undefined ? null : trace.setSpanContext(ROOT_CONTEXT, span);
}

function linksTo(stored: string | undefined): Link[] {
  const span = fromTraceText(stored);
  return span === undefined ? [] : [{ context: span }];
}
