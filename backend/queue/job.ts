/** Ids of jobs. Each run of a task has a job id of its own. So adding a job twice is harmless, and an old job is recognized. */

/** What a job asks for: run number `run` of task `id`. The first run is 1. An attempt that was handed back has several runs. */
export interface Job {
  readonly id: string;
  readonly run: number;
}

/** The id of the job that asks for run `run` of task `id`. */
export function jobIdOf({ id, run }: Job): string {
  return `${id}:${run}`;
}

/** What the job with this id asks for, or null if it is not one of ours. */
export function parseJobId(jobId: string): Job | null {
  const match = /^([^:]+):(\d+)$/.exec(jobId);
  return match?.[1] ? { id: match[1], run: Number(match[2]) } : null;
}
