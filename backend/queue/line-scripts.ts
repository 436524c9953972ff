/**
 * The line: the order in which the waiting tasks of many owners get to run. This file has Lua functions for our scripts, and
 * three scripts that are run on their own. It serves the task store, the takers of jobs and the timer of delayed jobs.
 *
 * bee-queue hands out jobs from its list `waiting`, first in, first out. The job of a new task goes to this list if no other job
 * waits, so that a free worker gets it at once. Otherwise it waits in the line. A worker that has room takes what is in the list,
 * then jobs from the line, of the owners whose turns are the earliest.
 *
 * - Turns are numbers. The owner with the lowest turn is next, and after each job the owner's turn is one higher. A new owner
 *   gets the latest turn that a job was taken with. So they come after the owners who still have an earlier turn, and before
 *   all others. Example: A has 5,000 jobs, its last job was taken with turn 6, and its next one has turn 7. B comes with one job
 *   and gets turn 6. The order from now on is B, A, A, A, …
 * - Redis stores turns in units, as whole numbers: one turn is 1,048,576 units.
 * - The turn of an owner who leaves the line is kept until the others have reached it. So nobody gets more turns by adding one
 *   job at a time.
 * - Each new owner gets a turn that is a little later: by 1/64 of a turn, divided by the number of owners who wait. So a stream
 *   of new owners cannot keep older owners waiting for ever.
 * - Among an owner's jobs the lower band comes first. Within a band the lower id comes first, which is the older job.
 *
 * Some jobs go to the list in any case, because they had their turn: those that a worker gives back, those of a worker that died,
 * and retries that are due at once. There are at most as many of them as tasks that run. Delayed jobs join their owner's jobs in the
 * line when they are due: retries in front, tasks with a start time by their priority.
 */

import { FIELD, fieldsToRead, WANTED_TO_START } from '../store/record.ts';
import { ADD_JOB, JOB_DATA } from './bee-queue/scripts.ts';

/** Where a job stands among those of its owner: `retry` before all others. */
export const BAND = { retry: 0, high: 1, normal: 2, low: 3 } as const;

/** An owner's first job always has a known place. The place of a later job is counted only if at most this many owners wait. */
const MOST_OWNERS_COUNTED = 32;
/** The same limit where a task is created: counting 8 owners takes Redis about 10 µs. */
const OWNERS_COUNTED_AT_START = 8;
/** Where a task is created, its place is not counted if its owner has more jobs than this before it. */
const MOST_OWN_COUNTED_AT_START = 100;

/** The keys of one line. */
export interface LineKeys {
  /** The owners in the line, each with their turn. `<line>:<owner>` has the jobs of one owner. */
  readonly line: string;
  /** The turns of owners who have left the line, and under '' the latest turn of all. Expires 60 s after the line is empty. */
  readonly turns: string;
  /** Exists while an operator has paused the definition: then no job is taken (operator/pauses.ts). */
  readonly paused: string;
}

/** @param prefix that of all our keys */
export function lineKeys(prefix: string, name: string): LineKeys {
  return { line: `${prefix}line:${name}`, turns: `${prefix}turns:${name}`, paused: `${prefix}paused:${name}` };
}

/** One turn, in the units that Redis stores. */
const UNITS_PER_TURN = 1_048_576;
/** Lua that defines one turn, in units. */
const TURN = `local TURN = ${UNITS_PER_TURN}`;

/** Lua that defines `dropOwner(line, turns, owner)`. */
const DROP_OWNER = `
${TURN}
-- Removes an owner who has no jobs left from the line. Notes their last turn if it was the latest of all.
local function dropOwner(line, turns, owner)
  redis.call('ZADD', turns, 'GT', redis.call('ZSCORE', line, owner) - TURN, '')
  redis.call('ZREM', line, owner)
  if redis.call('EXISTS', line) == 0 then redis.call('EXPIRE', turns, 60) end
end
`;

/** Lua that defines `enterLine(line, turns, owner, others)`. Needs `TURN`. */
const ENTER = `
-- Adds an owner who has no job in the line yet. 'others' is how many owners are in it.
local function enterLine(line, turns, owner, others)
  local known = redis.call('ZMSCORE', turns, '', owner)
  -- The latest turn so far: the noted one of owners who have left, or that of an owner in the line. The latter is not noted,
  -- which saves a write for each job.
  local latest = tonumber(known[1] or 0)
  if others > 0 then
    latest = math.max(latest, redis.call('ZRANGE', line, -1, -1, 'WITHSCORES')[2] - TURN)
  else
    redis.call('PERSIST', turns)
  end
  -- A little later than the latest turn, see the head of this file.
  local turn = latest + math.max(math.floor(TURN / 64 / (others + 1)), 1)
  redis.call('ZADD', turns, turn, '')
  -- An owner who was in the line before does not get an earlier turn than they would have now.
  if known[2] then
    turn = math.max(turn, known[2])
    redis.call('ZREM', turns, owner)
  end
  redis.call('ZADD', line, turn, owner)
end
`;

