/** All commands, for the check at start that the user of Redis may run them (docs/redis.md lists the rights). */

import { CHECK_STALLED_JOBS, END_JOB } from '../../queue/bee-queue/scripts.ts';
import { RAISE_DELAYED_JOBS } from '../../queue/delayed/raise-script.ts';
import { FILL_LIST, GIVE_BACK, TAKE_JOBS } from '../../queue/line-scripts.ts';
import { CORRECT_COUNTS } from './family/correct-counts.ts';
import { FIND_CHILDREN } from './family/find-children.ts';
import { RELEASE_PARENT } from './family/release-parent.ts';
import { TAKE_CHILDREN } from './family/take-children.ts';
import { FINISH_HOOK } from './hook/finish-hook.ts';
import { POSTPONE_HOOK } from './hook/postpone-hook.ts';
import { TAKE_DUE_HOOKS } from './hook/take-due-hooks.ts';
import { INDEX_TASKS } from './operator/index-tasks.ts';
import { SETTLE_PUSHES } from './operator/settle-pushes.ts';
import { CLEAR_FINISHED } from './owner/clear-finished.ts';
import { DISMISS_TASKS } from './owner/dismiss-tasks.ts';
import { FIND_PLACES } from './owner/find-places.ts';
import { FORGET_DROPPED } from './owner/forget-dropped.ts';
import { FORGET_TASKS } from './owner/forget-tasks.ts';
import { LEAVE_LINE } from './owner/leave-line.ts';
import { LIST_TASKS } from './owner/list-tasks.ts';
import { MARK_SEEN } from './owner/mark-seen.ts';
import { NOTE_WATCHED } from './owner/note-watched.ts';
import { NOTE_WEBHOOK } from './owner/note-webhook.ts';
import { COUNT_WAITING } from './process/count-waiting.ts';
import { FIND_OVERDUE } from './process/find-overdue.ts';
import { FIND_WAITING } from './process/find-waiting.ts';
import { PROBE_WRITE } from './process/probe-write.ts';
import { REPAIR_GATES } from './process/repair-gates.ts';
import { TAKE_LEASE } from './process/take-lease.ts';
import { COMMIT_CHANGE } from './task/commit-change.ts';
import { CREATE_TASK } from './task/create-task.ts';
import { DISCARD_TASK } from './task/discard-task.ts';
import { MARK_WAITED } from './task/mark-waited.ts';
import { READ_TASK } from './task/read-task.ts';

/** Every command of the store. A test compares this list with the files. */
export const ALL_COMMANDS = [
  CREATE_TASK,
  DISCARD_TASK,
  COMMIT_CHANGE,
  READ_TASK,
  MARK_WAITED,
  FIND_CHILDREN,
  CORRECT_COUNTS,
  RELEASE_PARENT,
  TAKE_CHILDREN,
  LIST_TASKS,
  FIND_PLACES,
  MARK_SEEN,
  DISMISS_TASKS,
  CLEAR_FINISHED,
  FORGET_TASKS,
  FORGET_DROPPED,
  LEAVE_LINE,
  NOTE_WATCHED,
  NOTE_WEBHOOK,
  TAKE_DUE_HOOKS,
  POSTPONE_HOOK,
  FINISH_HOOK,
  TAKE_LEASE,
  FIND_OVERDUE,
  FIND_WAITING,
  COUNT_WAITING,
  REPAIR_GATES,
  PROBE_WRITE,
  SETTLE_PUSHES,
  INDEX_TASKS,
] as const;

/** Every script that a user of Redis must be allowed to run: ours, and those that bee-queue runs. */
export const ALL_SCRIPTS: readonly string[] = [
  ...ALL_COMMANDS.map(({ script }) => script),
  FILL_LIST,
  TAKE_JOBS,
  GIVE_BACK,
  RAISE_DELAYED_JOBS,
  CHECK_STALLED_JOBS,
  END_JOB,
];
