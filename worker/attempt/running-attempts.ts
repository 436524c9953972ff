/** Holds the attempts that run in one worker, each until its slot is free again. It serves the worker. */

import { whenAborted } from '../../backend/async.ts';
import type { TaskError } from '../../core/error.ts';
import { type RetryOptions, retryStore } from '../retry-store.ts';
import type { StartedTask } from '../start/job-starter.ts';
import { Attempt, type AttemptOptions, type AttemptPorts } from './attempt.ts';

/** Is told which tasks run in this process (heartbeat/heartbeat.ts). */
export interface RunningTasks {
  /** A task runs, or has another deadline, from now on. `deadline`: how long it may still take, in ms; null for no limit. */
  begin(task: { readonly id: string; readonly name: string; readonly deadline: number | null }): void;
  end(id: string): void;
  /** How long the event loop was blocked in total while several tasks ran, in ms. */
  readonly sharedBlockMs: number;
}

export interface RunningAttemptsOptions {
  readonly ports: AttemptPorts;
  readonly running: RunningTasks;
  readonly retry: RetryOptions;
  /** Stores that the probation of a task is over. Rejects while Redis is away. */
  readonly passProbation: (task: string) => Promise<void>;
  /** How long a handler may take to stop, in ms. */
  readonly grace: number;
  /** Called when a handler did not stop. Its slot is lost until the process is replaced. */
  readonly onStuck: (error: TaskError) => void;
}

/**
 * How an attempt ended.
 * - `outcome`: its task has an outcome.
 * - `open`: its task goes on, or another attempt has taken over.
 * - `unstored`: the process gave up waiting for the store.
 */
export type AttemptEnd = 'outcome' | 'open' | 'unstored';

export class RunningAttempts {
  readonly #options: RunningAttemptsOptions;
  readonly #attempts = new Map<string, Attempt>();

  constructor(options: RunningAttemptsOptions) {
    this.#options = options;
  }

  get(id: string): Attempt | undefined {
    return this.#attempts.get(id);
  }

  /** Runs a started task. Resolves when its slot is free. Never rejects. */
  run(task: StartedTask): Promise<AttemptEnd> {
    return this.#run(task).finally(task.admission.leave);
  }

  async #run(task: StartedTask): Promise<AttemptEnd> {
    const { ports, running, retry, grace, onStuck } = this.#options;
    const { definition, handler, record, watched, probation } = task;
    const { id } = record.snapshot;
    const begin = (ms: number | null) =>
      running.begin({ id, name: definition.name, deadline: ms === null ? null : ms + grace });
    const span = ports.events.tracing?.attempt(record) ?? null;
    const options: AttemptOptions = {
      ports,
      definition,
      handler,
      record,
      watched,
      grace,
      onStuck,
      giveUp: retry.giveUp,
      sharedBlockMs: () => running.sharedBlockMs,
      onMoreTime: begin,
      span,
    };
    const attempt = span ? span.run(() => new Attempt(options)) : new Attempt(options);
    this.#attempts.set(id, attempt);
    begin(definition.deadline);
    const ended = probation.isolation === 'free' ? null : new AbortController();
    if (ended) void this.#keepProbation(task, ended.signal);
    await attempt.done;
    const isUnstored = retry.giveUp.aborted;
    ended?.abort('ended');
    // A later run of the same task may have begun while this one was being cut off.
    if (this.#attempts.get(id) === attempt) {
      this.#attempts.delete(id);
      running.end(id);
    }
    if (attempt.hasOutcome) return 'outcome';
    return isUnstored ? 'unstored' : 'open';
  }

  /** Stops a task that was cancelled. */
  cancel(id: string): void {
    this.#attempts.get(id)?.stop('cancelled');
  }

  /** Stores signs of life of those attempts that have stored nothing within `ms`. */
  giveSignsOfLife(ms: number): void {
    for (const attempt of this.#attempts.values()) attempt.giveSignOfLife(ms);
  }

  /** Hands every task back, so that it starts again elsewhere. */
  handBack(): void {
    for (const attempt of this.#attempts.values()) attempt.stop('worker_stopped');
  }

  /** Resolves when nothing runs any more, or after `limit` ms. */
  async waitForAll(limit: number): Promise<void> {
    const over = new AbortController();
    const all = async () => {
      const isOver = whenAborted(over.signal);
      for (let [one] = this.#attempts.values(); one && !over.signal.aborted; [one] = this.#attempts.values()) {
        await Promise.race([one.done, isOver]);
      }
    };
    await Promise.race([all(), this.#options.ports.time.delay(limit, over.signal)]);
    over.abort();
  }

  /** Lets others start after the exclusive part of a probation, and ends the probation when its time is over. */
  async #keepProbation({ record, probation, admission }: StartedTask, ended: AbortSignal): Promise<void> {
    const { ports, retry, passProbation } = this.#options;
    const { exclusiveMs, probationMs } = probation;
    if (!Number.isFinite(exclusiveMs)) return;
    await ports.time.delay(exclusiveMs, ended);
    admission.pass();
    await ports.time.delay(probationMs - exclusiveMs, ended);
    if (!ended.aborted) await retryStore(() => passProbation(record.snapshot.id), retry);
  }
}
