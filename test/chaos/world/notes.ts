// The notes of the workers of the chaos run. They are in a file, so that what handlers and hooks have done stays known when a
// process is killed and while Redis is away. The lines stand in the order in which all workers have written them.
import { appendFileSync, readFileSync } from 'node:fs';
import type { RowsCheckpoint } from '../../integration/work/processes/run-fault-worker.ts';

/** The hooks that the workers run. */
export const HOOKS = ['outcome', 'unseen'] as const;

export type Note =
  /** Attempt `by` (its random id) of a task `rows` has begun. `from`: the checkpoint it goes on from; null: from the start. */
  | { readonly what: 'began'; readonly task: string; readonly by: string; readonly from: RowsCheckpoint | null }
  /** Redis has confirmed that a checkpoint is stored. */
  | { readonly what: 'stored'; readonly task: string; readonly checkpoint: RowsCheckpoint }
  /** Redis has confirmed that a task with a concurrency key has begun. */
  | { readonly what: 'entered'; readonly task: string; readonly key: string }
  /** Redis is about to be asked to store the end of such a task, or of its attempt. */
  | { readonly what: 'leaves'; readonly task: string }
  /** `called`: a hook was called. `returned`: it has returned. `finished`: Redis has confirmed that it need not run again. */
  | (HookNote & { readonly what: 'called' | 'returned' | 'finished' });

interface HookNote {
  readonly hook: (typeof HOOKS)[number];
  readonly task: string;
  /** The process that ran the hook. */
  readonly pid: number;
  /** In ms since 1970. */
  readonly at: number;
}

/** Adds a note at the end of `file`. */
export function writeNote(file: string, note: Note): void {
  appendFileSync(file, `${JSON.stringify(note)}\n`);
}

/** The notes of all workers, the oldest first. None if there is no file yet. */
export function readNotes(file: string): Note[] {
  const lines = readFileSync(file, { encoding: 'utf8', flag: 'a+' }).split('\n');
  return lines.filter(Boolean).map((line) => JSON.parse(line) as Note);
}
