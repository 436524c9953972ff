/**
 * The Lua scripts of bee-queue, and the names of its keys. It serves `line-scripts.ts`, the task store, whose scripts add jobs,
 * and the files beside this one.
 */

import { BEE_QUEUE_LUA } from './lua.ts';

/** What bee-queue stores for a job. Our jobs carry no data: the task's record says what is to be done. */
export const JOB_DATA = '{"data":{},"options":{},"status":"created"}';

/** Moves active jobs without a keep-alive back to the waiting ones. bee-queue runs it. */
export const CHECK_STALLED_JOBS = BEE_QUEUE_LUA.checkStalledJobs;

/**
 * Lua that defines `endJob(active, jobs, job)`: removes a job that has ended. `active` and `jobs` are keys of its queue. The job
 * may stay in bee-queue's set of jobs that may be stalled: the check for stalled jobs skips jobs that are not active, and
 * empties the set.
 */
export const END_JOB = `
local function endJob(active, jobs, job)
  redis.call('LREM', active, 0, job)
  redis.call('HDEL', jobs, job)
end
`;

/**
 * Lua that defines `addJob(queue, job, at)`. The scripts that store a task or a change call it, so that the job is added in the
 * same step. `queue` is what {@link queueKey} gives, `job` is a job's id. `at` is when the job is due, in ms since 1970, or ''
 * for at once. Adding a job that exists changes nothing.
 */
export const ADD_JOB = `
local function addJobNow(KEYS, ARGV)
${BEE_QUEUE_LUA.addJob}
end
local function addJobLater(KEYS, ARGV)
${BEE_QUEUE_LUA.addDelayedJob}
end
local function addJob(queue, job, at)
  local id, jobs, data = queue .. 'id', queue .. 'jobs', '${JOB_DATA}'
  if at == '' then addJobNow({id, jobs, queue .. 'waiting'}, {job, data})
  else addJobLater({id, jobs, queue .. 'delayed', queue .. 'earlierDelayed'}, {job, data, at}) end
end
`;

/** The prefix of the keys of a task definition's queue. @param prefix that of all our keys */
export function queueKey(prefix: string, name: string): string {
  return `${queuePrefix(prefix)}:${name}:`;
}

/** The option `prefix` of bee-queue, which adds a colon and the queue's name. */
export function queuePrefix(prefix: string): string {
  return `${prefix}queue`;
}
