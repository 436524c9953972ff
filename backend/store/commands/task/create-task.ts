/**
 * Stores a new task and queues it in one step, so that a crash cannot come in between. Its job goes to bee-queue's list, to the
 * line or to the delayed jobs. A task that has to wait at its gate gets its job when it is let in.
 *
 * Nothing is stored, and the answer names the earlier task, if the idempotency key was used before, or the task to retry was
 * retried before. Nothing is stored either if the start would exceed a limit, or if the concurrency key is taken and the
 * definition says `join` or `refuse`.
 */

import type { StartLimit } from '../../../../core/tasks/task-limits.ts';
import { adoptChild, findChild } from '../../../family/family-scripts.ts';
import { tellOperator } from '../../../operator/index-scripts.ts';
import { askGate, isInGate, passGate } from '../../limits/gate-scripts.ts';
import { gateName, type TaskGate } from '../../limits/gates.ts';
import { countStart, encodeLimits, exceededLimit } from '../../limits/limit-scripts.ts';
import { encodeFields, FIELD, type StoredFields } from '../../record.ts';
import { chooseCleaning, findDead } from '../cleaning.ts';
import { type CommandRunner, defineCommand } from '../define-command.ts';
import { enqueueJob, isWatched, placeInLine, redisTime, removeIds } from '../lua.ts';

/** How long an Idempotency-Key is remembered: a day. */
export const IDEMPOTENCY_TTL_S = 24 * 3_600;

/** A task to be stored. `snapshot` and `input` are JSON. */
export interface TaskCreation {
  readonly id: string;
  readonly owner: string;
  /** The definition's name. */
  readonly name: string;
  readonly snapshot: string;
  readonly input: string;
  /** Fields that few tasks have (`encodeExtras` in record.ts). */
  readonly more: StoredFields;
  readonly jobId: string;
  /** Its place among the owner's tasks in the line, by priority: see `BAND`. */
  readonly band: number;
  /** When it is to start, in ms since 1970; null for at once. */
  readonly startsAt: number | null;
  /** Hashes of the Idempotency-Key and of the request that it was sent with. */
  readonly idempotency: { readonly keyHash: string; readonly bodyHash: string } | null;
  /** How long it is kept after each outcome (`encodeRetention` in record.ts); '' for as long as the backend keeps any. */
  readonly retention: string;
  /** Id of the task that this one retries. */
  readonly retryOf: string | null;
  readonly limits: readonly StartLimit[];
  /** Set for a child: its parent, the key that it is started under, and the hash of its input. */
  readonly child: (ChildOf & { readonly hash: string }) | null;
  /** Its concurrency key, if its definition makes one. */
  readonly gate: TaskGate | null;
}

/** Which task a child belongs to. */
export interface ChildOf {
  readonly parent: string;
  /** The run of the parent that starts the child. If another run has begun, the start is refused. */
  readonly run: number;
  /** Unique among the children of one parent. */
  readonly key: string;
}

/**
 * Why a child was not stored.
 * - `stale`: the run of its parent is over.
 * - `too_many`: its parent has as many children as a task may have.
 * - `too_deep`: its parent is itself a child of a child.
 * - `own_key`: its parent has the same concurrency key, so parent and child would wait for each other.
 */
export type ChildRefusal = 'stale' | 'too_many' | 'too_deep' | 'own_key';

/** What became of a creation. */
export type CreationAnswer =
  | {
      readonly result: 'created';
      readonly watched: boolean;
      /** How many tasks will start before it; null if it starts at once, or if that is not known. */
      readonly ahead: number | null;
      /** Ids of the tasks that it replaces, for the caller to cancel. If the caller dies, the sweeper does it. */
      readonly replaces: readonly string[];
    }
  /**
   * Nothing was stored: this task was created before. `bodyHash` is that of the request which created it. But if it was created as
   * another retry of the same task, `bodyHash` is the one of this request, since retries of a task count as the same request.
   */
  | { readonly result: 'earlier'; readonly bodyHash: string; readonly id: string }
  /** Nothing was stored: the start would exceed `limits[limit]`. Try again in `waitMs`. */
  | { readonly result: 'exceeded'; readonly limit: number; readonly waitMs: number }
  /** Nothing was stored: the task was to be a child, and its parent may not start it. */
  | { readonly result: 'refused'; readonly why: ChildRefusal }
  /** Nothing was stored: this task has the same concurrency key and is at work or waits, and the definition says `join`. */
  | { readonly result: 'joined'; readonly id: string }
  /** Nothing was stored: another task is at work, and the definition says `refuse`. */
  | { readonly result: 'busy' };

