// Finds tasks with the same concurrency key of which one began before the other had ended.
import type { Note } from '../world/notes.ts';

/**
 * One line for each task that began while another one with its key was at work.
 *
 * The order of the notes decides, not the times in the snapshots: each worker estimates Redis' clock by itself, so these may
 * differ by half a round trip. `entered` is noted after Redis has stored the start, and `leaves` before Redis is asked to
 * store the end. So where keys hold, a task's last `leaves` stands before the `entered` of the next task.
 *
 * A task at work may enter again, after its worker was killed: it keeps its key until it ends. A task whose end was stored by
 * a process that notes nothing (the server) is left out.
 */
export function findSideBySide(notes: readonly Note[]): string[] {
  const stays = findStays(notes);
  return stays.flatMap((stay) =>
    stays
      .filter(({ key, from, task }) => key === stay.key && task !== stay.task && from > stay.from && from < stay.to)
      .map(({ task, key }) => `${key}: ${task} began before ${stay.task} had ended`),
  );
}

/** A task that was at work, from one note to another one, by their positions. */
interface Stay {
  readonly task: string;
  readonly key: string;
  readonly from: number;
  to: number;
}

function findStays(notes: readonly Note[]): Stay[] {
  const stays = new Map<string, Stay>();
  for (const [at, note] of notes.entries()) {
    if (note.what === 'entered') {
      const { task, key } = note;
      const from = stays.get(task)?.from ?? at;
      stays.set(task, { task, key, from, to: Number.NEGATIVE_INFINITY });
    } else if (note.what === 'leaves') {
      const stay = stays.get(note.task);
      // The first one after it has entered for the last time. A second one is the same end, sent again.
      if (stay && stay.to < stay.from) stay.to = at;
    }
  }
  return [...stays.values()];
}
