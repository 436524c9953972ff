/**
 * What scripts write for the operator's page: an index of all tasks, the story of each, and counts of those that ended. It serves
 * the commands that store, remove or index tasks, and the files beside this one.
 *
 * The scripts write it only while the key `operator` exists, which mounting the page creates (mounting.ts). They call the
 * functions of this file only then: without the key a change of status costs one EXISTS. Every task is in exactly one set of
 * the index, by its definition and its status. The index is a hint: a worker of an earlier version does not write it, and an
 * expired record leaves its id behind. Whoever reads it looks at the record, and repairs what is wrong
 * (operator/data/task-finder.ts).
 *
 * | key | type | holds |
 * |---|---|---|
 * | `operator` | text | exists while the page is mounted, and for 7 days after that |
 * | `operator:of:<name>:<status>` | zset | ids of the tasks of a definition that have this status, all with score 0: they sort by time |
 * | `operator:names` | set | the names of definitions in the index |
 * | `operator:version` | number | grows with each change of the index |
 * | `operator:ended:<name>:<hour>` | hash | how many tasks ended in this hour: by status, by minute (`m0` to `m59`), by code of the error (`f:<code>`, at most 50 codes; `codes`: how often a code was new) |
 * | `operator:runs:<name>` | list | when the last 200 that ran began and ended: `<startedAt> <finishedAt>` |
 * | `operator:sent` | hash | events that all processes have sent to the bus, by the hour: of the last 3 |
 * | `task:<id>:story` | list | what happened to a task, the newest first, at most 100 entries; goes with the record at the latest |
 *
 * `<hour>` counts hours since 1970.
 */

import type { LuaFunction } from '../store/commands/lua.ts';
import { FIELD } from '../store/record.ts';

/** A story keeps this many entries, the newest ones. */
export const STORY_LENGTH = 100;
/** 7 days after its last entry a story is removed. That of a task that has ended goes with its record, if that is earlier. */
const STORY_TTL_S = 7 * 24 * 3_600;
/**
 * 7 days after its last entry a set of the index, or the list of a definition's runs, is removed: a page that is not mounted any
 * more leaves nothing.
 */
const SET_TTL_S = 7 * 24 * 3_600;
/** For each definition, the times of this many tasks are kept: of those that ran and ended last. */
const RUNS_KEPT = 200;
/** The counts of an hour are kept this long after the last one: a little longer than the 24 hours that are shown. */
const ENDED_TTL_S = 26 * 3_600;
/**
 * How many codes of errors are counted for each definition and hour. Handlers choose codes; further ones count as
 * `other`.
 */
const MOST_CODES = 50;
/**
 * One outcome in 8 checks the 32 oldest ids of its set, and removes those whose records have expired. So expired ids are
 * removed faster than ids are added: up to 32 for each 8.
 */
const CLEAN_ONE_IN = 8;
const IDS_PER_CLEANING = 32;

const READ_SNAPSHOT = `
local function readSnapshot(text)
  local isRead, task = pcall(cjson.decode, text)
  if not isRead then
    isRead, task = pcall(cjson.decode, (string.gsub(text, '\\\\u[dD][89a-fA-F]%x%x', '\\\\ufffd')))
  end
  return isRead and type(task) == 'table' and task or nil
end
`;

/**
 * `readSnapshot(text)`: a snapshot as a table; nil for one that is damaged. The results of handlers are JSON that `cjson`
 * may refuse: the escape of half a surrogate pair, which a text has that was cut within an emoji.
 */
export const readSnapshot: LuaFunction = { name: 'readSnapshot', lua: READ_SNAPSHOT };

/**
 * `leaveIndex(operator, taskPrefix, id)`: takes a task that is about to be removed out of the index. Call it while there is a
 * record. `operator`: the key. `taskPrefix`: what stands before the id in the key of a record.
 */
