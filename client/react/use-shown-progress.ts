/** The hook for progress that moves on between two messages. */

import { useEffect, useRef, useState } from 'react';
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import { browserPage } from '../environment.ts';
import { type ShownProgress, shownProgress } from '../headless/shown-progress.ts';
import { useTaskFeed } from './use-tasks.ts';

/** How often the component renders again while the progress moves, in milliseconds: as often as a text can be read. */
const TICK = 1_000;

/** What was rendered last, and of which progress. */
interface Rendered {
  /** Differs between two tasks, attempts and stages. The children that a task waits for are a stage of their own. */
  readonly subject: string;
  /** How many elements were shown as done; finer than whole elements. */
  readonly done: number;
}

/** Before the first rendering. */
export const NOTHING_RENDERED: Rendered = { subject: '', done: 0 };

/**
 * What to show of `task` at `now`: no less than was rendered of the same progress before, also where `now` is earlier, because
 * `feed.now()` was corrected back. Pure. `rendered` is for the next call.
 * @param now the server's time, in milliseconds
 */
export function showAfter(
  before: Rendered,
  task: Snapshot | null | undefined,
  now: number,
): { readonly shown: ShownProgress | null; readonly rendered: Rendered } {
  const subject = task ? `${task.id} ${task.attempt} ${task.progress?.stage}` : '';
  const shown = task ? shownProgress(task, now, before.subject === subject ? before.done : 0) : null;
  const { done = 0, fraction, total } = shown ?? {};
  // The product is finer than whole elements. It may also be rounded to a little less than a whole element, so `done` counts too.
  return { shown, rendered: { subject, done: Math.max((fraction ?? 0) * (total ?? 0), done) } };
}

/**
 * What to show of a task's progress now. Between two messages it moves on by itself, for at most 10 s, and the component
 * renders again once a second meanwhile, unless the page is hidden. Within a stage of an attempt the count never goes back,
 * unless the total shrinks below it.
 *
 * @returns null where there is no task, or no progress yet
 * @throws TaskError `no_provider`
 * @example
 * const shown = useShownProgress(useTask(id));
 * // For a bar that moves on every frame, let CSS do it: transition: width 1s linear
 * return <div className="bar" style={{ width: `${100 * (shown?.fraction ?? 0)}%` }} />;
 */
export function useShownProgress(task: Snapshot | null | undefined): ShownProgress | null {
  const feed = useTaskFeed();
  const [, setTick] = useState(0);
  const before = useRef(NOTHING_RENDERED);
  const { shown, rendered } = showAfter(before.current, task, feed.now());
  const isMoving = shown?.movesTo != null;
  useEffect(() => {
    before.current = rendered;
  });
  useEffect(() => {
    if (!isMoving) return undefined;
    const next = () => {
      if (browserPage.isVisible()) setTick((tick) => tick + 1);
    };
    const timer = setInterval(next, TICK);
    const stop = browserPage.listen(next);
    return () => {
      clearInterval(timer);
      stop();
    };
  }, [isMoving]);
  return shown;
}
