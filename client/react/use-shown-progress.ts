/** The hook for progress that moves on between two messages. */

import { useEffect, useRef, useState } from 'react';
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import { type ShownProgress, shownProgress } from '../headless/shown-progress.ts';
import { useTaskFeed } from './use-tasks.ts';

/** How often the component renders again while the progress moves, in milliseconds: as often as a text can be read. */
const TICK = 1_000;

/**
 * What to show of a task's progress now. Between two messages it moves on by itself, for at most 10 s, and the component
 * renders again once a second meanwhile. Within an attempt it never goes back.
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
  const before = useRef({ of: '', done: 0 });
  const of = task ? `${task.id} ${task.attempt} ${task.progress?.stage ?? ''}` : '';
  const least = before.current.of === of ? before.current.done : 0;
  const shown = task ? shownProgress(task, feed.now(), least) : null;
  const isMoving = shown?.movesTo != null;
  useEffect(() => {
    before.current = { of, done: shown?.done ?? 0 };
  });
  useEffect(() => {
    if (!isMoving) return undefined;
    const timer = setInterval(() => setTick((tick) => tick + 1), TICK);
    return () => clearInterval(timer);
  }, [isMoving]);
  return shown;
}
