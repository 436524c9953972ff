/**
 * Stores a change of a task, if the task is still at the revision and in the run that the change was decided on. The
 * owner's indexes, the worker's list of running tasks, the job of the next run and the announcements follow in the same
 * step. An outcome that comes from a run also ends the job of that run.
 */

import type { Children, Outcome } from '../../../../core/tasks/snapshot.ts';
import { countChild, noteFamilyChange } from '../../../family/family-scripts.ts';
import { tellOperator } from '../../../operator/index-scripts.ts';
import type { Isolation } from '../../../recovery/probation.ts';
import { leaveGate } from '../../limits/gate-scripts.ts';
import { uncount } from '../../limits/limit-scripts.ts';
import {
  decodeChildren,
  encodeFields,
  FIELD,
  type StoredFields,
  type StoredSnapshot,
  storedSnapshot,
} from '../../record.ts';
import { chooseCount } from '../cleaning.ts';
import { type CommandRunner, defineCommand } from '../define-command.ts';
import { addJob, countWorkers, dequeueJob, endJob, isWatched, redisTime } from '../lua.ts';
import { keepDuration, queueForHooks, removeOldest } from '../outcome-scripts.ts';

/**
 * What a change does to the run of the task. `handedBackProgress` is JSON, or '' for none. `suspicion` is JSON, or '' if it stays
 * as it is.
 */
export type RunChange =
  | { readonly type: 'start'; readonly worker: string; readonly isolation: Isolation }
  | { readonly type: 'end'; readonly handedBackProgress: string; readonly suspicion: string };

/** A change to be stored. */
export interface Commit {
  readonly id: string;
  readonly owner: string;
  /** The definition's name. */
  readonly name: string;
  /** The revision that the change was decided on. */
  readonly expected: number;
  /** The revision of `snapshot`. */
  readonly revision: number;
  /** JSON. */
  readonly snapshot: string;
  /** The result that the snapshot leaves out, as JSON; '' for none. */
  readonly result: string;
  /** An outcome takes the task out of `active`, puts it into `unseen` unless it is a child, and lets its record expire. */
  readonly kind: 'step' | Outcome;
  /** The run that the change comes from. The change is refused if a later run has begun. Null if it comes from no run. */
  readonly run: number | null;
  readonly runChange: RunChange | null;
  /** How long the task took, in ms, if that counts for the usual duration; otherwise null. */
  readonly duration: number | null;
  /** The job that the task waits for from now on, and when it is due (ms since 1970; null for at once). */
  readonly job: { readonly id: string; readonly at: number | null } | null;
  /** Whether the job of the task's next run leaves the line, because the task was cancelled while it waited. */
  readonly leavesLine: boolean;
  /** Whether to tell workers that this task is to be cancelled. */
  readonly announceCancel: boolean;
  /** Further fields that change: JSON, or '' for one that is to be removed. */
  readonly more: Pick<StoredFields, 'checkpoint' | 'checkpointProgress' | 'returned'>;
  /** The id of the task whose child this one is; null if it is none. */
  readonly parent: string | null;
  /** Whether the snapshot on which the change was decided shows that the task has children. */
  readonly knowsChildren: boolean;
  /**
   * Whether the change affects the task's children, if it has any: its status changes, or it begins to wait for them. The story
   * on the operator's page has an entry for the same changes.
   */
  readonly mattersToChildren: boolean;
}

/** What became of a change. */
export type CommitAnswer =
  /** `watched` is always true for an outcome, which is pushed in any case. */
  | {
      readonly result: 'ok';
      readonly watched: boolean;
      /** How many workers run tasks of the owner; null if that was not counted, for example since the owner is not watched. */
      readonly workers: number | null;
      /** The task is a child whose outcome may end its parent: it was the last one, or did not succeed. */
      readonly mayEndParent: boolean;
    }
  | { readonly result: 'missing' }
  /** Another run has begun. */
  | { readonly result: 'stale' }
  /** The change would end the task, but was decided on a snapshot without its children. It has to be decided again. */
  | { readonly result: 'children'; readonly children: Children }
  /** The task is at another revision: this one. */
  | ({ readonly result: 'conflict' } & StoredSnapshot);

/**
 * Answers `{'ok', watched, mayEndParent, workers}`, `{'missing'}`, `{'stale'}`, `{'children', total, ended, failed}` or
 * `{'conflict', snapshot, seenAt}`.
 */
