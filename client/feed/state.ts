/**
 * Everything the task feed knows, as one value that never changes in place, and what follows from it. Pure: no timer, no
 * network, no DOM. `reduce.ts` makes the next state, `connect-tasks.ts` performs the effects.
 *
 * What a page sees of it (`FeedSnapshot.connection`):
 *
 * | state      | is so while                                  | the server is asked                              | ends with |
 * |------------|----------------------------------------------|--------------------------------------------------|-----------|
 * | connecting | push was never up, nothing has failed        | every 2.5 s with active tasks, every 12 s without | subscribed → live; push lost → polling; a round failed → offline; 401 → signed-out |
 * | live       | push is subscribed                           | about a task that was silent for 15 s            | push lost → polling; 401 → signed-out |
 * | polling    | push is lost, refused or not authorized      | as in connecting                                 | subscribed → live; a round failed → offline; 401 → signed-out |
 * | offline    | push is away and the last round failed       | after 1, 2, 4, 8, then every 15 s                | a round succeeded → connecting or polling; subscribed → live; 401 → signed-out |
 * | signed-out | the last answer was 401                      | when the page wakes or gets the focus, or another tab knows better | another answer → connecting |
 * | closed     | `close()` was called                         | never                                            | never |
 *
 * In every state but the last, `hide` (the page is being left) pauses push and rounds, and `wake` starts both again.
 */

import { isFinished, type Snapshot } from '../../core/snapshot.ts';
import type { ConnectionInfo } from '../../core/wire.ts';
import type { LinkState } from '../push/link.ts';
import { type ConnectionState, toConnectionState } from './connection.ts';
import { NO_TASKS, type TaskList } from './merge.ts';
import { nextRound, SILENCE } from './rounds/resync.ts';
import type { FeedSnapshot } from './task-feed.ts';

/**
 * How many outcomes are kept beside those that the user asked to see: a page that is open for a week must not keep all
 * that ended in it.
 */
const ROOM = 500;

export interface FeedState {
  /** The user's channel, without the mark of encryption; null while nobody is known. */
  readonly channel: string | null;
  /** The last answer of the server was 401. */
  readonly isSignedOut: boolean;
  /** Grows by one whenever everything known was forgotten. What was asked in an older generation is void. */
  readonly generation: number;
  /** When everything was last forgotten, in milliseconds since 1970; 0 for never. */
  readonly forgottenAt: number;
  /** Until when answers count as contradicting each other about who is signed in; in milliseconds since 1970. */
  readonly disputedUntil: number;
  readonly list: TaskList;
  /**
   * Where the known tasks go on, for `loadMore`: null where they are all there are, undefined while nobody asked, and ''
   * where outcomes were dropped, so that the way back starts at the first page again.
   */
  readonly cursor: string | null | undefined;
  /** How many outcomes are kept. Grows with each older page that was read. */
  readonly room: number;
  /** How to reach the bus, as the server said last; null while it is not known. */
  readonly info: ConnectionInfo | null;
  /** Whether `info` is to be asked for (again). */
  readonly needsInfo: boolean;
  /** Where push stands; null while there is no connection to keep alive. */
  readonly link: LinkState | null;
  /** When each active task was last heard of, by push or by fetch; in milliseconds, by its id. */
  readonly heard: ReadonlyMap<string, number>;
  /** Whether one short page held all tasks there are, as far as is known: most users never have more. */
  readonly isShort: boolean;
  /** Whether everything was forgotten and no round has begun since. */
  readonly needsRound: boolean;
  /** How many rounds failed in a row. */
  readonly failures: number;
  /** Since when rounds fail, in milliseconds; null while they do not. */
  readonly failingSince: number | null;
  /** Seconds the server asked to wait before the next round; 0 for none. */
  readonly retryAfter: number;
  readonly isClosed: boolean;
}

export const INITIAL_STATE: FeedState = {
  channel: null,
  isSignedOut: false,
  generation: 0,
  forgottenAt: 0,
  disputedUntil: 0,
  list: NO_TASKS,
  cursor: undefined,
  room: ROOM,
  info: null,
  needsInfo: true,
  link: null,
  heard: new Map(),
  isShort: true,
  needsRound: false,
  failures: 0,
  failingSince: null,
  retryAfter: 0,
  isClosed: false,
};

/** Whether answers contradict each other about who is signed in. Then the feed asks only as often as after failures. */
export function isDisputed({ disputedUntil }: FeedState, now: number): boolean {
  return now < disputedUntil;
}

/** Whether news is pushed. */
export function isPushed({ link }: FeedState): boolean {
  return !!link?.isUp;
}

/** Whether nothing is to be asked. */
export function isOff({ isClosed, isSignedOut }: FeedState): boolean {
  return isClosed || isSignedOut;
}

export function activeTasks({ list }: FeedState): readonly Snapshot[] {
  return list.tasks.filter((task) => !isFinished(task));
}

/** Active tasks that were not heard of for so long that push, if it is up, should have said something. */
export function silentTasks(state: FeedState, now: number): readonly Snapshot[] {
  return isPushed(state) ? activeTasks(state).filter((task) => silenceOf(state, task, now) >= SILENCE) : [];
}

/** Whether there is something to ask when the time of a round has come. */
export function isRoundDue(state: FeedState, now: number): boolean {
  return !isPushed(state) || state.failures > 0 || silentTasks(state, now).length > 0;
}

/** Milliseconds until the next round as things are; null for none. */
export function roundDelay(state: FeedState, isVisible: boolean, now: number, random: number): number | null {
  const { failures, retryAfter } = state;
  const active = activeTasks(state);
  const silence = active.reduce((longest, task) => Math.max(longest, silenceOf(state, task, now)), 0);
  return nextRound(
    { isPushed: isPushed(state), isVisible, hasActive: active.length > 0, failures, retryAfter, silence },
    random,
  );
}

/** What a page is shown of `state`. @param before the connection as it was shown last, for its identity */
export function toFeedSnapshot(state: FeedState, before: ConnectionState): FeedSnapshot {
  const { tasks, channel } = state.list;
  return {
    tasks,
    connection: toConnectionState(state, before),
    hasMore: typeof state.cursor === 'string',
    channel,
  };
}

/** What there is to show before there is a connection. */
export const NOTHING_YET = toFeedSnapshot(INITIAL_STATE, { status: 'connecting' });

function silenceOf({ heard }: FeedState, { id }: Snapshot, now: number): number {
  return now - (heard.get(id) ?? 0);
}
