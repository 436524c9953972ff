/** What a reporter needs of the rest of inloop. It serves the reporter, the attempt, and tests that replace these parts. */

import type { Emitter } from '../../backend/events/events.ts';
import type { OwnedTask, TaskRecord } from '../../backend/store/record.ts';
import type { Change, ChangeOptions } from '../../backend/task-changes.ts';
import type { Time } from '../../backend/time.ts';
import type { TaskEvent } from '../../core/tasks/transition.ts';
import type { LookTimer } from './look-timer.ts';

/** Where an attempt's changes are stored and pushed (backend/task-changes.ts). */
export interface AttemptChanges {
  /** Rejects while Redis is away; the change may have been stored all the same. */
  apply(task: OwnedTask, event: TaskEvent, options: ChangeOptions): Promise<Change>;
  /** Pushes what is stored already, if the owner is watching; returns whether it did. */
  push(task: OwnedTask, watched: boolean): boolean;
}

/** Gives attempts their turns to store and push a step (backend/push/publisher.ts). */
export interface Turns {
  /**
   * Resolves when it is the turn of `key`, `after` ms from now at the earliest. Resolves with null once `signal` aborts, or if
   * no turn will ever come. Never rejects. The caller must end the turn.
   * @param key names the waiter, uniquely. A second wait with the same key ends the first with null
   */
  takeTurn(
    owner: string,
    key: string,
    options: { readonly after: number; readonly signal: AbortSignal },
  ): Promise<{ end(): void } | null>;
}

export interface ReporterPorts {
  readonly changes: AttemptChanges;
  readonly turns: Turns;
  readonly lookTimer: Pick<LookTimer, 'add' | 'addSoon' | 'delete'>;
  /** By how much the bar that viewers see may be off, as a share of the total. */
  readonly accuracy: number;
  /** The time of day, by Redis' clock. */
  readonly clock: { iso(msFromNow?: number): string };
  readonly time: Pick<Time, 'elapsed' | 'delay'>;
  readonly events: Emitter;
}

export interface ReporterOptions {
  readonly ports: ReporterPorts;
  /** The task, in status `running`, at the start of this attempt. */
  readonly record: TaskRecord;
  /** Whether the owner was watching when the attempt started. */
  readonly watched: boolean;
  /** Called when the store says that this attempt is over: another one has taken over, or the task is gone. */
  readonly onStale: () => void;
  /** Called when the store says that the task was cancelled. */
  readonly onCancelling: () => void;
}