export const COMMIT_CHANGE = defineCommand({
  name: 'commit-change',
  keys: [
    'task',
    'all',
    'active',
    'unseen',
    'mark',
    'unpublished',
    'parents',
    'durations',
    'hooks',
    'operator',
    'line',
    'turns',
  ],
  args: [
    'id',
    'expected',
    'revision',
    'snapshot',
    'result',
    'kind',
    'retention',
    'duration',
    'run',
    'runChange',
    'runningPrefix',
    'worker',
    'isolation',
    'handedBackProgress',
    'suspicion',
    'queue',
    'job',
    'jobAt',
    'leaver',
    'cancelChannel',
    'changedChannel',
    'cleanCount',
    'hookPrefix',
    'parent',
    'knowsChildren',
    'mattersToChildren',
    '...more',
  ],
  uses: [
    redisTime,
    isWatched,
    countWorkers,
    addJob,
    dequeueJob,
    endJob,
    removeOldest,
    queueForHooks,
    keepDuration,
    uncount,
    noteFamilyChange,
    countChild,
    leaveGate,
    tellOperator,
  ],
  lua: `
local stored = redis.call('HMGET', task, '${FIELD.revision}', '${FIELD.run}', '${FIELD.worker}',
  '${FIELD.waitedUntil}', '${FIELD.retention}', '${FIELD.countedIn}', '${FIELD.gate}',
  '${FIELD.childrenTotal}')
local storedRevision, storedRun, storedWorker, waitedUntil, ownRetention, countedIn, gate, children = unpack(stored, 1, 8)
if not storedRevision then return {'missing'} end
if run ~= '' and storedRun and storedRun ~= run then return {'stale'} end
if storedRevision ~= expected then
  local current = redis.call('HMGET', task, '${FIELD.snapshot}', '${FIELD.seenAt}')
  return {'conflict', current[1], current[2] or ''}
end

local isOutcome, isStart = kind ~= 'step', runChange == 'start'
local taskPrefix = string.sub(task, 1, -#id - 1)
if children and isOutcome and knowsChildren == '0' then
  local counts = redis.call('HMGET', task, '${FIELD.childrenEnded}', '${FIELD.childrenFailed}')
  return {'children', children, counts[1] or '0', counts[2] or '0'}
end

local changed = {'${FIELD.revision}', revision, '${FIELD.snapshot}', snapshot}
local function set(field, value)
  changed[#changed + 1] = field
  changed[#changed + 1] = value
end
if result ~= '' then set('${FIELD.result}', result) end

local now
if isOutcome or isStart or waitedUntil then
  now = redisTime()
  if isStart then
    set('${FIELD.run}', run + 1)
    set('${FIELD.worker}', worker)
    set('${FIELD.begunAt}', now)
    redis.call('HSET', runningPrefix .. worker, id, isolation)
  end
  if waitedUntil and now < tonumber(waitedUntil) then redis.call('PUBLISH', changedChannel, id) end
  if isOutcome then
    redis.call('ZADD', unpublished, now, id)
    if cleanCount ~= '0' then
      -- uses removeOldest
      removeOldest(unpublished, now - retention * 1000, cleanCount)
    end
    local registered = redis.call('ZRANGE', hooks, now - retention * 1000, '+inf', 'BYSCORE')
    if #registered > 0 then
      -- uses queueForHooks
      if queueForHooks(registered, hookPrefix, id, now, retention) then set('${FIELD.hookPending}', 1) end
    end
  end
end

if runChange == 'end' and storedWorker then
  set('${FIELD.worker}', '')
  set('${FIELD.handedBackProgress}', handedBackProgress)
  if suspicion ~= '' then set('${FIELD.suspicion}', suspicion) end
  redis.call('HDEL', runningPrefix .. storedWorker, id)
end

-- The list 'more' alternates names and values of fields.
for n = 1, #more, 2 do
  if more[n + 1] == '' then redis.call('HDEL', task, more[n]) else set(more[n], more[n + 1]) end
end

local kept = isOutcome and (ownRetention and string.match(ownRetention, kind .. '=(%d+)') or retention)
if (isOutcome or isStart or mattersToChildren == '1') and redis.call('EXISTS', operator) == 1 then
  -- uses tellOperator
  tellOperator(operator, taskPrefix, id, snapshot, isStart and worker or storedWorker, kept)
end
redis.call('HSET', task, unpack(changed))
if children and mattersToChildren == '1' then
  -- uses noteFamilyChange
  noteFamilyChange(parents, task, id, redisTime())
end

local mayEndParent = 0
if isOutcome then
  redis.call('EXPIRE', task, kept)
  redis.call('ZREM', active, id)
  if countedIn then
    -- uses uncount
    uncount(countedIn, id)
  end
  if gate then
    -- uses leaveGate
    leaveGate(taskPrefix, gate, id)
  end
  if children then redis.call('EXPIRE', task .. ':children', kept) end
  if parent == '' then
    redis.call('ZADD', unseen, 0, id)
    redis.call('EXPIRE', unseen, retention)
  else
    -- uses countChild
    mayEndParent = countChild(parents, taskPrefix .. parent, parent, kind ~= 'succeeded', redisTime())
  end
  -- With no active task left, every record has a time to live, so the index needs one too.
  if redis.call('ZCARD', active) == 0 then redis.call('EXPIRE', all, retention) end
  if duration ~= '' then
    -- uses keepDuration
    keepDuration(durations, duration)
  end
  if run ~= '' then
    -- uses endJob
    endJob(queue .. 'active', queue .. 'jobs', id .. ':' .. run)
  end
end

if job ~= '' then
  -- uses addJob
  addJob(queue, job, jobAt)
end
if leaver ~= '' then
  -- uses dequeueJob
  dequeueJob(queue, line, turns, leaver, id .. ':' .. (storedRun or 0) + 1)
end
if cancelChannel ~= '' then redis.call('PUBLISH', cancelChannel, id) end
if isOutcome then return {'ok', 1, mayEndParent, 0} end
-- The worker that runs the task, if any, shares the owner's message budget with the others that are counted here.
local runner = isStart and worker or storedWorker
if not runner or runner == '' then
  -- uses isWatched
  return {'ok', isWatched(mark), 0, 0}
end
-- uses countWorkers
local workers = countWorkers(mark, runner, now or redisTime())
return {'ok', math.min(workers, 1), 0, workers}
`,
  parse: (reply): CommitAnswer => {
    const answer = reply as
      | ['ok', number, number, number]
      | ['missing']
      | ['stale']
      | ['children', string, string, string]
      | ['conflict', string, string];
    if (answer[0] === 'ok') {
      const [, watched, mayEndParent, workers] = answer;
      return { result: 'ok', watched: watched === 1, mayEndParent: mayEndParent === 1, workers: workers || null };
    }
    if (answer[0] === 'children') return { result: 'children', children: decodeChildren(answer.slice(1)) };
    if (answer[0] === 'conflict') return { result: 'conflict', ...storedSnapshot(answer[1], answer[2]) };
    return { result: answer[0] };
  },
});

