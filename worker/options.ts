/** The options of a worker, and their checks. TypeScript checks them too, but plain JavaScript passes anything. */

import { type Backend, isBackend } from '../backend/backend.ts';
import { refuseOtherMajor } from '../backend/origin.ts';
import { type AnyTaskDefinition, isDefinition } from '../core/tasks/definition.ts';
import { type Duration, toMilliseconds } from '../core/values/duration.ts';
import { refuseOptions, wholeNumber } from '../core/values/options.ts';
import { describe } from '../core/values/text.ts';

/** What `createTaskWorker` takes. */
export interface TaskWorkerOptions {
  readonly backend: Backend;
  /** How many tasks of each definition run at once in this process, 1 to 10,000. Default 4. */
  readonly concurrency?: number;
  /** How long a handler may take to stop when it is told to. Then it is cut off. At most 7 days. Default 5 s. */
  readonly grace?: Duration;
  /** How long tasks may go on when the worker is told to stop. Then they are handed back. At most 7 days. Default 20 s. */
  readonly drain?: Duration;
  /**
   * How long a worker's heartbeat lasts. A process that does not renew it counts as dead after one to two times this duration,
   * and its tasks start again elsewhere. A handler that blocks the event loop does no harm: a thread renews the heartbeat
   * meanwhile. At least 500 ms, since each worker asks Redis several times in this interval. At most 1 day. Default 5 s.
   */
  readonly stallInterval?: Duration;
}

/** The checked options, with defaults filled in; durations in ms. */
export interface WorkerSettings {
  readonly concurrency: number;
  readonly grace: number;
  readonly drain: number;
  readonly stallInterval: number;
}

const CONCURRENCY = { default: 4, min: 1, max: 10_000 };

/** @throws ConfigError `invalid_options` */
export function checkWorkerOptions(options: TaskWorkerOptions): WorkerSettings {
  refuseOtherMajor('createTaskWorker', options?.backend);
  if (!isBackend(options?.backend)) {
    refuse(`backend must be what createBackend gives, got ${describe(options?.backend)}.`);
  }
  const duration = (name: 'grace' | 'drain' | 'stallInterval', fallback: Duration, range: DurationRange) =>
    toMilliseconds(options[name] ?? fallback, `createTaskWorker: ${name}`, range);
  return {
    concurrency: wholeNumber('createTaskWorker: concurrency', options.concurrency, CONCURRENCY),
    grace: duration('grace', '5s', { max: '7d' }),
    drain: duration('drain', '20s', { max: '7d' }),
    stallInterval: duration('stallInterval', '5s', { min: '500ms', max: '1d' }),
  };
}

/** Refuses what `handle(definition, handler)` does not expect. @throws ConfigError `invalid_options` */
export function checkHandler(definition: AnyTaskDefinition, handler: unknown): void {
  if (!isDefinition(definition)) {
    refuse(`handle() expects a definition as defineTask gives it, got ${describe(definition)}.`);
  }
  if (typeof handler !== 'function') {
    refuse(`handle(${definition.name}) expects a function (input, task) => result, got ${describe(handler)}.`);
  }
}

/**
 * Refuses anything but a function.
 * @param method `onOutcome` or `onUnseen`, for the message
 * @throws ConfigError `invalid_options`
 */
export function checkOutcomeHandler(method: string, handler: unknown): void {
  if (typeof handler === 'function') return;
  refuse(`${method}() expects a function (task, { owner }) => …, got ${describe(handler)}.`);
}

/**
 * How long an outcome may stay unseen, in ms.
 * @param retentionMs how long the backend keeps outcomes
 * @throws ConfigError `invalid_options`, `invalid_duration`
 */
export function checkAfter(options: { readonly after: Duration }, retentionMs: number): number {
  if (options?.after === undefined) {
    refuse(`onUnseen() expects { after: '15m' } and a function, got ${describe(options)}.`);
  }
  const after = toMilliseconds(options.after, 'createTaskWorker: onUnseen: after');
  if (after < retentionMs) return after;
  return refuse(
    `onUnseen: after is ${after / 1_000} s, but outcomes are kept for ${retentionMs / 1_000} s only (createBackend: retention).`,
  );
}

/** The signal of `run({ signal })`. @throws ConfigError `invalid_options` */
export function checkSignal(options: { readonly signal: AbortSignal }): AbortSignal {
  const signal = options?.signal;
  if (signal instanceof AbortSignal) return signal;
  return refuse(`run({ signal }) expects an AbortSignal, which ends the worker, got ${describe(signal)}.`);
}

/** @throws ConfigError `invalid_options`, always */
export function refuse(message: string): never {
  return refuseOptions(`createTaskWorker: ${message}`);
}

type DurationRange = Parameters<typeof toMilliseconds>[2];