/** Lua that defines `nextJobs(line, turns, count)`. */
const NEXT_JOBS = `
${TURN}
-- Removes the next jobs from the line, at most 'count', and returns them. Two sources of owners are merged by their turns:
-- 'owners', who have not had a turn in this round yet, and 'again', who had one and have more jobs. To save commands, owners
-- are taken out of the line together, and those who stay are put back together. In these lists names and turns alternate.
local function nextJobs(line, turns, count)
  local jobs = {}
  while #jobs < count do
    local wanted = count - #jobs
    local owners = redis.call('ZPOPMIN', line, wanted)
    -- 'gone' has the owners who have no more jobs, 'latest' the latest turn of these.
    -- 'first' and 'second' are the positions of the next owner in 'owners' and 'again'.
    local again, gone, latest, first, second = {}, {}, nil, 1, 1
    while #jobs < count do
      local owner, turn = owners[first], tonumber(owners[first + 1])
      local other, othersTurn = again[second + 1], again[second]
      if other and (not owner or othersTurn < turn or (othersTurn == turn and other < owner)) then
        -- The line may still hold owners with earlier turns. So the next round goes on with those.
        if not owner and #owners == 2 * wanted then break end
        owner, turn, second = other, othersTurn, second + 2
      elseif owner then
        first = first + 2
      else
        break
      end
      local list = line .. ':' .. owner
      local job = redis.call('ZPOPMIN', list)[1]
      if job then jobs[#jobs + 1] = job end
      if redis.call('EXISTS', list) == 1 then
        again[#again + 1], again[#again + 2] = turn + TURN, owner
      else
        latest, gone[#gone + 1], gone[#gone + 2] = turn, turn + TURN, owner
      end
    end
    local back = {unpack(again, second)}
    for n = first, #owners, 2 do
      back[#back + 1], back[#back + 2] = owners[n + 1], owners[n]
    end
    if #back > 0 then redis.call('ZADD', line, unpack(back)) end
    if latest then
      redis.call('ZADD', turns, 'GT', latest, '', unpack(gone))
      -- Forgets owners whom the others have caught up with.
      local past = redis.call('ZRANGE', turns, '-inf', string.format('(%.0f', latest), 'BYSCORE', 'LIMIT', 0, 2 * #gone)
      if #past > 0 then redis.call('ZREM', turns, unpack(past)) end
      if #back == 0 and redis.call('EXISTS', line) == 0 then redis.call('EXPIRE', turns, 60) end
    end
    if #owners < 2 * wanted then break end
  end
  return jobs
end
`;

/**
 * Lua that defines `enqueueJob(queue, line, turns, taskPrefix, owner, job, band, at)`. If `at` is a time (ms since 1970), the job
 * is delayed until then. If it is '', the job goes to the list of waiting jobs if no other job waits, and else to the line. If
 * the line is empty and a job is in the list, that job counts as a turn of its owner. A script that calls this function must not
 * add a job twice. Answers whether the job is in the line.
 */
export const ENQUEUE_JOB = `
local function enqueueJob(queue, line, turns, taskPrefix, owner, job, band, at)
  if at ~= '' then
${ADD_JOB}
    addJob(queue, job, at)
    return false
  end
  if not redis.call('ZSCORE', line, owner) then
${TURN}
    local others = redis.call('ZCARD', line)
    if others == 0 then
      local first = redis.call('LRANGE', queue .. 'waiting', -1, -1)[1]
      if not first then
        -- What bee-queue does to add a job.
        redis.call('HSET', queue .. 'jobs', job, '${JOB_DATA}')
        redis.call('LPUSH', queue .. 'waiting', job)
        return false
      end
      local holder = redis.call('HGET', taskPrefix .. string.match(first, '^[^:]*'), '${FIELD.owner}')
      if holder then redis.call('ZADD', turns, (redis.call('ZSCORE', turns, '') or 0) + TURN, holder) end
    end
${ENTER}
    enterLine(line, turns, owner, others)
  end
  redis.call('ZADD', line .. ':' .. owner, band, job)
  return true
end
`;

/** Lua that defines `dequeueJob(queue, line, turns, owner, job)`: removes a job from the line or the delayed jobs, if it is there. */
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
 * Lua that defines `placeInLine(queue, line, owner, job, isNew)`: how many jobs start before this one if nothing else happens.
 * Nil if it is not in the line, or if counting would take long. All jobs in bee-queue's list start before it. Then, for an owner's
 * first job, one job counts for each owner with an earlier turn. For a later job the jobs of all owners are counted, if there are
 * at most 32 owners. For a new job less is counted: at most 8 owners, and nothing if its owner has more than 100 jobs before it.
 */
