/** What a screen reader says of outcomes, for a live region; a notification of the browser says the same. Pure. */

import type { OutcomeSnapshot } from '../../core/tasks/snapshot.ts';
import { countOutcomes } from './groups.ts';
import { isPartialSuccess } from './words/describe.ts';
import { isolate } from './words/plain-text.ts';
import { explain, type Wording } from './words/wording.ts';

/** One text for all of `outcomes`, '' for none. For a polite live region that is in the page before the first task. */
export function announce(outcomes: readonly OutcomeSnapshot[], wording: Wording): string {
  const [task] = outcomes;
  if (!task) return '';
  if (outcomes.length > 1) return wording.sayMany(...countOutcomes(outcomes));
  const title = isolate(task.title, wording.locale);
  if (task.status === 'failed') return wording.sayFailed(title, isolate(explain(task.error, wording), wording.locale));
  if (task.status === 'cancelled') return wording.sayCancelled(title);
  return isPartialSuccess(task) ? wording.sayPartial(title) : wording.saySucceeded(title);
}
