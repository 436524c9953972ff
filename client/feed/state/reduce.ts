/**
 * The task feed as a state machine: a state and an event give the next state and the effects to perform. Pure, so that
 * each rule is tested without a timer, a network or a page. `state.ts` holds the table of states.
 */

import { isFinished, type Snapshot } from '../../../core/tasks/snapshot.ts';
import { type ConnectionInfo, isPartial, type TaskPage } from '../../../core/wire.ts';
import type { LinkState } from '../../push/link.ts';
import { DISPUTE_TIME } from '../limits.ts';
import type { Round } from '../rounds/resync.ts';
import {
  dropTasks,
  findTask,
  listOfUser,
  markGone,
  markSeen,
  mergeSnapshots,
  type TaskList,
  trimTasks,
} from './merge.ts';
import { type FeedState, INITIAL_STATE, isDisputed } from './state.ts';

/**
 * The events and their arguments. The caller checks that an event belongs to the current generation
 * (`FeedState.generation`). Only the rule of `answered` checks that itself.
 */
export interface FeedEvents {
  /**
   * The server answered a request.
   * @param channel whose answer it is (header `Inloop-Channel`); null where the answer does not say
   * @param generation the generation in which the request was sent
   */
  answered(status: number, channel: string | null, generation: number): void;
  /** It is known who is signed in: their channel, or null where the server does not name it. */
  userNamed(channel: string | null): void;
  /** Somebody else may have signed in. */
  userDoubted(): void;
  /** `GET /connection` was answered. */
  connectionRead(info: ConnectionInfo): void;
  /** The connection to the bus came up, was lost, or may have missed something. */
  linkChanged(link: LinkState): void;
  /** Snapshots arrived, pushed or fetched. */
  received(snapshots: readonly Snapshot[]): void;
  /** Outcomes were seen, here or elsewhere. @param seenAt server time, ISO 8601 */
  seen(ids: readonly string[], seenAt: string): void;
  /** Tasks were dismissed, here or elsewhere. */
  dismissed(ids: readonly string[]): void;
  /** `loadMore` has fetched a page of older tasks. */
  olderRead(page: TaskPage): void;
  /** A pushed event could not be read, and is ignored. @param name the event's name */
  unreadable(name: string): void;
  /** A round of requests starts. */
  roundBegan(): void;
  /**
   * @param goneAt when the tasks that are gone count as gone; server time, ISO 8601
   * @param silent tasks that push had said nothing about for too long, as they were when the round began
   */
  roundSucceeded(round: Round, goneAt: string, silent: readonly Snapshot[]): void;
  /**
   * @param status 0 where no answer came
   * @param retryAfter seconds that the server asked to wait, or null
   * @param hadSilent whether push had said nothing about some active task for too long
   */
  roundFailed(status: number, retryAfter: number | null, hadSilent: boolean): void;
  /** `close()` was called. */
  closed(): void;
}

/** Reports an event to the state machine. */
export type Dispatch = <Name extends keyof FeedEvents>(event: Name, ...args: Parameters<FeedEvents[Name]>) => void;

/** The effects: what `../connect-tasks.ts` does when a rule asks for it. */
export interface FeedActions {
  /** Starts a round of requests now. */
  ask(): void;
  /** Sets the time of the next round. */
  planRound(): void;
  /** Drops everything of the user before: the connection, pushed events that wait, kept answers. */
  dropEverything(): void;
  /** Sends `userNamed` as an event of its own, so that a page sees the empty list between two users. */
  nameUser(channel: string | null): void;
  /** Tells the other tabs who is signed in. */
  tellTabs(): void;
  /** Connects to the bus, in place of any other connection. */
  connect(info: ConnectionInfo): void;
  /**
   * Starts the connection where it is paused, tries to connect soon where push is away, or connects again: push looks healthy,
   * but news did not come over it.
   */
  moveLink(how: 'start' | 'retrySoon' | 'renew'): void;
  /** Fetches a task with its whole result, unless that fetch is running. */
  loadResult(id: string): void;
}

/** The name of an effect, with its argument. */
export type FeedEffect = {
  [Name in keyof FeedActions]: readonly [name: Name, ...args: Parameters<FeedActions[Name]>];
}[keyof FeedActions];

/** The next state, and the effects in the order in which to perform them. */
export type Step = readonly [FeedState, readonly FeedEffect[]];

/** One rule for each event: what follows from it at `now` (by `Timing.now`, in milliseconds since 1970). */
type Rules = {
  readonly [Name in keyof FeedEvents]: (state: FeedState, now: number, ...args: Parameters<FeedEvents[Name]>) => Step;
};

