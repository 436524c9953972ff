/**
 * Draws the tray as it is now. This is the only place where drawing starts: `frame-loop.ts` decides when to draw, this file
 * decides what is drawn in which order, and `rows/row-schedule.ts` decides which rows are drawn.
 */

import { isFinished, type OutcomeSnapshot, type Snapshot } from '../../../core/tasks/snapshot.ts';
import { systemTiming } from '../../environment.ts';
import { NOTHING_YET } from '../../feed/state/state.ts';
import { forgetUnlisted } from '../../headless/forget.ts';
import type { Wording } from '../../headless/words/wording.ts';
import type { BackgroundLoader } from '../background/background-loader.ts';
import { setHidden, setText } from '../dom/dom.ts';
import type { TrayElements } from '../dom/tray-elements.ts';
import type { FeedBinding } from '../feed-binding.ts';
import type { LiveAnnouncer } from '../live-announcer.ts';
import type { Panel } from '../panel.ts';
import type { RowList } from '../rows/row-list.ts';
import { NEVER } from '../rows/row-schedule.ts';
import type { SeenObserver } from '../rows/seen-observer.ts';
import type { ToastLoader } from '../toasts/toast-loader.ts';
import { createTaskMemories } from './task-memories.ts';
import { describeTray, type TrayView } from './tray-view.ts';

/** The parts that a drawing reads or changes. */
export interface RendererParts {
  readonly elements: TrayElements;
  readonly binding: FeedBinding;
  readonly panel: Panel;
  readonly rows: RowList;
  readonly seen: SeenObserver;
  readonly announcer: LiveAnnouncer;
  readonly getWords: () => Wording;
  readonly toasts: Pick<ToastLoader, 'stack'>;
  readonly background: Pick<BackgroundLoader, 'load'>;
}

export interface Renderer {
  /** Draws. Returns in how many milliseconds to draw again: 0 for the next frame, Infinity for never. */
  draw(): number;
  /** Forgets the feed or user before. What is on the page stays until the next `draw`. */
  reset(): void;
}

/** Draws nothing by itself: `frame-loop.ts` calls `draw`. */
export function createRenderer(parts: RendererParts): Renderer {
  const { elements, panel, rows } = parts;
  const taskMemories = createTaskMemories();
  let view: TrayView | undefined;

  return {
    draw() {
      const { feed } = parts.binding;
      const wording = parts.getWords();
      const snapshot = feed?.getSnapshot() ?? NOTHING_YET;
      const { tasks } = snapshot;
      const ourNow = systemTiming.now();
      const now = feed?.now?.() ?? ourNow;
      const memories = taskMemories.update(tasks, now);
      forgetUnlisted(panel.held, tasks);
      const next = describeTray({ snapshot, panel, wording, now, ourNow, before: view });
      view = next;

      elements.showCounts(wording, next.groups.active.length, next.groups.unseen);
      setHidden(elements.banner, next.banner === '');
      setText(elements.banner, next.banner);
      const backgroundIn = parts.background.load()?.show(feed, next.tasks, wording, now, memories) ?? NEVER;
      const context = { wording, now, isStale: next.isStale, base: document.baseURI };
      parts.toasts.stack()?.update({ ...context, find: (id) => toUnseen(feed?.get(id)) });
      const changesIn = Math.min(next.changesIn, backgroundIn);
      if (!panel.isOpen) return changesIn;
      const rowsIn = rows.show(next.rows, { ...context, ourNow, tasks, memories, announcer: parts.announcer });
      setHidden(elements.empty, next.tasks.length > 0);
      setHidden(elements.more, !next.hasMore);
      const unseen = new Map<Element, string>();
      for (const { id, seenAt } of next.rows.unseen) {
        panel.held.add(id);
        const row = seenAt ? undefined : rows.rowOf(id);
        if (row) unseen.set(row, id);
      }
      parts.seen.follow(unseen);
      return Math.min(changesIn, rowsIn);
    },
    reset() {
      taskMemories.reset();
      view = undefined;
    },
  };
}

function toUnseen(task: Snapshot | undefined): OutcomeSnapshot | undefined {
  return task && isFinished(task) && !task.seenAt ? task : undefined;
}
