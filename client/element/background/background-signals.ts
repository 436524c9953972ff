/**
 * For a page in the background: progress and outcome in the page's title and icon, and "Notify me when done". Loaded when an
 * attribute, an open panel or a stored wish for notifications needs it, so that other pages need not download it.
 */

import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import { isFinished } from '../../../core/tasks/snapshot.ts';
import type { TaskFeed } from '../../feed/task-feed.ts';
import type { TaskMemory } from '../../headless/memory.ts';
import { markPage } from '../../headless/page-mark.ts';
import type { Wording } from '../../headless/words/wording.ts';
import { REDRAW_INTERVAL } from '../limits.ts';
import { createNotifyButton } from './notify-button.ts';
import { createPageMarker } from './page-marker.ts';

export interface BackgroundSignals {
  /**
   * Shows `tasks`, which are those of `feed`, and notifies of what `feed` brings.
   * @param now server time in milliseconds
   * @param memories of `tasks`, by task id
   * @returns in how many milliseconds to show them again: Infinity for never
   */
  show(
    feed: TaskFeed | undefined,
    tasks: readonly Snapshot[],
    wording: Wording,
    now: number,
    memories: ReadonlyMap<string, TaskMemory>,
  ): number;
  /** Takes back what was shown to another user. */
  reset(): void;
  /** Stops following the feed, and removes the marks from title and icon. */
  stop(): void;
}

/**
 * @param host the tray, whose attributes say what is wanted
 * @param panel gets the button
 * @param onShow the user has clicked a notification
 */
export function createBackgroundSignals(host: HTMLElement, panel: HTMLElement, onShow: () => void): BackgroundSignals {
  const marker = createPageMarker();
  const notify = createNotifyButton(panel, onShow);
  return {
    show(feed, tasks, wording, now, memories) {
      notify.follow(feed);
      const inTitle = host.hasAttribute('title-progress');
      const inIcon = host.hasAttribute('favicon-progress');
      const mark = inTitle || inIcon ? markPage(tasks, wording, now, memories) : null;
      marker.showTitle(inTitle ? mark : null);
      marker.showIcon(inIcon ? mark : null);
      notify.show(
        wording,
        tasks.some((task) => !isFinished(task)),
      );
      return mark?.fraction ? REDRAW_INTERVAL : Infinity;
    },
    reset: notify.reset,
    stop() {
      notify.follow(undefined);
      marker.showTitle(null);
      marker.showIcon(null);
    },
  };
}
