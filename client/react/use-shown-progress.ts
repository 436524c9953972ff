/** The hook for progress that moves on between two messages. */

import { useEffect, useRef, useState } from 'react';
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import { browserPage } from '../environment.ts';
import { stageOf } from '../headless/memory.ts';
import { type ShownProgress, shownProgress } from '../headless/shown-progress.ts';
import { useTaskFeed } from './use-tasks.ts';

/** How often the component renders again while the progress moves, in milliseconds: as often as a text can be read. */
const TICK = 1_000;

/**
 * What to show of a task's progress now. Between two messages it moves on by itself, for at most 10 s, and the component
 * renders again once a second meanwhile, unless the page is hidden. Within an attempt it never goes back.
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
  /** What was rendered last. The count never goes below it, also if `feed.now()` is corrected back. */
  const before = useRef({ of: '', done: 0 });
  /** What the progress is of. The number of children that a task waits for has nothing to do with the elements before. */
  const of = task ? `${task.id} ${task.attempt} ${stageOf(task)}` : '';
  const least = before.current.of === of ? before.current.done : 0;
  const shown = task ? shownProgress(task, feed.now(), least) : null;
  const isMoving = shown?.movesTo != null;
  useEffect(() => {
    // The fraction is finer than `done`.
    before.current = { of, done: (shown?.fraction ?? 0) * (shown?.total ?? 0) || (shown?.done ?? 0) };
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
