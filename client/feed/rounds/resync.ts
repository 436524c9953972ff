/**
 * One round of requests, which asks the server for everything that may have been missed, and the rule when the next round is
 * due. Rounds run on every (re)connection, when a page wakes, for an active task that is silent, and while push is away.
 */

import { TaskError } from '../../../core/error.ts';
import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import { growingWait } from '../../../core/values/backoff.ts';
import type { ListState, TaskPage } from '../../../core/wire.ts';
import type { Http } from '../../http.ts';
import { parsePage } from '../../parse.ts';
import { IDLE_WAIT, MAX_RETRY_AFTER, PAGE_SIZE, RECENT_COUNT, ROUND_PAGES, SILENCE } from '../limits.ts';

/** What the answers of one round say together. */
export interface Round {
  /** The longest `Retry-After` of the answers, in seconds; 0 where none had one. */
  readonly retryAfter: number;
  /** Cursor of the next older tasks: null where there are none, undefined where the recent ones were not asked for. */
  readonly cursor: string | null | undefined;
  /** Ids of tasks the server has no record of. */
  readonly gone: readonly string[];
}

/**
 * Sends the requests of one round.
 * @param tasks those that were known when the round began, without those that are shown as gone
 * @param recentFirst whether to ask for the most recent tasks of any status first. If the user has no others, that is all
 * @param onSnapshots called with the tasks of each answer as it arrives
 * @param load fetches one task and merges it
 * @throws TaskError where a request fails; the answers before it have been handed out already
 */
export async function askAll(
  http: Http,
  tasks: readonly Snapshot[],
  recentFirst: boolean,
  onSnapshots: (snapshots: readonly Snapshot[]) => void,
  load: (id: string) => Promise<unknown>,
): Promise<Round> {
  let retryAfter = 0;
  const found = new Set<string>();
  const gone: string[] = [];

  const list = async (state: ListState, cursor?: string | null, limit?: number): Promise<TaskPage> => {
    const page = await fetchPage(http, state, cursor, limit);
    retryAfter = Math.max(retryAfter, page.retryAfter);
    for (const task of page.tasks) found.add(task.id);
    onSnapshots(page.tasks);
    return page;
  };
  /** The id of the oldest task of `page` if there may be older ones on the server, else ''. Ids sort by time. */
  const oldestOf = (page: TaskPage | undefined) => (page?.nextCursor && page.tasks.at(-1)?.id) || '';
  /** Fetches the active tasks. Returns the id of the oldest one if there may be older ones on the server, else ''. */
  const listActive = async (): Promise<string> => {
    let page: TaskPage | undefined;
    for (let count = 0; count < ROUND_PAGES && page?.nextCursor !== null; count++) {
      page = await list('active', page?.nextCursor);
    }
    return oldestOf(page);
  };

  const recent = recentFirst ? await list('all', null, RECENT_COUNT) : undefined;
  // '~' comes after every id.
  const oldestRecent = recent ? oldestOf(recent) : '~';
  const [oldest] = recent?.nextCursor === null ? [''] : await Promise.all([listActive(), list('unseen')]);

  // Tasks that no answer has listed. An active one has ended and was seen elsewhere, one that had ended was dismissed, or the
  // record is gone. A task older than all that was read may be on a page that was not read, so it is left alone.
  const missing = tasks.filter(({ id, finishedAt }) => id > (finishedAt ? oldestRecent : oldest) && !found.has(id));
  await Promise.all(
    missing.map(({ id }) =>
      load(id).catch((error: TaskError) => {
        if (error.status !== 404) throw error;
        gone.push(id);
      }),
    ),
  );
  return { retryAfter, cursor: recent?.nextCursor, gone };
}

/** Fetches one page of a list, with the `Retry-After` of the answer in seconds (0 for none). @throws TaskError */
export async function fetchPage(
  http: Http,
  state: ListState,
  cursor?: string | null,
  limit = PAGE_SIZE,
): Promise<TaskPage & { readonly retryAfter: number }> {
  const query = `?state=${state}&limit=${limit}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`;
  const { body, retryAfter } = await http.get(query);
  return { ...expectValid(parsePage(body)), retryAfter: retryAfter ?? 0 };
}

/** Returns what a parser of `parse.ts` made of an answer. @throws TaskError `bad_answer` where that is null */
export function expectValid<T>(parsed: T | null): T {
  if (parsed !== null) return parsed;
  throw new TaskError('bad_answer', 'The answer is not one of inloop.', { status: 0 });
}

/** What decides when the next round is due. */
export interface RoundConditions {
  readonly isPushed: boolean;
  readonly isVisible: boolean;
  readonly hasActive: boolean;
  /** How many rounds failed in a row. */
  readonly failures: number;
  /** Seconds the server asked for, or 0. */
  readonly retryAfter: number;
  /** For how long the most silent active task has been silent, in milliseconds. */
  readonly silence: number;
}

/**
 * Milliseconds until the next round, with jitter of up to 1.5 s. Null where no round is needed until something happens.
 * While push is away an outcome is known within 5 s on a visible page.
 */
export function nextRound(conditions: RoundConditions, random: number): number | null {
  const { isPushed, isVisible, hasActive, failures, retryAfter, silence } = conditions;
  if (!failures && !hasActive && (isPushed || !isVisible)) return null;
  let wait = hasActive ? SILENCE : IDLE_WAIT;
  // 1, 2, 4, 8, 15, 15 … s; on a hidden page up to 60 s.
  if (failures) wait = growingWait(failures, 500, isVisible ? SILENCE : 4 * SILENCE);
  else if (isPushed) wait = Math.max(SILENCE - silence, 1_000);
  else if (hasActive && isVisible) wait = 2_500;
  return Math.max(wait, Math.min(retryAfter, MAX_RETRY_AFTER) * 1_000) + 0.3 * Math.min(wait, 5_000) * random;
}
