/**
 * What happens to a task of a fake feed. It serves `fake-feed.ts`. Core's own transition moves the tasks, so no task gets into a
 * state that a server would not send. Pure: callers pass the time, in ISO 8601.
 */

import { TaskError, type TaskFailure } from '../../core/error.ts';
import type { Progress, Snapshot } from '../../core/tasks/snapshot.ts';
import { type TaskEvent, transition } from '../../core/tasks/transition.ts';

/**
 * Progress of a task of a fake feed. A number that is left out stays as it was. `stage`, `note` and `rate` do not stay: give them
 * each time.
 */
export type FakeProgress = Partial<Progress>;

/** How a task ends. */
export type FakeOutcome =
  | { readonly status: 'succeeded'; readonly result?: unknown }
  | { readonly status: 'failed'; readonly error?: Partial<TaskFailure> }
  | { readonly status: 'cancelled' };

const FAILURE: TaskFailure = { code: 'failed', message: 'It did not work.', retryable: false };

/** The task after an event. @throws TaskError (409) if no server would let it happen */
export function moveTask(task: Snapshot, event: TaskEvent): Snapshot {
  const step = transition(task, event);
  if (step.ok) return step.snapshot;
  throw new TaskError(step.refusal, `${task.id} is ${task.status}: "${event.type}" cannot happen to it.`, {
    status: 409,
    retryable: false,
  });
}

/**
 * The task after a report; with `progress` undefined, after a sign of life. A task that waits starts first.
 * @throws as {@link moveTask}
 */
export function advanceTask(task: Snapshot, progress: FakeProgress | undefined, at: string): Snapshot {
  const running = ensureStarted(task, at);
  const { attempt } = running;
  if (progress === undefined) return moveTask(running, { type: 'alive', at, attempt });
  const { done = 0, total = null } = running.progress ?? {};
  return moveTask(running, { type: 'progress', at, attempt, progress: { done, total, ...progress } });
}

/** The task after its attempt has failed. A task that waits starts first. @throws as {@link moveTask} */
export function failAttempt(task: Snapshot, error: Partial<TaskFailure>, at: string): Snapshot {
  const running = ensureStarted(task, at);
  return moveTask(running, { type: 'fail', at, attempt: running.attempt, error: { ...FAILURE, ...error } });
}

/** The task with an outcome. A task that waits starts first, unless it is cancelled. @throws as {@link moveTask} */
export function endTask(task: Snapshot, outcome: FakeOutcome, at: string): Snapshot {
  if (outcome.status === 'cancelled') {
    const cancelling = task.status === 'cancelling' ? task : moveTask(task, { type: 'cancel', at });
    if (cancelling.status === 'cancelled') return cancelling;
    return moveTask(cancelling, { type: 'stop', at, attempt: cancelling.attempt });
  }
  if (outcome.status === 'failed') return failAttempt(task, { ...outcome.error, retryable: false }, at);
  const running = ensureStarted(task, at);
  return moveTask(running, { type: 'succeed', at, attempt: running.attempt, result: outcome.result ?? null });
}

function ensureStarted(task: Snapshot, at: string): Snapshot {
  return task.status === 'queued' || task.status === 'retrying' ? moveTask(task, { type: 'start', at }) : task;
}
