/** Job ids: one for each run of a task, so that adding a job twice is harmless and an old one is known as such. */

/** What a job asks for: run `run` of task `id`, from 1. An attempt that was handed back takes several runs. */
export interface Job {
  readonly id: string;
  readonly run: number;
}

/** The id of the job that asks for this. */
export function jobIdOf({ id, run }: Job): string {
  return `${id}:${run}`;
}

/** What the job with this id asks for, or null where it is none of ours. */
export function parseJobId(jobId: string): Job | null {
  const match = /^([^:]+):(\d+)$/.exec(jobId);
  return match?.[1] ? { id: match[1], run: Number(match[2]) } : null;
}