/** The state machine: `RULES.seen(state, now, ids, seenAt)` returns the next state and the effects. */
export const RULES: Rules = {
  answered(state, now, status, channel, generation) {
    if (generation !== state.generation) return step(state);
    if (status === 401) return state.isSignedOut ? step(state) : forget({ ...state, isSignedOut: true }, now);
    // Without the header (an older server, or a proxy that removes it), a success still means that somebody is signed in.
    const hasSignedIn = state.isSignedOut && status < 400;
    return channel !== null || hasSignedIn ? nameUser(state, now, channel) : step(state);
  },
  userNamed: nameUser,
  userDoubted: (state) => step({ ...state, needsInfo: true }),
  connectionRead(state, now, info) {
    const needsInfo = isDisputed(state, now);
    const next = { ...state, needsInfo };
    if (needsInfo) return step(next);
    if (JSON.stringify(state.info) === JSON.stringify(info)) return step(next, ['moveLink', 'start']);
    return step({ ...next, info, link: null }, ['connect', info]);
  },
  linkChanged(state, _now, link) {
    // Somebody else may have signed in: then the server does not authorize the channel.
    const needsInfo = state.needsInfo || link.loss === 'unauthorized';
    return step({ ...state, link, needsInfo }, [link.isUp || needsInfo ? 'ask' : 'planRound']);
  },
  received: receive,
  seen: (state, _now, ids, seenAt) => step({ ...state, list: markSeen(state.list, ids, seenAt) }),
  dismissed: (state, _now, ids) => step({ ...state, list: dropTasks(state.list, ids) }),
  olderRead: (state, now, page) =>
    receive({ ...state, cursor: page.nextCursor, room: state.room + page.tasks.length }, now, page.tasks),
  unreadable: (state) => step(state),
  roundBegan: (state) => step({ ...state, needsRound: false }),
  roundSucceeded(before, _now, round, goneAt, silent) {
    const list = round.gone.reduce((left, id) => markGone(left, id, goneAt), before.list);
    // Push should have brought these changes. So the connection may be dead, although it looks healthy.
    const hasMissed = silent.some((task) => task.revision !== findTask(list, task.id)?.revision);
    const state: FeedState = {
      ...before,
      list,
      // A cursor that is known already points to older tasks.
      cursor: before.cursor === undefined ? round.cursor : before.cursor,
      isShort: round.cursor === null,
      failures: 0,
      failingSince: null,
      retryAfter: round.retryAfter,
    };
    return step(
      state,
      // The server is back, and so may be the bus, or the authorization of its channel.
      ...when(before.failures > 0, ['moveLink', 'retrySoon']),
      ...when(hasMissed, ['moveLink', 'renew']),
      ...loadResults(list),
    );
  },
  roundFailed(state, now, status, retryAfter, hadSilent) {
    return step(
      { ...state, failures: state.failures + 1, failingSince: state.failingSince ?? now, retryAfter: retryAfter ?? 0 },
      ...when(!status && hadSilent, ['moveLink', 'renew']),
    );
  },
  closed: (state) => step({ ...state, isClosed: true }),
};

function step(state: FeedState, ...effects: readonly FeedEffect[]): Step {
  return [state, effects];
}

function when(condition: boolean, effect: FeedEffect): readonly FeedEffect[] {
  return condition ? [effect] : [];
}

// Whose tasks they are

/** The user has changed or signed out: nothing that is known may be shown or used any more. */
function forget(before: FeedState, now: number): Step {
  const { isSignedOut } = before;
  const isContradiction = now - before.forgottenAt < DISPUTE_TIME;
  const state: FeedState = {
    ...INITIAL_STATE,
    isSignedOut,
    failingSince: before.failingSince,
    retryAfter: before.retryAfter,
    // Counted as a failure: otherwise contradicting answers would make the feed ask again and again without a pause.
    failures: before.failures + (isContradiction ? 1 : 0),
    generation: before.generation + 1,
    forgottenAt: now,
    disputedUntil: isContradiction ? now + DISPUTE_TIME : before.disputedUntil,
    needsRound: true,
  };
  return step(state, ['dropEverything'], ...when(isSignedOut, ['tellTabs']));
}

function nameUser(state: FeedState, now: number, named: string | null): Step {
  // While encryption is being switched on or off, some servers name a user's channel with the mark and some without it.
  const channel = named?.replace(/^private-encrypted-/, 'private-') ?? null;
  if (state.channel !== null && channel !== state.channel) {
    const [forgotten, effects] = forget(state, now);
    return step(forgotten, ...effects, ['nameUser', channel]);
  }
  if (!state.isSignedOut && channel === state.channel) return step(state);
  const known = { ...state, channel, isSignedOut: false, list: listOfUser(state.list, channel) };
  return step(known, ['tellTabs'], ...when(state.needsRound, [isDisputed(state, now) ? 'planRound' : 'ask']));
}

// What is known of tasks

function receive(state: FeedState, now: number, snapshots: readonly Snapshot[]): Step {
  const merged = mergeSnapshots(state.list, snapshots, state.channel);
  const list = trimTasks(merged, state.room);
  const heard = new Map(state.heard);
  for (const { id } of snapshots) {
    const task = findTask(list, id);
    if (task && !isFinished(task)) heard.set(id, now);
    else heard.delete(id);
  }
  return step(
    { ...state, list, heard, cursor: list === merged ? state.cursor : '' },
    ...(snapshots.some(isPartial) ? loadResults(list) : []),
    ['planRound'],
  );
}

/** Fetches the results that were too big for a message. */
function loadResults({ tasks }: TaskList): readonly FeedEffect[] {
  return tasks.filter(isPartial).map(({ id }) => ['loadResult', id]);
}
