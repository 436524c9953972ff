/**
 * Asking the server what happened: what one round of questions is, and when the next one is due.
 * Used on every (re)connection, when the page wakes, when an active task has gone silent, and instead of push.
 */

import { TaskError } from '../../../core/error.ts';
import type { Snapshot } from '../../../core/snapshot.ts';
import type { ListState, TaskPage } from '../../../core/wire.ts';
import type { Http } from '../../http.ts';
import { parsePage } from '../../parse.ts';

/** An active task that was silent for this long is asked about, in milliseconds. Workers give a sign of life every 10 s. */
export const SILENCE = 15_000;

/** With nothing to follow and no push, this often: what was started elsewhere is to show within 15 s. In milliseconds. */
const IDLE = 12_000;
const PAGE = 100;
const MAX_PAGES = 10;
const RECENT = 20;

export interface RoundOptions {
  readonly http: Http;
  /** Ids of the tasks that were active when the round began. */
  readonly active: readonly string[];
  /** The most recent tasks of any status first: nothing else is asked where they are all there are. */
  readonly recentFirst: boolean;
  /** Called with each piece as it comes in. */
  readonly onSnapshots: (snapshots: readonly Snapshot[]) => void;
  /** Fetches one task and merges it. */
  readonly load: (id: string) => Promise<unknown>;
  /** The server has no record of this task. */
  readonly onGone: (id: string) => void;
}

export interface Round {
  /** The longest wait that a list asked for, in seconds; 0 where none did. */
  readonly retryAfter: number;
  /** Where the recent tasks go on: null where they are all there are, undefined where they were not asked for. */
  readonly cursor: string | null | undefined;
}

/** One round of questions. @throws TaskError when any of them fails; what came before it is kept. */
export async function askAll({ http, active, recentFirst, onSnapshots, load, onGone }: RoundOptions): Promise<Round> {
  let retryAfter = 0;
  const found = new Set<string>();

  const list = async (state: ListState, cursor?: string | null, limit?: number): Promise<TaskPage> => {
    const page = await fetchPage(http, state, cursor, limit);
    retryAfter = Math.max(retryAfter, page.retryAfter);
    for (const task of page.tasks) found.add(task.id);
    onSnapshots(page.tasks);
    return page;
  };
  /** All active tasks; returns the oldest id that was looked at, or '' when there are no older ones. */
  const listActive = async (): Promise<string> => {
    let page: TaskPage | undefined;
    for (let count = 0; count < MAX_PAGES && page?.nextCursor !== null; count++) {
      page = await list('active', page?.nextCursor);
    }
    return (page?.nextCursor && page.tasks.at(-1)?.id) || '';
  };

  const recent = recentFirst ? await list('all', null, RECENT) : undefined;
  const [oldest] = recent?.nextCursor === null ? [''] : await Promise.all([listActive(), list('unseen')]);

  // Active before and not listed now: it ended and was seen elsewhere, or its record is gone. Ids sort by time.
  const missing = active.filter((id) => !found.has(id) && id > oldest);
  await Promise.all(
    missing.map((id) =>
      load(id).catch((error: TaskError) => {
        if (error.status !== 404) throw error;
        onGone(id);
      }),
    ),
  );
  return { retryAfter, cursor: recent?.nextCursor };
}

/** One page of a list, with the wait it asked for in seconds (0 for none). @throws TaskError */
export async function fetchPage(
  http: Http,
  state: ListState,
  cursor?: string | null,
  limit = PAGE,
): Promise<TaskPage & { readonly retryAfter: number }> {
  const query = `?state=${state}&limit=${limit}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`;
  const { body, retryAfter } = await http.get(query);
  return { ...expectValid(parsePage(body)), retryAfter: retryAfter ?? 0 };
}

/** What a parser made of an answer. @throws TaskError `bad_answer` where it made nothing of it */
export function expectValid<T>(parsed: T | null): T {
  if (parsed !== null) return parsed;
  throw new TaskError('bad_answer', 'The server gave an unexpected answer.', { status: 0 });
}

/** What the time of the next round depends on. */
export interface Pace {
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
 * Milliseconds until the next round, spread at random, or null when there is nothing to ask about until something
 * happens. While push is away an outcome is known within 5 s on a visible page.
 */
export function nextRound(pace: Pace, random: number): number | null {
  const { isPushed, isVisible, hasActive, failures } = pace;
  if (!failures && !hasActive && (isPushed || !isVisible)) return null;
  const asked = Math.min(pace.retryAfter, 120) * 1_000;
  let wait = hasActive ? SILENCE : IDLE;
  if (failures) wait = Math.min(500 * 2 ** failures, isVisible ? SILENCE : 4 * SILENCE);
  else if (isPushed) wait = Math.max(SILENCE - pace.silence, 1_000);
  else if (hasActive && isVisible) wait = 2_500;
  return Math.max(wait, asked) + 0.3 * Math.min(wait, 5_000) * random;
}
