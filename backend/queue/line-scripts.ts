/**
 * The line: the order in which the waiting tasks of many owners get to run. Lua functions for our scripts, and one script
 * that is run on its own. It serves the task store, the takers of jobs and the timer of delayed jobs.
 *
 * bee-queue hands out jobs from the list `waiting`, first in, first out. So this list is kept short, and the other jobs
 * wait in the line. Whenever a job was taken from the list, the owner whose turn is the earliest gets the free place.
 *
 * - Turns are counted in units: one turn has 1,048,576. A new owner gets the turn that is under way, so they come before
 *   everybody who has had a turn since. After each job the owner's turn is one higher. Example: A has 5,000 jobs and turn 7.
 *   B comes and gets turn 6: the turn of A's last job. The order from now on is B, A, A, A, …
 * - An owner who leaves the line is remembered until the others have caught up. So coming again and again with one job at a
 *   time gives nobody more turns.
 * - Each new owner raises the turn for those who come later by a little: 1/64 of a turn, shared among all who wait. So a
 *   stream of new owners cannot keep those who have had a turn waiting for ever.
 * - Within an owner's jobs the lower band comes first. Within a band the lower id does, which is the older one.
 *
 * Jobs that a worker gives back, and those of a worker that died, skip the line: they had their turn. At most as many as
 * were running can do so. Jobs whose time has come join their owner's jobs in the line: retries in front, tasks that were to
 * start later by their priority.
 */

import { FIELD } from '../store/record.ts';
import { ADD_JOB, JOB_DATA } from './queue-scripts.ts';

/** How many jobs of the line may lie in bee-queue's list. Blocked takers empty it, so one is enough. */
export const SHORT_LIST = 1;

/** Where a job stands among those of its owner: `retry` before all others. */
export const BAND = { retry: 0, high: 1, normal: 2, low: 3 } as const;

/** The place of a job is counted exactly for the first job of each owner; for others only if at most so many owners wait. */
const MOST_OWNERS_COUNTED = 32;

/** The names of the keys of one line. */
export interface LineKeys {
  /** Also the prefix of each owner's key. */
  readonly line: string;
  readonly turns: string;
}

/** @param prefix that of all our keys */
export function lineKeys(prefix: string, name: string): LineKeys {
  return { line: `${prefix}line:${name}`, turns: `${prefix}turns:${name}` };
}

const DROP_OWNER = `
local TURN = 1048576
-- Takes an owner who has no jobs left out of the line. If their last turn was the latest of all, it is noted.
local function dropOwner(line, turns, owner)
  redis.call('ZADD', turns, 'GT', redis.call('ZSCORE', line, owner) - TURN, '')
  redis.call('ZREM', line, owner)
  if redis.call('EXISTS', line) == 0 then redis.call('EXPIRE', turns, 60) end
end
`;

const JOIN = `
local function joinLine(line, turns, owner, job, band)
  redis.call('ZADD', line .. ':' .. owner, band, job)
  if redis.call('ZSCORE', line, owner) then return end
  local known, others = redis.call('ZMSCORE', turns, '', owner), redis.call('ZCARD', line)
  -- The latest turn: of an owner who has left, or of one who waits for the next. Only the first is noted, to save writes.
  local latest = tonumber(known[1] or 0)
  if others > 0 then
    latest = math.max(latest, redis.call('ZRANGE', line, -1, -1, 'WITHSCORES')[2] - TURN)
  else
    redis.call('PERSIST', turns)
  end
  local turn = latest + math.max(math.floor(TURN / 64 / (others + 1)), 1)
  redis.call('ZADD', turns, turn, '')
  if known[2] then
    turn = math.max(turn, known[2])
    redis.call('ZREM', turns, owner)
  end
  redis.call('ZADD', line, turn, owner)
end
`;

