/**
 * The rows of the panel. Thousands of tasks, and hundreds of them changing all the time, must not keep the page from
 * its frames: only rows that changed are touched, those in view no faster than numbers can be read, the others in
 * turns; and only so many in one frame.
 */

import { isFinished, type Snapshot } from '../../../core/snapshot.ts';
import { type Groups, retriedIds } from '../../headless/groups.ts';
import { remember, type TaskMemory } from '../../headless/memory.ts';
import { describeTask, type RowContext } from '../../headless/words/describe.ts';
import type { Commands } from '../commands.ts';
import { isSame, keepFocus, setAttribute, setHidden } from '../dom.ts';
import type { Shell } from '../shell.ts';
import { BlockList } from './blocks.ts';
import { Row } from './row.ts';

const GROUPS = ['active', 'unseen', 'recent'] as const;
/** A row in view says what is new at most this often, in milliseconds. */
const PACE = 200;
/** And another time at most this much later: how long something takes is told in seconds, how long ago it was in minutes. */
const TICK = 1_000;
const SLOW_TICK = 10_000;
/** What is merely scrolled past is left as it was. */
const SETTLE = 100;
/** Rows out of view are for those who search or listen, not for the eye: so late at most, and so many a frame. */
const OUT_OF_VIEW = 2_000;
const LATE_ROWS = 5;
/** Rows that are made or change in view, a frame. */
const ROWS = 20;

const tickOf = (task: Snapshot) => (isFinished(task) ? SLOW_TICK : TICK);

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
  readonly #lists: Readonly<Record<keyof Shell['groups'], BlockList>>;
  readonly #rows = new Map<string, Row>();
  /** Grows with whatever all rows depend on. */
  #edition = 0;
  #before: readonly unknown[] = [];

  constructor(shell: Shell, commands: Commands, onChange: () => void) {
    this.#shell = shell;
    this.#commands = commands;
    let settling = 0;
    // Not by `content-visibility`: it takes for visible what is some screens away.
    const observer = new IntersectionObserver((blocks) => {
      for (const { target, isIntersecting } of blocks) setAttribute(target, 'data-far', isIntersecting ? null : '');
      clearTimeout(settling);
      settling = setTimeout(onChange, SETTLE);
    });
    const { active, unseen, recent } = shell.groups;
    const toBlocks = ({ list }: typeof active) => new BlockList(list, (block) => observer.observe(block));
    this.#lists = { active: toBlocks(active), unseen: toBlocks(unseen), recent: toBlocks(recent) };
  }

  /** The row of a task, where it has one by now. */
  rowOf(id: string): HTMLElement | undefined {
    return this.#rows.get(id)?.element;
  }

  /** Shows `groups`. Returns when to call again, in milliseconds: 0 for the next frame, Infinity for never. */
  show(groups: Groups, context: RowListContext): number {
    const { memories, ourNow, tasks, isStale, wording, onSlow } = context;
    const retried = retriedIds(tasks);
    const now = [wording, isStale, retried.size, this.#commands.edition];
    if (!isSame(now, this.#before)) this.#edition++;
    this.#before = now;
    let again = Number.POSITIVE_INFINITY;
    let late = LATE_ROWS;
    let rows = ROWS;

    const draw = (task: Snapshot): Row | undefined => {
      let row = this.#rows.get(task.id);
      if (row) {
        // It is about to move to another list.
        const hasTurned = row.task?.status !== task.status;
        const isUrgent = hasTurned || row.edition !== this.#edition;
        const isCurrent = row.task === task && !isUrgent;
        if (isCurrent && !row.isTicking) return row;
        const isInView = hasTurned || !row.element.parentElement?.hasAttribute('data-far');
        // Nothing ticks where nobody looks.
        if (isCurrent && !isInView) return row;
        const wait = isInView ? (isUrgent ? 0 : isCurrent ? tickOf(task) : PACE) : OUT_OF_VIEW;
        const left = Math.max(wait - (ourNow - row.updatedAt), 0);
        if (left > 0 || (isInView ? rows-- : late--) <= 0) {
          again = Math.min(again, left);
          return row;
        }
      } else {
        if (rows-- <= 0) {
          again = 0;
          return undefined;
        }
        row = new Row(this.#commands, 'task');
        this.#rows.set(task.id, row);
      }
      const memory = memories.get(task.id) ?? remember(undefined, task);
      const view = describeTask(memory, { ...context, isRetried: retried.has(task.id) });
      if (view.isSlow) onSlow(task);
      if (view.isTicking) again = Math.min(again, tickOf(task));
      row.task = task;
      row.edition = this.#edition;
      row.isTicking = view.isTicking;
      row.update(view, wording, ourNow);
      return row;
    };

    const { root, groups: shown, button } = this.#shell;
    keepFocus(root, button, () => {
      let hasMoved = false;
      for (const name of GROUPS) {
        const elements: HTMLElement[] = [];
        for (const task of groups[name]) {
          const row = draw(task);
          if (row) elements.push(row.element);
        }
        if (this.#lists[name].show(elements)) hasMoved = true;
        setHidden(shown[name].section, groups[name].length === 0);
      }
      if (hasMoved) for (const [id, { element }] of this.#rows) if (!element.isConnected) this.#rows.delete(id);
    });
    return again;
  }
}
