// The recorded cases of docs/protocol.md (fixtures/*.json) in inloop's own client.
import { describe, expect, it } from '@jest/globals';
import { dropTasks, markSeen, mergeSnapshots, NO_TASKS } from '../../client/feed/state/merge.ts';
import { parseIds, parseSnapshot } from '../../client/parse.ts';
import { channelOf } from '../../core/channel.ts';
import { shownDone } from '../../core/tasks/pace.ts';
import type { Progress } from '../../core/tasks/snapshot.ts';
import { isPartial } from '../../core/wire.ts';
import channelVectors from './fixtures/channels.json' with { type: 'json' };
import moving from './fixtures/moving.json' with { type: 'json' };
import { RECORDED_CASES } from './recorded-cases.ts';

describe('the channel of an owner', () => {
  it.each(channelVectors.channels)('$owner', ({ owner, plain, encrypted }) => {
    expect(channelOf(owner)).toBe(plain);
    expect(channelOf(owner, { encrypted: true })).toBe(encrypted);
  });
});

describe('merging, in inloop’s own client', () => {
  it.each(RECORDED_CASES)('$name', ({ steps, expected }) => {
    let list = NO_TASKS;
    for (const step of steps) {
      const event = 'event' in step ? step.event : null;
      const { ids, seenAt } = ('event' in step && parseIds(step.data)) || {};
      if (event === 'task.seen' && ids && seenAt) list = markSeen(list, ids, seenAt);
      if (event === 'task.dismissed' && ids) list = dropTasks(list, ids);
      // `parseSnapshot` returns null for the data of `task.seen` and `task.dismissed`, which have ids and no snapshot.
      const given = 'fetched' in step ? step.fetched : [step.data];
      list = mergeSnapshots(
        list,
        given.map(parseSnapshot).filter((snapshot) => snapshot !== null),
      );
    }
    expect({ tasks: list.tasks, fetch: list.tasks.filter(isPartial).map(({ id }) => id) }).toEqual(expected);
  });
});

describe('moving, in inloop’s own client', () => {
  it.each(moving.cases)('$name', ({ progress, shown }) => {
    for (const { ms, done } of shown) expect([ms, shownDone(progress as Progress, ms)]).toEqual([ms, done]);
  });
});
