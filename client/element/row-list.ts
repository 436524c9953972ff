/**
 * The rows of the panel. Thousands of tasks, and hundreds of them changing all the time, must not keep the page from
 * its frames: only rows that changed and are in view are brought up to date at once, the others in turns; and of many
 * new rows only so many are made in one frame.
 */

import type { Snapshot } from '../../core/snapshot.ts';
import { describeTask, type RowContext } from '../view/describe.ts';
import { type Groups, retriedIds } from '../view/groups.ts';
import { remember, type TaskMemory } from '../view/memory.ts';
import type { Commands } from './commands.ts';
import { keepFocus, setChildren, setHidden } from './dom.ts';
import { Row } from './row.ts';
import type { Shell } from './shell.ts';

const GROUPS = ['active', 'unseen', 'recent'] as const;
/** A row in view says another time at most this much later, in milliseconds. */
const TICK = 1_000;
/** Rows out of view are for those who search or listen, not for the eye: so late at most, and so many a frame. */
const OUT_OF_VIEW = 2_000;
const LATE_ROWS = 10;
/** New rows a frame. */
const NEW_ROWS = 30;

export interface RowListContext extends Omit<RowContext, 'isRetried'> {
  readonly tasks: readonly Snapshot[];
  readonly memories: ReadonlyMap<string, TaskMemory>;
  /** Our clock in milliseconds. */
  readonly ourNow: number;
  readonly onSlow: (task: Snapshot) => void;
}

export class RowList {
  readonly #shell: Shell;
  readonly #commands: Commands;
  readonly #onChange: () => void;
  readonly #rows = new Map<string, Row>();
  /** Grows with whatever all rows depend on. */
  #edition = 0;
  #before: readonly unknown[] = [];

  constructor(shell: Shell, commands: Commands, onChange: () => void) {
    this.#shell = shell;
    this.#commands = commands;
    this.#onChange = onChange;
  }

  /** Shows `groups`. Returns when to call again, in milliseconds: 0 for the next frame, Infinity for never. */
  show(groups: Groups, context: RowListContext): number {
    const { memories, ourNow, tasks, isStale, wording, onSlow } = context;
    const retried = retriedIds(tasks);
    const now = [wording, isStale, retried.size, this.#commands.edition];
    if (now.some((part, index) => part !== this.#before[index])) this.#edition++;
    this.#before = now;
    let again = Number.POSITIVE_INFINITY;
    let late = LATE_ROWS;
    let fresh = NEW_ROWS;

    const draw = (task: Snapshot): Element[] => {
      let row = this.#rows.get(task.id);
      if (row) {
        const isSame = row.task === task && row.edition === this.#edition;
        // Nothing ticks where nobody looks.
        if (isSame && !(row.isInView && row.isTicking)) return [row.element];
        again = Math.min(again, TICK);
        const isDue = row.isInView
          ? !isSame || ourNow - row.updatedAt >= TICK
          : ourNow - row.updatedAt >= OUT_OF_VIEW && late-- > 0;
        if (!isDue) return [row.element];
      } else {
        if (fresh-- <= 0) {
          again = 0;
          return [];
        }
        row = this.#make(task.id);
      }
      const memory = memories.get(task.id) ?? remember(undefined, task);
      const view = describeTask(memory, { ...context, isRetried: retried.has(task.id) });
      if (view.isSlow) onSlow(task);
      if (view.isTicking) again = Math.min(again, TICK);
      row.task = task;
      row.edition = this.#edition;
      row.isTicking = view.isTicking;
      row.update(view, wording, ourNow);
      return [row.element];
    };

    const { root, lists, sections, button } = this.#shell;
    keepFocus(root, button, () => {
      for (const name of GROUPS) {
        setChildren(lists[name], groups[name].flatMap(draw));
        setHidden(sections[name], groups[name].length === 0);
      }
      for (const [id, { element }] of this.#rows) if (!element.isConnected) this.#rows.delete(id);
    });
    return again;
  }

  #make(id: string): Row {
    const row = new Row(this.#commands, 'task');
    this.#rows.set(id, row);
    // Told by `content-visibility`: an observer of our own for thousands of rows would cost as much again.
    row.element.addEventListener('contentvisibilityautostatechange', (event) => {
      row.isInView = !(event as ContentVisibilityAutoStateChangeEvent).skipped;
      if (row.isInView) this.#onChange();
    });
    return row;
  }
}
