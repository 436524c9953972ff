/** The rows of the panel, in their groups. `row-schedule.ts` decides which of them are drawn when. */

import { isFinished, type Snapshot } from '../../../core/tasks/snapshot.ts';
import { type Groups, retriedIds } from '../../headless/groups.ts';
import type { TaskMemory } from '../../headless/memory.ts';
import { isSameList } from '../../headless/same-list.ts';
import { describeTask, type RowContext } from '../../headless/words/describe.ts';
import { keepFocus, setAttribute, setHidden } from '../dom/dom.ts';
import type { TrayElements } from '../dom/tray-elements.ts';
import { SCROLL_REST } from '../limits.ts';
import type { LiveAnnouncer } from '../live-announcer.ts';
import { createRow, type Row } from './row.ts';
import { createRowBlocks } from './row-blocks.ts';
import type { RowCommands } from './row-commands.ts';
import {
  type DrawAfter,
  drawIn,
  IN_VIEW,
  MINUTES,
  NEVER,
  NEW_SHARED,
  NEW_STATUS,
  NEW_TASK,
  NOTHING_NEW,
  OUT_OF_VIEW,
  ROWS_A_FRAME,
  SECONDS,
} from './row-schedule.ts';

const GROUPS = ['active', 'unseen', 'recent'] as const;

export interface RowListContext extends Omit<RowContext, 'isRetried'> {
  /** All tasks, also those without a row. */
  readonly tasks: readonly Snapshot[];
  /** The memories of `tasks`, by task id. */
  readonly memories: ReadonlyMap<string, TaskMemory>;
  /** The time by the page's own clock (`Timing.now`), in milliseconds; `now` is the server's. */
  readonly ourNow: number;
  readonly announcer: Pick<LiveAnnouncer, 'announceSlow'>;
}

/** A row, and the task it showed when it was last drawn. */
interface DrawnRow {
  readonly row: Row;
  readonly task: Snapshot;
  /** The `ourNow` of that drawing. */
  readonly drawnAt: number;
  /** The generation of the list when the row was drawn; an older one than now makes the row out of date. */
  readonly generation: number;
  /** When to draw the row again if only time passes. */
  readonly tick: DrawAfter;
}

export interface RowList {
  /** The row of a task; undefined before it is first drawn. */
  rowOf(id: string): HTMLElement | undefined;
  /** Shows `groups`. Returns in how many milliseconds to call again: 0 for the next frame, Infinity for never. */
  show(groups: Groups, context: RowListContext): number;
}

/** @param onView rows have come into view or gone out of it, and scrolling is over */
export function createRowList(
  elements: Pick<TrayElements, 'root' | 'groups' | 'button'>,
  commands: RowCommands,
  onView: () => void,
): RowList {
  const rows = new Map<string, DrawnRow>();
  /** Grows with each change of what all rows depend on. */
  let generation = 0;
  /** What all rows depend on, as it was at the last drawing. */
  let sharedBefore: readonly unknown[] = [];
  /** How many rows may still be drawn in this frame: in view, and out of view. */
  let rowsLeft: [inView: number, outOfView: number];
  /** Ids of the tasks that were retried. */
  let retried: ReadonlySet<string>;
  const observer = createBlockObserver(onView);
  const groupBlocks = GROUPS.map(
    (name) => [name, createRowBlocks(elements.groups[name].list, (block) => observer.observe(block))] as const,
  );

  /** How soon the row `drawn` is to be drawn again, as the row of `task`. */
  function drawAfter(drawn: DrawnRow, task: Snapshot): DrawAfter {
    if (drawn.task.status !== task.status) return NEW_STATUS;
    if (drawn.generation !== generation) return NEW_SHARED;
    return drawn.task === task ? drawn.tick : NEW_TASK;
  }

  /** Draws the row of `task` if its time has come. Returns in how many milliseconds to look at it again. */
  function update(task: Snapshot, context: RowListContext): number {
    const drawn = rows.get(task.id);
    if (!drawn) {
      if (rowsLeft[IN_VIEW]-- <= 0) return 0;
      const row = createRow(commands, 'task', (id) => commands.run('dismiss', id));
      return draw(row, task, context);
    }
    const after = drawAfter(drawn, task);
    // A row with a new status moves to another list, perhaps into view. So it counts as in view.
    const isFar =
      after !== NEW_STATUS && (document.hidden || drawn.row.element.parentElement?.hasAttribute('data-far'));
    const side = isFar ? OUT_OF_VIEW : IN_VIEW;
    const wait = drawIn(after, side, context.ourNow - drawn.drawnAt);
    if (wait > 0 || rowsLeft[side]-- <= 0) return wait;
    return draw(drawn.row, task, context);
  }

  /** Draws `row` as the row of `task`. Returns in how many milliseconds to look at it again. */
  function draw(row: Row, task: Snapshot, context: RowListContext): number {
    const { memories, announcer, wording, ourNow } = context;
    const view = describeTask(memories.get(task.id) as TaskMemory, { ...context, isRetried: retried.has(task.id) });
    if (view.isSlow) announcer.announceSlow(task);
    const tick = !view.isTicking ? NOTHING_NEW : isFinished(task) ? MINUTES : SECONDS;
    rows.set(task.id, { row, task, drawnAt: ourNow, generation, tick });
    row.update(view, wording, ourNow);
    return tick[IN_VIEW];
  }

  function rowOf(id: string): HTMLElement | undefined {
    return rows.get(id)?.row.element;
  }

  return {
    rowOf,
    show(groups, context) {
      retried = retriedIds(context.tasks);
      const shared = [context.wording, context.isStale, retried.size, commands.changes];
      if (!isSameList(shared, sharedBefore)) generation++;
      sharedBefore = shared;
      rowsLeft = [...ROWS_A_FRAME];
      let next = NEVER;
      keepFocus(elements.root, elements.button, () => {
        let hasMoved = false;
        for (const [name, blocks] of groupBlocks) {
          const drawnRows: HTMLElement[] = [];
          for (const task of groups[name]) {
            next = Math.min(next, update(task, context));
            const element = rowOf(task.id);
            if (element) drawnRows.push(element);
          }
          if (blocks.show(drawnRows)) hasMoved = true;
          setHidden(elements.groups[name].section, groups[name].length === 0);
        }
        if (hasMoved) for (const [id, { row }] of rows) if (!row.element.isConnected) rows.delete(id);
      });
      return next;
    },
  };
}

/**
 * Watches blocks of rows: marks those that are out of view with `data-far`, and pauses the animations in them.
 * @param onView blocks have come into view or gone out of it, and scrolling is over
 */
function createBlockObserver(onView: () => void): IntersectionObserver {
  let resting: ReturnType<typeof setTimeout> | undefined;
  // The event `contentvisibilityautostatechange` would not do: it counts blocks as visible that are some screens away.
  return new IntersectionObserver((blocks) => {
    for (const { target, isIntersecting } of blocks) {
      setAttribute(target, 'data-far', isIntersecting ? null : '');
      if (!isIntersecting) for (const animation of target.getAnimations({ subtree: true })) animation.pause();
    }
    clearTimeout(resting);
    resting = setTimeout(onView, SCROLL_REST);
  });
}
