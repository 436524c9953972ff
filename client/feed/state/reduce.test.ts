// The rules of the feed, one by one, without timers, network or a page. As a whole: connect-tasks.test.ts, users.test.ts.
import { describe, expect, it } from '@jest/globals';
import { connectionInfo } from '../../test-support/fake-server.ts';
import { at, running, succeeded } from '../../test-support/snapshots.ts';
import { isGone } from './merge.ts';
import { type FeedEvents, RULES, type Step } from './reduce.ts';
import { type FeedState, INITIAL_STATE, isRoundDue, silentTasks, toFeedSnapshot } from './state.ts';

const ADA = 'private-user-ada';
const BEA = 'private-user-bea';
const NOW = Date.parse('2026-01-01T00:00:00.000Z');
const UP = { isUp: true, since: NOW, loss: null } as const;
const LOST = { isUp: false, since: NOW, loss: 'lost' } as const;
const INFO = connectionInfo(ADA);
const ROUND = { retryAfter: 0, cursor: null, gone: [] };

const KNOWN = next(INITIAL_STATE, 'answered', 200, ADA, 0)[0];
const LIVE = next(next(KNOWN, 'connectionRead', INFO)[0], 'linkChanged', UP)[0];

/** What the rule of `event` makes of `state`. The arguments of each event are named in `FeedEvents`. */
function next<Name extends keyof FeedEvents>(state: FeedState, event: Name, ...of: Parameters<FeedEvents[Name]>): Step {
  return RULES[event](state, NOW, ...of);
}

const effectsOf = ([, effects]: Step) => effects.map((effect) => effect.join(' '));
const statusOf = (state: FeedState) => toFeedSnapshot(state, { status: 'connecting' }).connection.status;

describe('the state that a page is shown', () => {
  it.each([
    ['connecting', KNOWN],
    ['live', LIVE],
    ['polling', next(LIVE, 'linkChanged', LOST)[0]],
    ['offline', next(next(LIVE, 'linkChanged', LOST)[0], 'roundFailed', 0, null, false)[0]],
    ['live', next(LIVE, 'roundFailed', 0, null, false)[0]],
    ['signed-out', next(LIVE, 'answered', 401, null, 0)[0]],
    ['closed', next(LIVE, 'closed')[0]],
  ])('%s', (status, state) => {
    expect(statusOf(state)).toBe(status);
  });
});

describe('whose tasks they are', () => {
  const withTasks = next(LIVE, 'received', [running(1)])[0];

  it('tells the other tabs of the first user that is named, and asks nothing more', () => {
    expect(effectsOf(next(INITIAL_STATE, 'answered', 200, ADA, 0))).toEqual(['tellTabs']);
  });

  it('takes the encrypted form of a channel for the same user', () => {
    expect(next(KNOWN, 'answered', 200, ADA.replace('private-', 'private-encrypted-'), 0)).toEqual([KNOWN, []]);
  });

  it('forgets everything at an answer for another user, then names that user, then asks', () => {
    const forgotten = next(withTasks, 'answered', 200, BEA, 0);
    expect(effectsOf(forgotten)).toEqual(['dropEverything', `nameUser ${BEA}`]);
    expect(forgotten[0]).toMatchObject({ generation: 1, channel: null, list: { tasks: [] }, info: null, link: null });
    const named = next(forgotten[0], 'userNamed', BEA);
    expect([named[0].channel, effectsOf(named)]).toEqual([BEA, ['tellTabs', 'ask']]);
  });

  it('ignores an answer to what was asked in an older generation', () => {
    const [forgotten] = next(withTasks, 'answered', 401, null, 0);
    expect(next(forgotten, 'answered', 200, ADA, 0)).toEqual([forgotten, []]);
  });

  it('asks again where a success follows a 401, with the header or without', () => {
    const [signedOut] = next(withTasks, 'answered', 401, null, 0);
    for (const channel of [ADA, null]) {
      expect(effectsOf(next(signedOut, 'answered', 200, channel, 1))).toEqual(['tellTabs', 'ask']);
    }
    expect(next(signedOut, 'answered', 500, null, 1)).toEqual([signedOut, []]);
  });

  it('asks as seldom as after failures while answers contradict each other', () => {
    const [first] = next(withTasks, 'answered', 200, BEA, 0);
    const [second] = next(next(first, 'userNamed', BEA)[0], 'answered', 200, ADA, 1);
    expect(second.failures).toBe(1);
    expect(effectsOf(next(second, 'userNamed', ADA))).toEqual(['tellTabs', 'planRound']);
    expect(next(second, 'connectionRead', INFO)[0].info).toBeNull();
  });
});

