import { expect, it } from '@jest/globals';
import { running, succeeded } from '../test-support/snapshots.ts';
import { explain } from './explain.ts';
import { type FeedEvents, RULES } from './state/reduce.ts';
import { type FeedState, INITIAL_STATE } from './state/state.ts';

const CHANNEL = 'private-user-ada';
const NOW = Date.parse('2026-01-01T00:00:00.000Z');

/** A feed that knows its user and has these snapshots. */
function known(...snapshots: Parameters<FeedEvents['received']>[0]): FeedState {
  const [named] = RULES.userNamed(INITIAL_STATE, NOW, CHANNEL);
  return RULES.received(named, NOW, snapshots)[0];
}

/** What is said for debugging of an event that comes to a feed in the state `before`. */
function why<Name extends keyof FeedEvents>(
  before: FeedState,
  event: Name,
  ...of: Parameters<FeedEvents[Name]>
): readonly string[] {
  return explain(event, of, before, RULES[event](before, NOW, ...of)[0]);
}

it('says nothing of a snapshot that is shown', () => {
  expect(why(known(), 'received', [running(1)])).toEqual([]);
});

it('says why a snapshot is ignored: doubled, older, or after the outcome', () => {
  const now = running(1, { done: 3, total: 9 });
  expect(why(known(now), 'received', [{ ...now }])).toEqual([expect.stringMatching(/doubled$/)]);
  expect(why(known(now), 'received', [running(1)])).toEqual([expect.stringMatching(/older than revision \d+$/)]);
  const late = { ...running(1), revision: 99 };
  expect(why(known(succeeded(1)), 'received', [late])).toEqual([expect.stringMatching(/is over \(succeeded\)$/)]);
});

it('says which event could not be read', () => {
  expect(why(known(), 'unreadable', 'task.running')).toEqual([expect.stringContaining('ignored event task.running')]);
});

it('says that an answer is dropped because the user has changed', () => {
  const [forgotten] = RULES.answered(known(), NOW, 401, null, 0);
  expect(why(forgotten, 'answered', 200, CHANNEL, 0)).toEqual([expect.stringContaining('before the user changed')]);
  expect(why(known(), 'answered', 401, null, 0)).toEqual([expect.stringContaining('is forgotten')]);
});

it('says how push stands, and why the server is asked', () => {
  const lost = { isUp: false, since: NOW, loss: 'lost' } as const;
  expect(why(known(), 'linkChanged', lost)).toEqual(['push is away: lost']);
  expect(why(known(), 'linkChanged', { ...lost, isUp: true, loss: null })).toEqual(['push is up']);
  expect(why({ ...known(), needsInfo: false }, 'roundBegan')).toEqual(['asks the server: push is away']);
});
