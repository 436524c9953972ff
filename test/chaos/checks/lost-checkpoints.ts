// Finds attempts of the chaos run that went on from an older checkpoint than the newest one that Redis had confirmed.
import type { Note } from '../world/notes.ts';

/**
 * One line for each such attempt.
 *
 * A later attempt's checkpoints are newer than all of an earlier one. Example: attempt A is slow, and has stored row 5.
 * Attempt B takes over and stores row 7. If A could now store row 9, attempt C would go on from A's row 9, which is wrong.
 */
export function findLostCheckpoints(notes: readonly Note[]): string[] {
  const wrong: string[] = [];
  /** The attempts that have begun: their numbers, in the order of their beginning. */
  const attempts = new Map<string, number>();
  /** The newest confirmed checkpoint of each task. */
  const confirmed = new Map<string, Place>();
  const placeOf = ({ by, row }: { readonly by: string; readonly row: number }): Place => [attempts.get(by) ?? 0, row];
  for (const note of notes) {
    if (note.what === 'began') {
      const from: Place = note.from ? placeOf(note.from) : [0, 0];
      const newest = confirmed.get(note.task) ?? [0, 0];
      if (isNewer(newest, from)) wrong.push(`${note.task}: an attempt began at ${from}, and ${newest} was confirmed`);
      attempts.set(note.by, attempts.size + 1);
    } else if (note.what === 'stored') {
      const place = placeOf(note.checkpoint);
      if (isNewer(place, confirmed.get(note.task) ?? [0, 0])) confirmed.set(note.task, place);
    }
  }
  return wrong;
}

/** How many attempts went on from a checkpoint. */
export function countResumed(notes: readonly Note[]): number {
  return notes.filter((note) => note.what === 'began' && note.from !== null).length;
}

/** The number of the attempt that gave a checkpoint, and its row. */
type Place = readonly [attempt: number, row: number];

function isNewer(a: Place, b: Place): boolean {
  return a[0] === b[0] ? a[1] > b[1] : a[0] > b[0];
}