const FILL = `
${DROP_OWNER}
-- Moves jobs from the line to the list of waiting jobs until that has as many as wanted.
local function fillList(queue, line, turns, wanted)
  local waiting = queue .. 'waiting'
  local room = wanted - redis.call('LLEN', waiting)
  while room > 0 do
    local first = redis.call('ZRANGE', line, 0, 0, 'WITHSCORES')
    local owner, turn = first[1], tonumber(first[2])
    if not owner then return end
    local jobs = line .. ':' .. owner
    local job = redis.call('ZPOPMIN', jobs)[1]
    if job then
      -- As bee-queue adds a job. It is in no list yet.
      redis.call('HSET', queue .. 'jobs', job, '${JOB_DATA}')
      redis.call('LPUSH', waiting, job)
      room = room - 1
    end
    redis.call('ZADD', line, turn + TURN, owner)
    if redis.call('EXISTS', jobs) == 0 then
      dropOwner(line, turns, owner)
      redis.call('ZADD', turns, turn + TURN, owner)
      local past = redis.call('ZRANGE', turns, '-inf', string.format('(%.0f', turn), 'BYSCORE', 'LIMIT', 0, 4)
      if #past > 0 then redis.call('ZREM', turns, unpack(past)) end
    end
  end
end
`;

/**
 * Lua that defines `enqueueJob(queue, line, turns, taskPrefix, owner, job, band, at)`: the job is delayed until `at` (ms since
 * 1970) unless that is ''. Otherwise it goes to the list of waiting jobs at once if nobody waits, else to the line. The script that stores a task calls it. Adding a job twice is up to the caller to
 * avoid. Where the line begins behind a job in the list, that job counts as a turn of its owner.
 */
export const ENQUEUE_JOB = `${ADD_JOB}${FILL}${JOIN}
local function enqueueJob(queue, line, turns, taskPrefix, owner, job, band, at)
  if at ~= '' then return addJob(queue, job, at) end
  local waiting = queue .. 'waiting'
  local first = redis.call('LRANGE', waiting, -1, -1)[1]
  if redis.call('EXISTS', line) == 0 then
    if not first then return addJob(queue, job, '') end
    local holder = redis.call('HGET', taskPrefix .. string.match(first, '^[^:]*'), '${FIELD.owner}')
    if holder then redis.call('ZADD', turns, (redis.call('ZSCORE', turns, '') or 0) + TURN, holder) end
  end
  joinLine(line, turns, owner, job, band)
  if not first then fillList(queue, line, turns, ${SHORT_LIST}) end
end
`;

/** Lua that defines `dequeueJob(queue, line, turns, owner, job)`: removes a job that is in the line or delayed, if it is. */
export const DEQUEUE_JOB = `${DROP_OWNER}
local function dequeueJob(queue, line, turns, owner, job)
  local jobs = line .. ':' .. owner
  if redis.call('ZREM', jobs, job) == 1 then
    if redis.call('EXISTS', jobs) == 0 then dropOwner(line, turns, owner) end
  elseif redis.call('ZREM', queue .. 'delayed', job) == 1 then
    redis.call('HDEL', queue .. 'jobs', job)
  end
end
`;

/**
 * Lua that defines `placeInLine(queue, line, owner, job)`: how many jobs start before this one if nothing else happens. Nil
 * if it is not in the line, or if counting would take long. An owner's first job is behind one job of each owner before.
 */
export const PLACE_IN_LINE = `
local function placeInLine(queue, line, owner, job)
  local rank = redis.call('ZRANK', line .. ':' .. owner, job)
  if not rank then return nil end
  local ahead, turn = redis.call('LLEN', queue .. 'waiting'), 1048576
  if rank == 0 then return ahead + redis.call('ZRANK', line, owner) end
  if redis.call('ZCARD', line) > ${MOST_OWNERS_COUNTED} then return nil end
  local mine = redis.call('ZSCORE', line, owner) + rank * turn
  local others = redis.call('ZRANGE', line, 0, -1, 'WITHSCORES')
  for n = 1, #others, 2 do
    local other, away = others[n], (mine - others[n + 1]) / turn
    if other == owner then ahead = ahead + rank
    elseif away >= 0 then
      local turns = math.ceil(away)
      if turns == away and other < owner then turns = turns + 1 end
      if turns > 0 then ahead = ahead + math.min(turns, redis.call('ZCARD', line .. ':' .. other)) end
    end
  end
  return ahead
end
`;

/** Fills the list of waiting jobs from the line. Keys: line, turns. Arguments: queue, how many jobs it should have. */
export const FILL_LIST = `${FILL}
fillList(ARGV[1], KEYS[1], KEYS[2], tonumber(ARGV[2]))
return 0
`;
