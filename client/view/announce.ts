/** What is said aloud to those who cannot see the tray: outcomes, and once that a task takes longer. Pure. */

import { isFinished, type OutcomeSnapshot, type Snapshot } from '../../core/snapshot.ts';
import { isPartialSuccess } from './describe.ts';
import { countOutcomes } from './groups.ts';
import type { Wording } from './wording.ts';

/** The tasks of `after` that ended since `before`, and were active there: an outcome that was news on arrival is not said. */
export function newOutcomes(before: readonly Snapshot[], after: readonly Snapshot[]): OutcomeSnapshot[] {
  if (before === after) return [];
  const active = new Set(before.filter((task) => !isFinished(task)).map(({ id }) => id));
  return after.filter(isFinished).filter(({ id }) => active.has(id));
}

/** One utterance for all of `outcomes`, '' for none. */
export function announce(outcomes: readonly OutcomeSnapshot[], wording: Wording): string {
  const [task] = outcomes;
  if (!task) return '';
  if (outcomes.length > 1) return wording.sayMany(...countOutcomes(outcomes));
  if (task.status === 'failed') return wording.sayFailed(task.title, task.error.message);
  if (task.status === 'cancelled') return wording.sayCancelled(task.title);
  return isPartialSuccess(task) ? wording.sayPartial(task.title) : wording.saySucceeded(task.title);
}