export const leaveIndex: LuaFunction = {
  name: 'leaveIndex',
  lua: `
local function leaveIndex(operator, taskPrefix, id)
${READ_SNAPSHOT}
  local task = readSnapshot(redis.call('HGET', taskPrefix .. id, '${FIELD.snapshot}') or '')
  if not task then return end
  redis.call('ZREM', operator .. ':of:' .. task.name .. ':' .. task.status, id)
  redis.call('INCR', operator .. ':version')
end
`,
};

/**
 * Lua that defines `countEnded(operator, task, now)`: counts a task that has ended. `operator`: the key; `task`: the
 * snapshot.
 */
const COUNT_ENDED = `
local function countEnded(operator, task, now)
  local hour, minute = math.floor(now / 3600000), math.floor(now / 60000) % 60
  local ended = operator .. ':ended:' .. task.name .. ':' .. hour
  redis.call('HINCRBY', ended, task.status, 1)
  redis.call('HINCRBY', ended, 'm' .. minute, 1)
  if task.status == 'failed' then
    local code = 'f:' .. task.error.code
    if redis.call('HEXISTS', ended, code) == 0 and redis.call('HINCRBY', ended, 'codes', 1) > ${MOST_CODES} then code = 'f:other' end
    redis.call('HINCRBY', ended, code, 1)
  end
  redis.call('EXPIRE', ended, ${ENDED_TTL_S})
  if type(task.startedAt) ~= 'string' then return end
  local runs = operator .. ':runs:' .. task.name
  redis.call('LPUSH', runs, task.startedAt .. ' ' .. task.finishedAt)
  redis.call('LTRIM', runs, 0, ${RUNS_KEPT - 1})
  redis.call('EXPIRE', runs, ${SET_TTL_S})
end
`;

/**
 * `tellOperator(operator, taskPrefix, id, snapshot, worker, kept)`: writes down that a task is about to be stored as
 * `snapshot` (JSON). Call it before the record is written, since it compares both. `operator`: the key. `taskPrefix`: what
 * stands before the id in the key of a record. `worker`: who runs or ran it, or nil. `kept`: for how long a record that has
 * ended is kept, in seconds, or nil. Needs `redisTime`.
 */
export const tellOperator: LuaFunction = {
  name: 'tellOperator',
  lua: `
local function tellOperator(operator, taskPrefix, id, snapshot, worker, kept)
${READ_SNAPSHOT}${COUNT_ENDED}
  local now = redisTime()
  local before, task = redis.call('HGET', taskPrefix .. id, '${FIELD.snapshot}'), readSnapshot(snapshot)
  if not task then return end
  local was, of = readSnapshot(before or '') or {}, operator .. ':of:' .. task.name .. ':'
  redis.call('INCR', operator .. ':version')
  if was.status then redis.call('ZREM', of .. was.status, id) else redis.call('SADD', operator .. ':names', task.name) end
  redis.call('ZADD', of .. task.status, 0, id)
  redis.call('EXPIRE', of .. task.status, ${SET_TTL_S})

  -- Fields that are null in JSON are no texts here.
  local function text(value) return type(value) == 'string' and value or '' end
  local code = type(task.error) == 'table' and task.error.code
  local entry = {now, task.status, task.attempt, text(was.status), was.attempt or 0, text(code), worker or '',
    text(task.expectedAt), text(task.waitingFor)}
  local story = taskPrefix .. id .. ':story'
  redis.call('LPUSH', story, cjson.encode(entry))
  redis.call('LTRIM', story, 0, ${STORY_LENGTH - 1})
  redis.call('EXPIRE', story, math.min(tonumber(kept or ${STORY_TTL_S}), ${STORY_TTL_S}))

  if type(task.finishedAt) ~= 'string' then return end
  countEnded(operator, task, now)
  -- The last digit of an id is random. The time is not: many tasks end within one millisecond.
  if tonumber(string.sub(id, -1), 16) % ${CLEAN_ONE_IN} > 0 then return end
  for _, other in ipairs(redis.call('ZRANGE', of .. task.status, 0, ${IDS_PER_CLEANING - 1})) do
    if other ~= id and redis.call('EXISTS', taskPrefix .. other) == 0 then redis.call('ZREM', of .. task.status, other) end
  end
end
`,
};
