// Says what the functions in a CPU profile are for, by the folder of their file. For the part `profile`.

/**
 * Says what a function is for: the reason of the innermost folder that has one.
 * @param name file and function: `backend/store/store.ts apply`
 */
export function reasonFor(name: string): string {
  const folders = Object.keys(REASONS).filter((folder) => name.startsWith(folder));
  const longest = folders.sort((a, b) => b.length - a.length)[0];
  return longest === undefined ? 'not written down yet: bench/parts/explanations/reasons.ts' : (REASONS[longest] ?? '');
}

/** Each folder, and what its code is for. */
export const REASONS: Readonly<Record<string, string>> = {
  'backend/': 'shared by server and worker: deadlines, log, metrics',
  'backend/push/': 'decides which events leave when, and sends them in requests of up to ten',
  'backend/queue/': 'adds and takes jobs (bee-queue is below it)',
  'backend/recovery/': 'finds what a process that died left undone',
  'backend/store/': 'stores each change as one script that compares the revision; every call has a deadline',
  'core/': 'the rules of tasks: transitions, progress, snapshots, channel names, limits',
  'server/': 'the HTTP answers: 202, snapshots, errors',
  'server/fallback/': 'the Pusher protocol over HTTP, for browsers without WebSockets',
  'server/tasks/': 'checks the input and the owner, then starts or changes the task',
  'soketi/': 'checks frames and API calls before Soketi sees them, and writes the status first',
  'worker/': 'runs handlers: attempts, progress, signs of life, outcomes',
};
