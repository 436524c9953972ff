/** How the page's title and icon show progress and outcomes, for users who look at another tab. Pure. */

import { isFinished, type Snapshot } from '../../core/tasks/snapshot.ts';
import type { TaskMemory } from './memory.ts';
import { shownProgress } from './shown-progress.ts';
import { formatNumber, type Wording } from './words/wording.ts';

/** The mark of a page. Shapes differ as well as colours, for those who do not see colours. */
export interface PageMark {
  readonly shape: 'active' | 'good' | 'bad' | 'neutral';
  /** The mean progress of the active tasks, from 0 to below 1; null where it is not known. */
  readonly fraction: number | null;
  /** What stands before the title: `42 %`, `…` where no progress is known, or the sign of the outcome: `✓`, `✕`, `–`. */
  readonly text: string;
}

const SIGNS = { good: '✓', bad: '✕', neutral: '–' } as const;

/**
 * The mark for `tasks`, or null for none. It tells of the active tasks; if there are none, of the outcomes not seen yet.
 * @param now the server's time, in milliseconds: `feed.now()`. Without it, progress is as it was reported.
 * @param memories of the tasks, by task id: with them the progress of a task does not go back within an attempt
 */
export function markPage(
  tasks: readonly Snapshot[],
  wording: Pick<Wording, 'locale'>,
  now = 0,
  memories?: ReadonlyMap<string, TaskMemory>,
): PageMark | null {
  const active = tasks.filter((task) => !isFinished(task));
  if (active.length > 0) {
    const known = active.flatMap((task) => shownProgress(task, now, memories?.get(task.id)?.shownDone)?.fraction ?? []);
    const mean = known.reduce((sum, share) => sum + share, 0) / known.length;
    const fraction = known.length > 0 ? Math.min(mean, 0.99) : null;
    const text = fraction === null ? '…' : `${formatNumber(Math.floor(fraction * 100), wording.locale)} %`;
    return { shape: 'active', fraction, text };
  }
  const unseen = tasks.filter((task) => isFinished(task) && !task.seenAt);
  const has = (status: Snapshot['status']) => unseen.some((task) => task.status === status);
  const shape = has('failed') ? 'bad' : has('succeeded') ? 'good' : has('cancelled') ? 'neutral' : null;
  return shape && { shape, fraction: null, text: SIGNS[shape] };
}
