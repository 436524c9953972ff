// Compares the calls of the hooks in the chaos run with the outcomes.
import { isFinished, type Snapshot } from '../../../core/tasks/snapshot.ts';
import { HOOKS, type Note } from '../world/notes.ts';

/** The death of a worker process, at this time in ms since 1970. */
export interface Death {
  readonly pid: number;
  readonly at: number;
}

/** One line for each hook that has not run for an outcome. `onUnseen` need not run for one that was seen. */
export function findLostHooks(tasks: readonly Snapshot[], notes: readonly Note[]): string[] {
  const ran = new Set(notes.flatMap((note) => (note.what === 'returned' ? `${note.hook} ${note.task}` : [])));
  return tasks.filter(isFinished).flatMap((task) =>
    HOOKS.filter((hook) => hook === 'outcome' || task.seenAt === null)
      .map((hook) => `${hook} ${task.id}`)
      .filter((wanted) => !ran.has(wanted)),
  );
}

/**
 * The repeated calls: those of a hook after its first one for an outcome. `count`: how many there were. `uncaused`: one line for
 * each that has no cause. A repeated call has a cause if the process of the call before died before it had stored that the hook
 * has run. A worker runs each of the two hooks for at most ten outcomes at once, so a death causes at most 20 repeated calls.
 */
export function findRepeatedHooks(
  notes: readonly Note[],
  processes: { readonly deaths: readonly Death[]; readonly alive: readonly number[] },
): { readonly count: number; readonly uncaused: readonly string[] } {
  const diedAt = new Map(processes.deaths.map(({ pid, at }) => [pid, at]));
  /** The last call of each hook for each outcome, and whether it is stored that the hook has run. */
  const last = new Map<string, { readonly pid: number; isFinished: boolean }>();
  const uncaused: string[] = [];
  let count = 0;
  for (const note of notes) {
    if (note.what !== 'called' && note.what !== 'finished') continue;
    const about = `${note.hook} ${note.task}`;
    const before = last.get(about);
    if (note.what === 'finished') {
      if (before?.pid === note.pid) before.isFinished = true;
      continue;
    }
    last.set(about, { pid: note.pid, isFinished: false });
    if (!before) continue;
    count += 1;
    // A process that is neither alive nor known to have died did so before it was ready.
    const wasDead = !processes.alive.includes(before.pid) && (diedAt.get(before.pid) ?? 0) <= note.at;
    if (before.isFinished || !wasDead) uncaused.push(`${about}, by ${note.pid} after ${before.pid}`);
  }
  return { count, uncaused };
}
