/**
 * Merges snapshots from push, polls, lists and answers into one list. Pure, for the feed and for anyone who keeps
 * snapshots. It does not matter in which order snapshots come, or how often. The place in line is the exception: of two
 * snapshots that differ only in it, the later one to come counts.
 *
 * - Of two snapshots of a task, an outcome wins over an active status. Otherwise the higher revision wins.
 * - An outcome whose result was too big for a message gets the result from any copy that has it.
 * - A "seen" that comes before its outcome is remembered until the outcome comes.
 * - A task whose record is gone (`markGone`) is shown as failed until the server shows it again.
 * - A task that its owner has dismissed does not come back.
 * - A list belongs to one user. Snapshots of another user are not merged into it.
 */

import { isFinished, type QueuedSnapshot, type Snapshot } from '../../../core/tasks/snapshot.ts';
import { isPartial } from '../../../core/wire.ts';
import { MAX_EARLY_SEEN } from '../limits.ts';

/** Everything the feed knows about tasks. Immutable; unchanged parts keep their identity. */
export interface TaskList {
  /** Whose tasks these are: the channel on which they are pushed; null while it is not known. */
  readonly channel: string | null;
  /** Newest first. */
  readonly tasks: readonly Snapshot[];
  /** The index of each task in `tasks`, by its id. */
  readonly positions: ReadonlyMap<string, number>;
  /** When outcomes were seen, by task id, for snapshots that do not have `seenAt` yet. */
  readonly seen: ReadonlyMap<string, string>;
  /** Ids of tasks that were dismissed. A snapshot of one may still arrive, and is ignored. */
  readonly dismissed: readonly string[];
}

/** Nothing known yet. */
export const NO_TASKS: TaskList = {
  channel: null,
  tasks: [],
  positions: new Map(),
  seen: new Map(),
  dismissed: [],
};

/** The error code of a task whose record the server no longer has. Local: it never travels, and no handler's code has a slash. */
const GONE = 'inloop/gone';

/** The task `id` as `list` knows it. */
export function findTask({ tasks, positions }: TaskList, id: string): Snapshot | undefined {
  return tasks[positions.get(id) ?? -1];
}

/** The list of the user of `channel`: `list` where it is theirs or nobody's, an empty list where it is another user's. */
export function listOfUser(list: TaskList, channel: string | null): TaskList {
  if (list.channel === channel) return list;
  return list.channel === null ? { ...list, channel } : { ...NO_TASKS, channel };
}

/**
 * `list` with `snapshots` merged in; `list` itself where nothing is new, and where they are another user's.
 * @param channel the user's channel, from the header `Inloop-Channel` of the answer or from the event
 */
export function mergeSnapshots(
  list: TaskList,
  snapshots: Iterable<Snapshot>,
  channel: string | null = list.channel,
): TaskList {
  if (channel !== list.channel) return list;
  const changed = new Map<string, Snapshot>();
  for (const snapshot of snapshots) {
    if (list.dismissed.includes(snapshot.id)) continue;
    const known = changed.get(snapshot.id) ?? findTask(list, snapshot.id);
    const next = withSeen(known ? pick(known, snapshot) : snapshot, list.seen);
    if (next !== known) changed.set(next.id, next);
  }
  return replace(list, changed);
}

/** `list` with the outcomes of `ids` marked as seen at `seenAt`. */
export function markSeen(list: TaskList, ids: readonly string[], seenAt: string): TaskList {
  const fresh = ids.filter((id) => !list.seen.has(id) && !findTask(list, id)?.seenAt);
  if (!fresh.length) return list;
  const seen = new Map([...list.seen, ...fresh.map((id) => [id, seenAt] as const)].slice(-MAX_EARLY_SEEN));
  const changed = new Map<string, Snapshot>();
  for (const id of fresh) {
    const known = findTask(list, id);
    if (known) changed.set(id, withSeen(known, seen));
  }
  return replace(list, changed, seen);
}

