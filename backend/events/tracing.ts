/**
 * What the parts of inloop tell of a task's way from a request to a push, so that it can be shown as a trace. It serves every
 * part that has an {@link Emitter}.
 *
 * `inloop/tracing` implements this with OpenTelemetry. A process that does not call `traceTasks` has no implementation, and
 * then each place here costs one comparison.
 */

import type { Snapshot } from '../../core/tasks/snapshot.ts';

/** A task, and the trace that its record names. */
export interface TracedTask {
  readonly snapshot: Snapshot;
  /** Where in which trace the task was accepted: W3C `traceparent`, then a space and `tracestate` if there is one. */
  readonly trace?: string | undefined;
}

/** What became of a creation, as the store answers it. */
interface Creation {
  readonly result: string;
  /** The id of an earlier task, if that one is the answer and no new one was stored. */
  readonly id?: string;
}

/** The span of one attempt. */
export interface AttemptSpan {
  /** Calls `work` so that spans which it starts, at once or later, are children of this one. */
  run<T>(work: () => T): T;
  /**
   * The attempt has ended.
   * @param after the task as it was stored with the end of the attempt; null if the store refused that: the attempt was over
   */
  end(after: Snapshot | null): void;
}

/** The span of one push, which may wait before it is sent. If a newer push takes its place, neither method is called. */
export interface PushSpan {
  sent(): void;
  /** The push was given up. @param why a short code */
  dropped(why: string): void;
}

export interface Tracing {
  /**
   * A new task is stored.
   * @param retried the trace of the task that this one retries
   * @param store stores the task with the trace that it is given; undefined for none
   */
  create<C extends Creation>(
    task: Snapshot,
    retried: string | undefined,
    store: (trace: string | undefined) => Promise<C>,
  ): Promise<C>;
  /** An attempt starts now. @param seconds how long it has waited since it was due */
  waited(task: TracedTask, seconds: number): void;
  /** An attempt starts in this process. */
  attempt(task: TracedTask): AttemptSpan;
  /**
   * An attempt was lost with its worker.
   * @param begunAt in ms since 1970 @param code of the error that the attempt ended with
   */
  lost(task: TracedTask, begunAt: number, code: string): void;
  /** A snapshot is to be pushed. Null if it gets no span. */
  push(task: TracedTask): PushSpan | null;
  /** Calls `next` within the trace that the headers of a request name, unless it is within a trace already. */
  request(headers: Readonly<Record<string, string | string[] | undefined>>, next: () => void): void;
  /** Which span is active, for a log line. */
  logFields(): Readonly<Record<string, string>>;
}
