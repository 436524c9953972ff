/** Job ids: one for each attempt, so that adding a job twice is harmless and an old one is known as such. */

import type { Snapshot } from '../core/snapshot.ts';

/** What a job asks for: attempt `attempt` of task `id`. */
export interface Job {
  readonly id: string;
  readonly attempt: number;
}

/** The job that a waiting task waits for, or null where it waits for none. */
export function jobOf(task: Snapshot): string | null {
  if (task.status === 'queued') return firstJobOf(task.id);
  if (task.status === 'retrying') return `${task.id}:${task.attempt}`;
  return null;
}

/** The job that a new task waits for. */
export function firstJobOf(id: string): string {
  return `${id}:1`;
}

/** What `job` asks for, or null where it is none of ours. */
export function parseJob(job: string): Job | null {
  const match = /^([^:]+):(\d+)$/.exec(job);
  return match?.[1] ? { id: match[1], attempt: Number(match[2]) } : null;
}