/**
 * `list` with at most `most` outcomes: unseen ones first, then the latest. All active tasks stay. `list` itself where there
 * is nothing to drop. A page that is open for a week must not keep everything that ended in it.
 */
export function trimTasks(list: TaskList, most: number): TaskList {
  const finished = list.tasks.filter(isFinished);
  if (finished.length <= most) return list;
  const unseenFirst = finished.sort((a, b) => Number(!!a.seenAt) - Number(!!b.seenAt));
  const kept = new Set(unseenFirst.slice(0, most));
  return withTasks(
    list,
    list.tasks.filter((task) => !isFinished(task) || kept.has(task)),
  );
}

/** `list` without the tasks `ids`, for good. */
export function dropTasks(list: TaskList, ids: readonly string[]): TaskList {
  return withTasks(
    { ...list, dismissed: [...list.dismissed, ...ids] },
    list.tasks.filter(({ id }) => !ids.includes(id)),
  );
}

/**
 * `list` after the server has answered that it has no record of task `id`. A task that had ended is dropped, since it was
 * dismissed or is no longer kept. An active one is shown as failed.
 */
export function markGone(list: TaskList, id: string, at: string): TaskList {
  const known = findTask(list, id);
  if (!known) return list;
  if (isFinished(known)) return dropTasks(list, [id]);
  const gone: Snapshot = {
    ...known,
    status: 'failed',
    finishedAt: at,
    expectedAt: null,
    error: { code: GONE, message: 'The server has no record of this task any more.', retryable: false },
  };
  return replace(list, new Map([[id, gone]]));
}

/** Whether `snapshot` is shown as failed only because the server has no record of it any more. */
export function isGone(snapshot: Snapshot): boolean {
  return snapshot.error?.code === GONE;
}

/** Which of two snapshots of one task to keep. If they differ only in the place in line, that is `b`, which came later. */
function pick(a: Snapshot, b: Snapshot): Snapshot {
  const [winner, other] = beats(b, a) ? [b, a] : [a, b];
  if (isPartial(winner) && other.status === 'succeeded' && !other.resultOmitted) {
    return { ...winner, result: other.result, resultOmitted: false } as Snapshot;
  }
  return winner;
}

function beats(a: Snapshot, b: Snapshot): boolean {
  // A task that counts as gone comes back when the server shows it again, at the revision it had or a later one.
  if (isGone(a) !== isGone(b)) return isGone(b) && a.revision >= b.revision;
  if (isFinished(a) !== isFinished(b)) return isFinished(a);
  if (a.revision !== b.revision) return a.revision > b.revision;
  // The place in line changes while the revision stays.
  if (a.status === 'queued' && a.queue) return a.queue.ahead !== (b as QueuedSnapshot).queue?.ahead;
  return isPartial(b) && !isPartial(a);
}

function withSeen(snapshot: Snapshot, seen: ReadonlyMap<string, string>): Snapshot {
  const seenAt = seen.get(snapshot.id);
  return seenAt && isFinished(snapshot) && !snapshot.seenAt ? { ...snapshot, seenAt } : snapshot;
}

function replace(list: TaskList, changed: ReadonlyMap<string, Snapshot>, seen = list.seen): TaskList {
  if (!changed.size) return seen === list.seen ? list : { ...list, seen };
  const tasks = [...list.tasks];
  for (const [id, task] of changed) tasks[list.positions.get(id) ?? tasks.length] = task;
  if (tasks.length === list.tasks.length) return { ...list, tasks, seen };
  tasks.sort((a, b) => (a.createdAt + a.id > b.createdAt + b.id ? -1 : 1));
  return withTasks({ ...list, seen }, tasks);
}

function withTasks(list: TaskList, tasks: readonly Snapshot[]): TaskList {
  return { ...list, tasks, positions: new Map(tasks.map(({ id }, at) => [id, at])) };
}