describe('push', () => {
  it('connects with what the server says, and keeps the connection while the server says the same', () => {
    expect(next(KNOWN, 'connectionRead', INFO)[1]).toEqual([['connect', INFO]]);
    expect(effectsOf(next(LIVE, 'connectionRead', { ...INFO }))).toEqual(['moveLink start']);
  });

  it('asks at once when it is up or not authorized, and later when it is lost', () => {
    expect(effectsOf(next(LIVE, 'linkChanged', UP))).toEqual(['ask']);
    expect(effectsOf(next(LIVE, 'linkChanged', LOST))).toEqual(['planRound']);
    const refused = next(LIVE, 'linkChanged', { ...LOST, loss: 'unauthorized' });
    expect([refused[0].needsInfo, effectsOf(refused)]).toEqual([true, ['ask']]);
  });

  it('asks about a task that push is silent about for 15 s, and renews a connection over which no news came', () => {
    const [state] = next(LIVE, 'received', [running(1)]);
    expect([isRoundDue(state, NOW + 14_999), isRoundDue(state, NOW + 15_000)]).toEqual([false, true]);
    const silent = silentTasks(state, NOW + 15_000);
    expect(effectsOf(next(state, 'roundSucceeded', ROUND, at(0), silent))).toEqual([]);
    const [news] = next(state, 'received', [running(1, { done: 3, total: 9 })]);
    expect(effectsOf(next(news, 'roundSucceeded', ROUND, at(0), silent))).toEqual(['moveLink renew']);
    // Status 0: no answer came, so the network may be gone, and the connection to the bus with it.
    expect(effectsOf(next(state, 'roundFailed', 0, null, true))).toEqual(['moveLink renew']);
    expect(effectsOf(next(state, 'roundFailed', 503, null, true))).toEqual([]);
  });
});

describe('rounds', () => {
  it('count failures and keep the time of the first, until one succeeds', () => {
    const [failed] = next(LIVE, 'roundFailed', 503, 7, false);
    expect(failed).toMatchObject({ failures: 1, failingSince: NOW, retryAfter: 7 });
    const succeededRound = next(failed, 'roundSucceeded', ROUND, at(0), []);
    expect(succeededRound[0]).toMatchObject({ failures: 0, failingSince: null, retryAfter: 0 });
    expect(effectsOf(succeededRound)).toEqual(['moveLink retrySoon']);
  });

  it('mark tasks that the server has no record of', () => {
    const [state] = next(LIVE, 'received', [running(1)]);
    const [{ list }] = next(state, 'roundSucceeded', { ...ROUND, gone: [running(1).id] }, at(9), []);
    expect(list.tasks.map(isGone)).toEqual([true]);
  });

  it('keep the cursor that points furthest back', () => {
    const [first] = next(LIVE, 'roundSucceeded', { ...ROUND, cursor: 'a' }, at(0), []);
    const [older] = next(first, 'olderRead', { tasks: [succeeded(1)], nextCursor: 'b' });
    const [again] = next(older, 'roundSucceeded', { ...ROUND, cursor: 'a' }, at(0), []);
    expect([first.cursor, older.cursor, again.cursor]).toEqual(['a', 'b', 'b']);
  });
});

describe('snapshots', () => {
  it('are merged, and results that were too big for a message are fetched', () => {
    const partial = { ...succeeded(1), result: null, resultOmitted: true } as never;
    expect(effectsOf(next(LIVE, 'received', [partial]))).toEqual([`loadResult ${succeeded(1).id}`, 'planRound']);
    expect(effectsOf(next(LIVE, 'received', [succeeded(1)]))).toEqual(['planRound']);
  });

  it('beyond 500 outcomes are dropped, and older tasks are then fetched from the first page again', () => {
    const outcomes = Array.from({ length: 501 }, (_, index) => succeeded(index + 1));
    const [state] = next(LIVE, 'received', outcomes);
    expect([state.list.tasks.length, state.cursor]).toEqual([500, '']);
    expect(toFeedSnapshot(state, { status: 'live' }).hasMore).toBe(true);
  });

  it('change nothing in the states before', () => {
    const before = structuredClone(LIVE);
    next(LIVE, 'received', [running(1)]);
    next(LIVE, 'answered', 401, null, 0);
    expect(LIVE).toEqual(before);
  });
});
