/** Reads the story of a task, which scripts have written (index-scripts.ts). It serves the operator's page. */

import type { StoryEntry, StoryType } from '../../core/operator/task-details.ts';
import { isOutcome, type Status } from '../../core/tasks/snapshot.ts';
import type { CommandRunner } from '../store/commands/define-command.ts';
import { STORY_LENGTH } from './index-scripts.ts';

/** An entry as a script stores it: when (ms), and what the task was and became. A push has only the first two. */
type Stored = readonly [
  at: number,
  status: Status | 'pushed',
  attempt?: number,
  before?: Status | '',
  attemptBefore?: number,
  code?: string,
  worker?: string,
  expectedAt?: string,
  waitingFor?: string,
];

/** The code of the error of an attempt whose worker died. */
const WORKER_LOST = 'worker_lost';

/**
 * The story of a task, the oldest entry first. `isCut`: whether earlier entries may be missing.
 * @throws TaskError `store_unavailable`
 */
export async function readStory(
  redis: CommandRunner,
  id: string,
): Promise<{ readonly story: readonly StoryEntry[]; readonly isCut: boolean }> {
  const lines = await redis.send((client) => client.lRange(`${redis.keys.task(id)}:story`, 0, -1));
  const story: StoryEntry[] = [];
  for (const line of lines.reverse()) {
    // Only our scripts write entries, so each is valid JSON.
    story.push(toEntry(JSON.parse(line) as Stored, story.at(-1)?.attempt ?? 0));
  }
  return { story, isCut: lines.length >= STORY_LENGTH || story[0]?.type !== 'accepted' };
}

/** @param lastAttempt of the entry before */
function toEntry(stored: Stored, lastAttempt: number): StoryEntry {
  const [at, status, attempt = lastAttempt, , attemptBefore = attempt, code = '', worker = '', expectedAt = ''] =
    stored;
  const type = typeOf(stored);
  return {
    at: new Date(at).toISOString(),
    type,
    // An entry about an attempt that has ended names that attempt, not the one that the task waits for.
    attempt: status === 'retrying' ? attemptBefore : attempt,
    code: code || null,
    worker: type === 'pushed' || type === 'accepted' ? null : worker || null,
    dueAt: status === 'retrying' ? expectedAt || null : null,
  };
}

function typeOf([, status, attempt, , attemptBefore, code, , , waitingFor]: Stored): StoryType {
  if (status === 'pushed' || isOutcome(status as Status)) return status as StoryType;
  switch (status as Exclude<Status, 'succeeded' | 'failed' | 'cancelled'>) {
    case 'queued':
      return 'accepted';
    case 'running':
      return waitingFor === 'children' ? 'waits-for-children' : 'started';
    case 'cancelling':
      return 'cancelling';
    case 'retrying':
      // A task that was handed back stays at its attempt.
      if (attempt === attemptBefore) return 'handed-back';
      return code === WORKER_LOST ? 'crashed' : 'failed-attempt';
  }
}