export const PLACE_IN_LINE = `
local function placeInLine(queue, line, owner, job, isNew)
  local rank = redis.call('ZRANK', line .. ':' .. owner, job)
  if not rank then return nil end
  if isNew and rank > ${MOST_OWN_COUNTED_AT_START} then return nil end
  local most = isNew and ${OWNERS_COUNTED_AT_START} or ${MOST_OWNERS_COUNTED}
  if rank > 0 and redis.call('ZCARD', line) > most then return nil end
  local ahead, turn = redis.call('LLEN', queue .. 'waiting'), ${UNITS_PER_TURN}
  if rank == 0 then return ahead + redis.call('ZRANK', line, owner) end
  local mine = redis.call('ZSCORE', line, owner) + rank * turn
  local others = redis.call('ZRANGE', line, 0, -1, 'WITHSCORES')
  for n = 1, #others, 2 do
    -- How many turns the other owner has before the turn of this job.
    local other, away = others[n], (mine - others[n + 1]) / turn
    if other == owner then ahead = ahead + rank
    elseif away >= 0 then
      local turns = math.ceil(away)
      -- With equal turns, the owner whose name comes first is first.
      if turns == away and other < owner then turns = turns + 1 end
      if turns > 0 then ahead = ahead + math.min(turns, redis.call('ZCARD', line .. ':' .. other)) end
    end
  end
  return ahead
end
`;

/**
 * Fills the list of waiting jobs from the line. Keys: line, turns, paused. Arguments: queue, how many jobs the list should have.
 * Answers how many jobs are in the list, or -1 if the definition is paused.
 */
export const FILL_LIST = `${NEXT_JOBS}
local line, turns, queue, wanted = KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[2])
if redis.call('EXISTS', KEYS[3]) == 1 then return -1 end
local length, data = redis.call('LLEN', queue .. 'waiting'), {}
local jobs = nextJobs(line, turns, wanted - length)
if #jobs == 0 then return length end
-- Stores the data of each job, as bee-queue does when it adds one.
for _, job in ipairs(jobs) do
  data[#data + 1], data[#data + 2] = job, '${JOB_DATA}'
end
redis.call('HSET', queue .. 'jobs', unpack(data))
redis.call('LPUSH', queue .. 'waiting', unpack(jobs))
return length + #jobs
`;

/** The fields that {@link TAKE_JOBS} reads of each task, in the order of its answer. */
export const TAKEN_FIELDS = fieldsToRead(WANTED_TO_START);
/** After this many bytes of fields, {@link TAKE_JOBS} reads no more. Copying 64 KB takes Redis about 0.02 ms. */
const MOST_TAKEN_BYTES = 65_536;
/** The names of {@link TAKEN_FIELDS} in Redis, as arguments in Lua. */
const TAKEN_NAMES = TAKEN_FIELDS.map((name) => `'${FIELD[name]}'`).join(', ');

/**
 * Takes jobs: from the list of waiting jobs, then from the line. Keys: line, turns, paused. Arguments: queue, how many at most,
 * the prefix of tasks' keys. Answers with a pair for each job, in the order in which they are to run: its id, and the fields of
 * its task, or nil if they were not read, because the tasks before it were large or its record is no hash. Answers with nil if the
 * definition is paused.
 */
export const TAKE_JOBS = `${NEXT_JOBS}
local line, turns, queue, wanted, taskPrefix = KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[2]), ARGV[3]
if redis.call('EXISTS', KEYS[3]) == 1 then return false end
local waiting = queue .. 'waiting'
-- bee-queue takes from the end of the list.
local listed, taken = redis.call('LRANGE', waiting, -wanted, -1), {}
for n = #listed, 1, -1 do taken[#taken + 1] = listed[n] end
if #taken > 0 then
  redis.call('LTRIM', waiting, 0, -#taken - 1)
  redis.call('LPUSH', queue .. 'active', unpack(taken))
end
local jobs = nextJobs(line, turns, wanted - #taken)
-- Without the data that bee-queue would store: a worker of ours does not read it.
if #jobs > 0 then redis.call('LPUSH', queue .. 'active', unpack(jobs)) end
for _, job in ipairs(jobs) do taken[#taken + 1] = job end
local room = ${MOST_TAKEN_BYTES}
for n, job in ipairs(taken) do
  local fields = false
  if room > 0 then
    -- A record that is no hash, since another program has written it, must not keep the other jobs from their workers.
    fields = redis.pcall('HMGET', taskPrefix .. string.match(job, '^[^:]*'), ${TAKEN_NAMES})
    if fields.err then fields = false end
  end
  for _, value in ipairs(fields or {}) do room = room - #(value or '') end
  taken[n] = {job, fields}
end
return taken
`;

/**
 * Puts a job back that was taken although the definition is paused. Arguments: queue, job. The other jobs in the list, if there are
 * any, are taken before this one.
 */
export const GIVE_BACK = `
local queue, job = ARGV[1], ARGV[2]
if redis.call('LREM', queue .. 'active', 1, job) == 1 then redis.call('LPUSH', queue .. 'waiting', job) end
return 1
`;