/**
 * Answers one of:
 * - `{'created', watched, ahead, id…}`: `ahead` is -1 if it is not known; the ids are those of the tasks that it replaces
 * - `{'earlier', '<body hash> <id>'}`
 * - `{'exceeded', number of the limit (from 1), ms}`
 * - `{'joined', id}`, `{'busy'}` or `{'refused', why}`
 */
export const CREATE_TASK = defineCommand({
  name: 'create-task',
  keys: [
    'task',
    'all',
    'active',
    'unseen',
    'idempotency',
    'mark',
    'unpublished',
    'parents',
    'replaced',
    'operator',
    'line',
    'turns',
    'retried?',
  ],
  args: [
    'id',
    'snapshot',
    'owner',
    'input',
    'bodyHash',
    'idempotencyTtl',
    'taskPrefix',
    'queue',
    'job',
    'band',
    'startsAt',
    'cleanCount',
    'cleanIndex',
    'cleanFrom',
    'retention',
    'limits',
    'gate',
    'gateLimit',
    'whenBusy',
    'child',
    '...more',
  ],
  uses: [
    enqueueJob,
    placeInLine,
    isWatched,
    redisTime,
    removeIds,
    findDead,
    exceededLimit,
    countStart,
    askGate,
    passGate,
    isInGate,
    findChild,
    adoptChild,
    tellOperator,
  ],
  lua: `
-- Was it created before: as this child, with this idempotency key, or as a retry of the same task?
local earlier, parent, parentId, run, key, hash
if child ~= '' then
  parentId, run, key, hash = unpack(cjson.decode(child))
  parent = taskPrefix .. parentId
  local refused
  -- uses findChild
  earlier, refused = findChild(parent, run, key)
  if refused then return {'refused', refused} end
end
if bodyHash ~= '' then earlier = redis.call('GET', idempotency) end
if not earlier and retried then
  local retriedBy = redis.call('HGET', retried, '${FIELD.retriedBy}')
  if retriedBy then earlier = bodyHash .. ' ' .. retriedBy end
end
if earlier then return {'earlier', earlier} end
local watched = isWatched(mark)

-- Do its gate and its limits let it pass? Not asked again if the task is stored already.
local limitList, replaces = limits ~= '' and cjson.decode(limits), {}
if (limitList or gate ~= '') and not redis.call('ZSCORE', all, id) then
  if gate ~= '' and parent then
    -- uses isInGate
    if isInGate(taskPrefix, gate, parentId) then return {'refused', 'own_key'} end
  end
  -- A task that starts later comes to its gate when its time has come.
  if gate ~= '' and startsAt == '' then
    -- uses askGate
    local verdict, found = askGate(taskPrefix, gate, tonumber(gateLimit), whenBusy)
    if verdict == 'busy' then return {'busy'} end
    if verdict == 'replaces' then replaces = found end
    if verdict == 'joined' then
      if bodyHash ~= '' then redis.call('SET', idempotency, bodyHash .. ' ' .. found, 'EX', idempotencyTtl) end
      if retried and redis.call('EXISTS', retried) == 1 then redis.call('HSET', retried, '${FIELD.retriedBy}', found) end
      return {'joined', found}
    end
  end
  if limitList then
    -- uses exceededLimit
    local number, ms = exceededLimit(limitList, redisTime(), taskPrefix)
    if number then return {'exceeded', number, ms} end
  end
end

-- False if the job is known not to be in the line.
local mayWait = true
-- If this creation was sent before and its answer got lost, the id is there already, and nothing changes.
if redis.call('ZADD', all, 'NX', 0, id) == 1 then
  if redis.call('EXISTS', operator) == 1 then
    -- uses tellOperator
    tellOperator(operator, taskPrefix, id, snapshot)
  end
  redis.call('HSET', task, '${FIELD.revision}', 1, '${FIELD.snapshot}', snapshot, '${FIELD.owner}', owner,
    '${FIELD.input}', input, unpack(more))
  if parent then
    -- uses adoptChild
    adoptChild(parents, parent, parentId, task, key, hash .. ' ' .. id, redisTime())
  end
  redis.call('PERSIST', all)
  redis.call('ZADD', active, 0, id)
  if limitList then
    -- uses countStart
    countStart(limitList, redisTime(), task, id)
  end
  -- An open page learns of this task only by push. If this process dies before it pushes, a sweeper pushes.
  if watched == 1 then redis.call('ZADD', unpublished, redisTime(), id) end
  if startsAt ~= '' or gate ~= '' then redis.call('HSET', task, '${FIELD.band}', band) end
  if gate ~= '' then redis.call('HSET', task, '${FIELD.gate}', gateLimit .. ' ' .. gate) end
  if gate == '' or startsAt ~= '' then
    -- uses enqueueJob
    mayWait = enqueueJob(queue, line, turns, taskPrefix, owner, job, band, startsAt)
  else
    -- uses passGate
    passGate(taskPrefix, gate, id, redisTime())
  end
  for _, other in ipairs(replaces) do redis.call('ZADD', replaced, redisTime(), other) end
  if retention ~= '' then redis.call('HSET', task, '${FIELD.retention}', retention) end
  if bodyHash ~= '' then
    redis.call('SET', idempotency, bodyHash .. ' ' .. id, 'EX', idempotencyTtl)
    redis.call('HSET', task, '${FIELD.idempotency}', idempotency)
  end
  if retried and redis.call('EXISTS', retried) == 1 then redis.call('HSET', retried, '${FIELD.retriedBy}', id) end

  if cleanCount ~= '0' then
    local index = cleanIndex == 'unseen' and unseen or all
    -- uses removeIds
    -- uses findDead
    removeIds(findDead(index, tonumber(cleanCount), cleanFrom, taskPrefix), all, active, unseen)
  end
end
local ahead
if mayWait then
  -- uses placeInLine
  ahead = placeInLine(queue, line, owner, job, true)
end
return {'created', watched, ahead or -1, unpack(replaces)}
`,
  parse: (reply): CreationAnswer => {
    const answer = reply as
      | ['created', number, number, ...string[]]
      | ['earlier', string]
      | ['exceeded', number, number]
      | ['joined', string]
      | ['busy']
      | ['refused', ChildRefusal];
    switch (answer[0]) {
      case 'created': {
        const [, watched, ahead, ...replaces] = answer;
        return { result: 'created', watched: watched === 1, ahead: ahead < 0 ? null : ahead, replaces };
      }
      case 'earlier': {
        const [bodyHash = '', id = ''] = answer[1].split(' ');
        return { result: 'earlier', bodyHash, id };
      }
      case 'exceeded':
        return { result: 'exceeded', limit: answer[1] - 1, waitMs: answer[2] };
      case 'refused':
        return { result: 'refused', why: answer[1] };
      case 'joined':
        return { result: 'joined', id: answer[1] };
      case 'busy':
        return { result: 'busy' };
    }
  },
});

