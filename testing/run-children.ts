/**
 * The tasks that a handler starts while `runTask` runs it: its children. They are noted, and each ends at once as the test
 * wants. What they would do is another handler's work, with a test of its own.
 */

import { jobIdOf } from '../backend/queue/job.ts';
import { TaskError, validFailure } from '../core/error.ts';
import type { AnyTaskDefinition } from '../core/tasks/definition.ts';
import { isFinished, type Outcome } from '../core/tasks/snapshot.ts';
import type { TaskContext } from '../worker/context.ts';
import type { RunWorld } from './run-handlers.ts';

/** One task that the handler started. If a later attempt starts it again, it is not listed twice. */
export interface ChildRun {
  readonly id: string;
  /** The name of its definition. */
  readonly name: string;
  /** As the handler gave it. */
  readonly input: unknown;
  /** Null if the handler gave none. */
  readonly key: string | null;
  /** The attempt that started it. */
  readonly attempt: number;
  /** When, in ms since the task was accepted. */
  readonly atMs: number;
}

export interface ChildrenOptions {
  readonly world: RunWorld;
  readonly outcomeOf: (child: ChildRun) => Outcome;
  /** In ms since the task was accepted. */
  readonly now: () => number;
}

export class Children {
  readonly started: ChildRun[] = [];
  readonly #options: ChildrenOptions;

  constructor(options: ChildrenOptions) {
    this.#options = options;
  }

  /** `task.start`, with each child noted and ended. */
  startOf(task: TaskContext): TaskContext['start'] {
    return async (definition, input, options) => {
      const started = await task.start(definition, input, options);
      if (this.started.some(({ id }) => id === started.id)) return started;
      const { name } = definition as AnyTaskDefinition;
      const key = options?.key ?? null;
      const child = { id: started.id, name, input, key, attempt: task.attempt, atMs: this.#options.now() };
      this.started.push(child);
      await this.#end(child);
      return started;
    };
  }

  async #end(child: ChildRun): Promise<void> {
    const { world, outcomeOf } = this.#options;
    const record = await world.store.read(child.id);
    if (record === null || isFinished(record.snapshot)) return;
    const at = world.clock.iso();
    const outcome = outcomeOf(child);
    world.queues.discard(child.name, record.owner, jobIdOf({ id: child.id, run: 1 }));
    if (outcome === 'cancelled') {
      await world.changes.apply(record, { type: 'cancel', at });
      return;
    }
    // A start names the run before it: 0, since this one is run 1.
    await world.changes.apply(
      record,
      { type: 'start', at },
      { run: 0, start: { worker: 'runTask', isolation: 'free' } },
    );
    const base = { at, attempt: 1 };
    const error = validFailure(new TaskError('failed', 'The test wants it to fail.', { retryable: false }));
    await world.changes.apply(
      record,
      outcome === 'succeeded' ? { type: 'succeed', ...base, result: null } : { type: 'fail', ...base, error },
      { run: 1 },
    );
  }
}
