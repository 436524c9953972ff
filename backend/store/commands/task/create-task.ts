/**
 * Stores a new task and adds its job, in one step: accepted is both or neither. If its idempotency key was used before, or
 * the task that it retries was retried before, nothing is stored and the earlier task's id comes back.
 */

import { FIELD } from '../../record.ts';
import { chooseCleaning } from '../cleaning.ts';
import { type CommandRunner, defineCommand } from '../define-command.ts';
import { addJob, isWatched, redisTime, removeIds } from '../lua.ts';

const IDEMPOTENCY_TTL_S = 24 * 3_600;

/** A task to be stored. Texts are JSON where nothing else is said. */
export interface TaskCreation {
  readonly id: string;
  readonly owner: string;
  /** The definition's name. */
  readonly name: string;
  readonly snapshot: string;
  readonly input: string;
  /** The input as it came; '' where it was no JSON; null where it is the same as `input`. */
  readonly raw: string | null;
  readonly jobId: string;
  /** Hashes of the Idempotency-Key and of what it stands for. */
  readonly idempotency: { readonly keyHash: string; readonly bodyHash: string } | null;
  /** Id of the task that this one retries. */
  readonly retryOf: string | null;
}

/** What became of a creation. */
export interface CreationAnswer {
  /** The task that there is already, and the hash of its body ('' without an idempotency key); null if this one is new. */
  readonly known: { readonly bodyHash: string; readonly id: string } | null;
  readonly watched: boolean;
}

/** Answers `{known, watched}`: known is `<body hash> <id>` or ''. */
export const CREATE_TASK = defineCommand({
  name: 'create-task',
  keys: ['task', 'all', 'active', 'unseen', 'idempotency', 'mark', 'unpublished', 'retried?'],
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
    'cleanMost',
    'cleanIndex',
    'cleanFrom',
    'raw?',
  ],
  uses: [addJob, isWatched, redisTime, removeIds],
  lua: `
local known
if bodyHash ~= '' then known = redis.call('GET', idempotency) end
if not known and retried then
  local retriedBy = redis.call('HGET', retried, '${FIELD.retriedBy}')
  if retriedBy then known = bodyHash .. ' ' .. retriedBy end
end
if known then return {known, 1} end

-- A creation that is sent twice finds its id there, and changes nothing.
if redis.call('ZADD', all, 'NX', 0, id) == 1 then
  redis.call('HSET', task,
    '${FIELD.revision}', 1, '${FIELD.snapshot}', snapshot, '${FIELD.owner}', owner, '${FIELD.input}', input)
  if raw then redis.call('HSET', task, '${FIELD.raw}', raw) end
  redis.call('PERSIST', all)
  redis.call('ZADD', active, 0, id)
  -- An open page learns of this task by push only. If this process freezes before it pushes, another one does.
  if isWatched(mark) == 1 then redis.call('ZADD', unpublished, redisTime(), id) end
  addJob(queue, job, '')
  if bodyHash ~= '' then redis.call('SET', idempotency, bodyHash .. ' ' .. id, 'EX', idempotencyTtl) end
  if retried and redis.call('EXISTS', retried) == 1 then redis.call('HSET', retried, '${FIELD.retriedBy}', id) end

  if cleanMost ~= '0' then
    local index, most, kept, dead = all, tonumber(cleanMost), 0, {}
    if cleanIndex == 'unseen' then index = unseen end
    local from = math.floor(math.max(redis.call('ZCARD', index) - most, 0) * cleanFrom)
    for _, other in ipairs(redis.call('ZRANGE', index, from, from + most - 1)) do
      if redis.call('EXISTS', taskPrefix .. other) == 0 then dead[#dead + 1] = other else kept = kept + 1 end
      -- Neighbours expire at about the same time. Three living ones: there is little to clean here.
      if kept == 3 then break end
    end
    removeIds(dead, all, active, unseen)
  end
end
return {'', isWatched(mark)}
`,
  parse: (reply): CreationAnswer => {
    const [known, watched] = reply as [string, number];
    const [bodyHash = '', id] = known.split(' ');
    return { known: id ? { bodyHash, id } : null, watched: watched === 1 };
  },
});

/** Doing so twice with the same id is harmless. */
export function createTask(redis: CommandRunner, task: TaskCreation): Promise<CreationAnswer> {
  const { keys } = redis;
  const { id, owner, idempotency, retryOf } = task;
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
      cleanMost: cleaning.most,
      cleanIndex: cleaning.index,
      cleanFrom: cleaning.from,
      raw: task.raw,
    },
  );
}
