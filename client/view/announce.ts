/** What is said aloud to those who cannot see the tray: outcomes, and once that a task takes longer. Pure. */

import type { OutcomeSnapshot } from '../../core/snapshot.ts';
import { isPartialSuccess } from './describe.ts';
import { countOutcomes } from './groups.ts';
import { explain, type Wording } from './wording.ts';

/** One utterance for all of `outcomes`, '' for none. For a polite live region that is there before the first task. */
export function announce(outcomes: readonly OutcomeSnapshot[], wording: Wording): string {
  const [task] = outcomes;
  if (!task) return '';
  if (outcomes.length > 1) return wording.sayMany(...countOutcomes(outcomes));
  if (task.status === 'failed') return wording.sayFailed(task.title, explain(task.error, wording));
  if (task.status === 'cancelled') return wording.sayCancelled(task.title);
  return isPartialSuccess(task) ? wording.sayPartial(task.title) : wording.saySucceeded(task.title);
}
