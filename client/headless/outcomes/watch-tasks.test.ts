import { expect, it } from '@jest/globals';
import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import type { FeedSnapshot } from '../../feed/task-feed.ts';
import { running, succeeded } from '../../test-support/snapshots.ts';
import { watchTasks } from './watch-tasks.ts';

/** Returns a function that shows other tasks, and says what has changed since its last call. */
function setUp(isComplete?: Parameters<typeof watchTasks>[1]) {
  let shown: FeedSnapshot = { tasks: [], connection: { status: 'live' }, hasMore: false, channel: 'ada' };
  const read = watchTasks({ getSnapshot: () => shown }, isComplete);
  return (tasks: readonly Snapshot[], channel: string | null = 'ada') => {
    shown = { ...shown, tasks, channel };
    return read();
  };
}

it('says what changed, and which outcomes were awaited: once', () => {
  const readNews = setUp();
  const active = running(2);
  const past = succeeded(1);
  expect(readNews([active, past])).toMatchObject({ changed: [active, past], reached: [] });
  expect(readNews([active, past])).toMatchObject({ changed: [], reached: [] });
  const outcome = succeeded(2);
  expect(readNews([outcome, past])).toMatchObject({ changed: [outcome], reached: [outcome] });
  expect(readNews([{ ...outcome }, past]).reached).toEqual([]);
});

it('waits for an outcome whose result is not fetched yet', () => {
  const readNews = setUp(({ resultOmitted }) => !resultOmitted);
  readNews([running(1)]);
  expect(readNews([{ ...succeeded(1), resultOmitted: true } as Snapshot]).reached).toEqual([]);
  expect(readNews([succeeded(1)]).reached).toHaveLength(1);
});

it('forgets what another user awaited, but keeps what was there before the user was known', () => {
  const readNews = setUp();
  readNews([running(1)], null);
  expect(readNews([succeeded(1)], 'ada')).toMatchObject({ hasUserLeft: false, reached: [succeeded(1)] });
  readNews([running(1)], 'ada');
  expect(readNews([succeeded(1)], 'bea')).toMatchObject({ hasUserLeft: true, reached: [] });
});
