/**
 * `inloop/headless`: the parts of `<inloop-tray>` without its drawing, for other UIs. They tell of outcomes once per browser,
 * turn tasks into the texts of a row, a toast or a title (pure), and merge snapshots that you keep yourself (pure).
 */

export { findTask, isGone, markSeen, mergeSnapshots, NO_TASKS, type TaskList } from '../feed/state/merge.ts';
export type { ClaimOptions } from '../tabs/claim.ts';
export { announce } from './announce.ts';
export { describeConnection, isOutOfDate } from './banner.ts';
export { countOutcomes, type Groups, groupTasks, hideChildren, hideYoung, retriedIds } from './groups.ts';
export { remember, type TaskMemory } from './memory.ts';
export { type NotifierOptions, notifyOutcomes } from './outcomes/notify.ts';
export { type News, type PresenterOptions, presentOutcomes } from './outcomes/present.ts';
export {
  type AddOptions,
  addSummary,
  addToasts,
  keepToasts,
  NO_TOASTS,
  passTime,
  showToasts,
  type Toast,
  type ToastQueue,
} from './outcomes/toasts.ts';
export { markPage, type PageMark } from './page-mark.ts';
export { type ShownProgress, shownProgress } from './shown-progress.ts';
export { describeTask, isPartialSuccess, type RowContext, type RowView, type Tone } from './words/describe.ts';
export { factsOf, linksOf, type ResultLink } from './words/result.ts';
export { observePace, type Pace, timeLeft } from './words/time-left.ts';
export { ENGLISH, explain, formatNumber, plural, type Wording } from './words/wording.ts';
