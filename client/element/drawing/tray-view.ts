/** What the tray shows at one moment, before it is put on the page. Pure, so that it is tested without a browser. */

import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import type { FeedSnapshot } from '../../feed/task-feed.ts';
import { describeConnection, isOutOfDate } from '../../headless/banner.ts';
import { type Groups, groupTasks, hideChildren, hideYoung } from '../../headless/groups.ts';
import type { Wording } from '../../headless/words/wording.ts';
import { BANNER_TICK, YOUNG_CHECK } from '../limits.ts';
import { NEVER } from '../rows/row-schedule.ts';

/** The state of the panel that the view depends on. */
export interface PanelState {
  readonly isOpen: boolean;
  /** Ids of outcomes that stay in "New" although they were seen. */
  readonly held: ReadonlySet<string>;
  /** How many outcomes get a row at most. */
  readonly limit: number;
}

export interface TrayInput {
  readonly snapshot: Pick<FeedSnapshot, 'tasks' | 'connection' | 'hasMore'>;
  readonly panel: PanelState;
  readonly wording: Wording;
  /** Server time in milliseconds. */
  readonly now: number;
  /** The time by the page's own clock (`Timing.now`), in milliseconds. */
  readonly ourNow: number;
  /** The view before. Its groups of outcomes are reused while no outcome has changed, so that long lists cost little. */
  readonly before?: TrayView | undefined;
}

export interface TrayView {
  /** Without the children of tasks in the list, and without active tasks that are less than a second old. */
  readonly tasks: readonly Snapshot[];
  /** The latest `now` of this view and those before it; server time in milliseconds. */
  readonly now: number;
  readonly groups: Groups;
  /** The part of `groups` that has rows: of the outcomes, `limit` at most. */
  readonly rows: Groups;
  /** Whether there are more outcomes than rows, here or on the server. */
  readonly hasMore: boolean;
  /** '' for none. */
  readonly banner: string;
  /** Whether the tasks may be out of date: neither push nor polling brings news. */
  readonly isStale: boolean;
  /** In how many milliseconds this view changes merely as time passes; Infinity for never. Says nothing about rows. */
  readonly changesIn: number;
}

/** What the tray shows now. */
export function describeTray({ snapshot, panel, wording, now, ourNow, before }: TrayInput): TrayView {
  const { connection, hasMore } = snapshot;
  const { limit } = panel;
  const listed = hideChildren(snapshot.tasks);
  // If the server's clock is corrected back, a row that was shown must not vanish: its task seems younger than a second again.
  const latest = Math.max(now, before?.now ?? 0);
  const tasks = hideYoung(listed, latest);
  const groups = groupTasks(tasks, panel.held, before?.groups);
  const unseen = groups.unseen.slice(0, limit);
  const recent = groups.recent.slice(0, limit - unseen.length);
  const hasRowsLeft = unseen.length + recent.length < groups.finished.length;
  return {
    tasks,
    now: latest,
    groups,
    rows: { ...groups, unseen, recent },
    hasMore: hasRowsLeft || hasMore,
    banner: describeConnection(connection, ourNow, wording),
    isStale: isOutOfDate(connection),
    changesIn: Math.min(
      tasks === listed ? NEVER : YOUNG_CHECK,
      panel.isOpen && connection.status !== 'live' ? BANNER_TICK : NEVER,
    ),
  };
}