/** Stores `change`, unless the task is at another revision than it expects. @throws TaskError `store_unavailable` */
export function commitChange(redis: CommandRunner, change: Commit): Promise<CommitAnswer> {
  const { keys, retention } = redis;
  const { id, owner, name, run, duration, job, runChange } = change;
  const started = runChange?.type === 'start' ? runChange : null;
  const ended = runChange?.type === 'end' ? runChange : null;
  return redis.run(
    COMMIT_CHANGE,
    {
      task: keys.task(id),
      all: keys.all(owner),
      active: keys.active(owner),
      unseen: keys.unseen(owner),
      mark: keys.markOf(owner),
      unpublished: keys.unpublished,
      parents: keys.parents,
      durations: keys.durations(name),
      hooks: keys.hooks,
      operator: keys.operator,
      ...keys.line(name),
    },
    {
      id,
      expected: change.expected,
      revision: change.revision,
      snapshot: change.snapshot,
      result: change.result,
      kind: change.kind,
      retention,
      duration: duration === null ? '' : Math.round(duration),
      run: run ?? '',
      runChange: runChange?.type ?? '',
      runningPrefix: keys.running(''),
      worker: started?.worker ?? '',
      isolation: started?.isolation ?? '',
      handedBackProgress: ended?.handedBackProgress ?? '',
      suspicion: ended?.suspicion ?? '',
      queue: keys.queue(name),
      job: job?.id ?? '',
      jobAt: job?.at ?? '',
      leaver: change.leavesLine ? owner : '',
      cancelChannel: change.announceCancel ? keys.cancelChannel : '',
      changedChannel: keys.changedChannel,
      cleanCount: chooseCount(),
      hookPrefix: keys.hook(''),
      parent: change.parent ?? '',
      knowsChildren: change.knowsChildren ? 1 : 0,
      mattersToChildren: change.mattersToChildren ? 1 : 0,
      more: encodeFields(change.more),
    },
  );
}
