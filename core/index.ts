/** The entry `inloop`: task definitions, and the types that all entries share. It runs anywhere: no Node, no DOM. */

export { channelOf } from './channel.ts';
export { ConfigError, type ConfigErrorCode } from './config-error.ts';
export { type Issue, TaskError, type TaskErrorOptions, type TaskFailure } from './error.ts';
export type { ConcurrencyOptions, WhenBusy } from './tasks/concurrency.ts';
export {
  type AnyTaskDefinition,
  type CheckpointedOf,
  type CheckpointOf,
  defineTask,
  type InputOf,
  type ParsedInputOf,
  type ResultOf,
  type ReturnOf,
  type StageOf,
  type TaskDefinition,
  type TaskOptions,
} from './tasks/definition.ts';
export type { Backoff } from './tasks/definition-options.ts';
export { fractionOf } from './tasks/progress.ts';
export {
  ACTIVE_STATUSES,
  type ActiveSnapshot,
  type ActiveStatus,
  type CancelledSnapshot,
  type CancellingSnapshot,
  type Children,
  type FailedSnapshot,
  isFinished,
  OUTCOMES,
  type Outcome,
  type OutcomeSnapshot,
  type Progress,
  type QueuedSnapshot,
  type RetryingSnapshot,
  type RunningSnapshot,
  type Snapshot,
  STATUSES,
  type Status,
  type SucceededSnapshot,
} from './tasks/snapshot.ts';
export type { ScopeLimits, TaskLimits } from './tasks/task-limits.ts';
export { canCancel, canRetry } from './tasks/transition.ts';
export type { Duration } from './values/duration.ts';
export type { Jsonify, NotJson } from './values/json-types.ts';
export {
  type ConnectionInfo,
  eventName,
  type ListState,
  type Problem,
  SEEN_EVENT,
  type SeenEvent,
  type TaskEventName,
  type TaskPage,
} from './wire.ts';