/** A second call with the same id changes nothing. */
export function createTask(redis: CommandRunner, task: TaskCreation): Promise<CreationAnswer> {
  const { keys } = redis;
  const { id, owner, idempotency, retryOf, gate, child } = task;
  const cleaning = chooseCleaning();
  return redis.run(
    CREATE_TASK,
    {
      task: keys.task(id),
      all: keys.all(owner),
      active: keys.active(owner),
      unseen: keys.unseen(owner),
      idempotency: keys.idempotency(owner, idempotency?.keyHash ?? ''),
      mark: keys.markOf(owner),
      unpublished: keys.unpublished,
      parents: keys.parents,
      replaced: keys.replaced,
      operator: keys.operator,
      ...keys.line(task.name),
      retried: retryOf === null ? null : keys.task(retryOf),
    },
    {
      id,
      owner,
      snapshot: task.snapshot,
      input: task.input,
      bodyHash: idempotency?.bodyHash ?? '',
      idempotencyTtl: IDEMPOTENCY_TTL_S,
      taskPrefix: keys.task(''),
      queue: keys.queue(task.name),
      job: task.jobId,
      band: task.band,
      startsAt: task.startsAt ?? '',
      cleanCount: cleaning.count,
      cleanIndex: cleaning.index,
      cleanFrom: cleaning.from,
      retention: task.retention,
      limits: encodeLimits(keys, owner, task.limits),
      child: child === null ? '' : JSON.stringify([child.parent, String(child.run), child.key, child.hash]),
      gate: gate === null ? '' : gateName(task.name, gate.key),
      gateLimit: gate?.limit ?? '',
      whenBusy: gate?.whenBusy ?? '',
      more: encodeFields(task.more),
    },
  );
}
