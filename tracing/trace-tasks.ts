/** `traceTasks`: shows the tasks of a process as traces. It serves adopters who use OpenTelemetry. */

import { type TracerProvider, trace } from '@opentelemetry/api';
import { refuseOtherMajor } from '../backend/origin.ts';
import { isServerBackend, type ServerBackend } from '../backend/server-backend.ts';
import { isObject, refuseOptions, requireOption } from '../core/values/options.ts';
import { VERSION } from '../core/version.ts';
import { TaskSpans } from './task-spans.ts';

/** What `traceTasks` takes. */
export interface TracingOptions {
  /** Of this process. */
  readonly backend: ServerBackend;
  /** Where the spans go. Default: the global one, which the SDK of OpenTelemetry registers. */
  readonly tracerProvider?: TracerProvider;
}

/**
 * Shows each task of this process as a trace: from the request that started it, through the line and its attempts, to the push
 * of its outcome. Call it once for each backend, in servers and in workers. Spans of a handler's own are below its attempt, if the SDK
 * registers a context manager, as `NodeSDK` and `NodeTracerProvider.register` do.
 *
 * @throws ConfigError `invalid_options`
 *
 * @example
 * traceTasks({ backend });
 */
export function traceTasks(options: TracingOptions): void {
  requireOption(isObject(options), 'traceTasks: the argument', 'options like { backend }', options);
  const { backend, tracerProvider = trace } = options;
  refuseOtherMajor('traceTasks', backend);
  requireOption(isServerBackend(backend), 'traceTasks: backend', 'what createBackend gives', backend);
  const isProvider = typeof tracerProvider?.getTracer === 'function';
  requireOption(isProvider, 'traceTasks: tracerProvider', 'a TracerProvider of OpenTelemetry', tracerProvider);
  if (backend.events.tracing) refuseOptions('traceTasks was called twice for this backend. Call it once.');
  backend.events.tracing = new TaskSpans(tracerProvider.getTracer('inloop', VERSION));
}
