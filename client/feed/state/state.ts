/**
 * Everything the task feed knows, as one immutable value, and what follows from that. Pure: no timer, no network, no DOM.
 * `reduce.ts` makes the next state and names the effects, which `../machine.ts` performs.
 *
 * What a page sees of it (`FeedSnapshot.connection`):
 *
 * | state      | lasts while                                  | the server is asked                              | ends with |
 * |------------|----------------------------------------------|--------------------------------------------------|-----------|
 * | connecting | push is not up yet, nothing has failed       | every 2.5 s with active tasks, every 12 s without | subscribed → live; push lost → polling; a round failed → offline; 401 → signed-out |
 * | live       | push is subscribed                           | about a task that was silent for 15 s            | push lost → polling; 401 → signed-out |
 * | polling    | push is lost, refused or not authorized      | as in connecting                                 | subscribed → live; a round failed → offline; 401 → signed-out |
 * | offline    | push is away and the last round failed       | after 1, 2, 4, 8, then every 15 s                | a round succeeded → connecting or polling; subscribed → live; 401 → signed-out |
 * | signed-out | the last answer was 401                      | when the page wakes or gets the focus, by `refresh`, or if another tab says who is signed in | another answer → connecting |
 * | closed     | `close()` was called                         | never                                            | never |
 *
 * In every state but the last, `hide` (the page is being left) pauses push and rounds, and `wake` starts both again. A page that
 * was live is connecting until push is up again.
 */

import { isFinished, type QueuedSnapshot, type Snapshot } from '../../../core/tasks/snapshot.ts';
import type { ConnectionInfo } from '../../../core/wire.ts';
import type { LinkState } from '../../push/link.ts';
import { OUTCOMES_KEPT, SILENCE } from '../limits.ts';
import { nextRound } from '../rounds/resync.ts';
import type { FeedSnapshot } from '../task-feed.ts';
import { type ConnectionState, toConnectionState } from './connection.ts';
import { NO_TASKS, type TaskList } from './merge.ts';

export interface FeedState {
  /** The user's channel, without the mark of encryption; null while nobody is known. */
  readonly channel: string | null;
  /** The last answer of the server was 401. */
  readonly isSignedOut: boolean;
  /** Grows by one whenever everything is forgotten. Answers to requests of an older generation are ignored. */
  readonly generation: number;
  /** When everything was last forgotten, in milliseconds since 1970; 0 for never. */
  readonly forgottenAt: number;
  /** Until when answers count as contradicting each other about who is signed in; in milliseconds since 1970. */
  readonly disputedUntil: number;
  readonly list: TaskList;
  /**
   * The cursor of the next older tasks, for `loadMore`: null where there are none, undefined while that is not known, and ''
   * where outcomes were dropped, so that `loadMore` starts at the first page again.
   */
  readonly cursor: string | null | undefined;
  /** How many outcomes are kept. Grows with each page that `loadMore` reads. */
  readonly room: number;
  /** How to reach the bus, by the last answer of the server; null while that is not known. */
  readonly info: ConnectionInfo | null;
  /** Whether `info` is to be asked for (again). */
  readonly needsInfo: boolean;
  /** Whether push is up or away; null while there is no link. */
  readonly link: LinkState | null;
  /** When the last snapshot of each active task arrived, pushed or fetched; in milliseconds, by task id. */
  readonly heard: ReadonlyMap<string, number>;
  /** Whether the user's tasks fit into one short page, as far as is known. Most users never have more. */
  readonly isShort: boolean;
  /** Whether no round has begun since everything was forgotten. */
  readonly needsRound: boolean;
  /** How many rounds failed in a row. */
  readonly failures: number;
  /** Since when rounds fail, in milliseconds; null while they do not. */
  readonly failingSince: number | null;
  /** Seconds the server asked to wait before the next round; 0 for none. */
  readonly retryAfter: number;
  readonly isClosed: boolean;
}

/** A feed that has asked for nothing yet. */
export const INITIAL_STATE: FeedState = {
  channel: null,
  isSignedOut: false,
  generation: 0,
  forgottenAt: 0,
  disputedUntil: 0,
  list: NO_TASKS,
  cursor: undefined,
  room: OUTCOMES_KEPT,
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
export function isDisputed(state: FeedState, now: number): boolean {
  return now < state.disputedUntil;
}

/** Whether push is up. */
export function isPushed(state: FeedState): boolean {
  return !!state.link?.isUp;
}

/** Whether the server must not be asked: the feed is closed, or nobody is signed in. */
export function isOff(state: FeedState): boolean {
  return state.isClosed || state.isSignedOut;
}

/** Who is signed in: their channel, null for nobody, undefined while that is not known. */
export function knownUser(state: FeedState): string | null | undefined {
  return state.isSignedOut ? null : (state.channel ?? undefined);
}

function activeTasks(state: FeedState): readonly Snapshot[] {
  return state.list.tasks.filter((task) => !isFinished(task));
}

/** Active tasks without a snapshot for so long that push may have failed. Empty while push is away. */
export function silentTasks(state: FeedState, now: number): readonly Snapshot[] {
  return isPushed(state) ? activeTasks(state).filter((task) => silenceOf(state, task, now) >= SILENCE) : [];
}

/** Whether there is something to ask when the time of a round has come. */
export function isRoundDue(state: FeedState, now: number): boolean {
  return !isPushed(state) || state.failures > 0 || silentTasks(state, now).length > 0;
}

/** Milliseconds until the next round as things are; null for none. */
export function roundDelay(state: FeedState, isVisible: boolean, now: number, random: number): number | null {
  const active = activeTasks(state);
  const silence = active.reduce((longest, task) => Math.max(longest, silenceOf(state, task, now)), 0);
  // While push is away, a task that is to start later counts as not active: no news of it is expected before that time.
  const hasActive = active.some((task) => isPushed(state) || silenceOf(state, task, now) >= 0);
  return nextRound({ ...state, isPushed: isPushed(state), isVisible, hasActive, silence }, random);
}

/** What a page is shown of `state`. @param before the connection as it was shown last, for its identity */
export function toFeedSnapshot(state: FeedState, before: ConnectionState): FeedSnapshot {
  return {
    tasks: state.list.tasks,
    connection: toConnectionState(state, before),
    hasMore: state.cursor != null,
    channel: state.list.channel,
  };
}

/** What a page shows before the feed has connected. */
export const NOTHING_YET = toFeedSnapshot(INITIAL_STATE, { status: 'connecting' });

/** How long a task has been silent, in milliseconds; below 0 before it starts. */
function silenceOf(state: FeedState, task: Snapshot, now: number): number {
  return now - Math.max(state.heard.get(task.id) ?? 0, Date.parse((task as QueuedSnapshot).startsAt ?? '') || 0);
}
