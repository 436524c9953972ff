/** Job ids: one for each attempt, so that adding a job twice is harmless and an old one is known as such. */

/** What a job asks for: attempt `attempt` of task `id`. */
export interface Job {
  readonly id: string;
  readonly attempt: number;
}

/** The id of the job that asks for this. */
export function jobIdOf({ id, attempt }: Job): string {
  return `${id}:${attempt}`;
}

/** What the job with this id asks for, or null where it is none of ours. */
export function parseJobId(jobId: string): Job | null {
  const match = /^([^:]+):(\d+)$/.exec(jobId);
  return match?.[1] ? { id: match[1], attempt: Number(match[2]) } : null;
}
