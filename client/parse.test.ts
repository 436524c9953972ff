import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { mergeSnapshots, NO_TASKS } from './feed/state/merge.ts';
import { parseConnection, parseIds, parsePage, parseSnapshot } from './parse.ts';
import { connectionInfo } from './test-support/fake-server.ts';
import { failed, queued, running, succeeded } from './test-support/snapshots.ts';

describe('the parser', () => {
  it('lets every real snapshot through as it is', () => {
    for (const snapshot of [queued(1), running(2, { done: 1, total: null, note: 'x' }), succeeded(3, [1]), failed(4)]) {
      expect(parseSnapshot(snapshot)).toBe(snapshot);
    }
  });

  it.each([
    ['no object', 'task'],
    ['an unknown status', { ...running(1), status: 'paused' }],
    ['a title that is no text', { ...running(1), title: { toString: 'x' } }],
    ['a revision that is no number', { ...running(1), revision: '3' }],
    ['progress whose count is no number', { ...running(1), progress: { done: Number.NaN, total: 3 } }],
    ['a failure without its reason', { ...failed(1), error: null }],
    ['an outcome without its time', { ...succeeded(1), finishedAt: null }],
    ['an active task with a time it ended', { ...running(1), finishedAt: 'now' }],
  ])('ignores %s', (_, value) => {
    expect(parseSnapshot(value)).toBeNull();
  });

  it('never throws', () => {
    const broken = fc.tuple(fc.constantFrom(...Object.keys(running(1))), fc.anything());
    fc.assert(
      fc.property(fc.anything(), broken, (value, [key, bad]) => {
        for (const parse of [parseSnapshot, parsePage, parseIds, parseConnection]) parse(value);
        const snapshot = parseSnapshot({ ...running(1, { done: 1, total: 2 }), [key]: bad });
        if (snapshot) mergeSnapshots(NO_TASKS, [snapshot]);
      }),
    );
  });

  it('leaves broken entries out of a page', () => {
    const page = parsePage({ tasks: [null, running(1), { id: 'x' }], nextCursor: 7 });
    expect(page).toEqual({ tasks: [running(1)], nextCursor: null });
    expect(parsePage({ tasks: 'all' })).toBeNull();
  });

  it('reads connections, and which tasks were seen or dismissed', () => {
    expect(parseConnection(connectionInfo('private-user-ada'))).not.toBeNull();
    expect(parseConnection({ ...connectionInfo('x'), key: null })).toBeNull();
    expect(parseIds({ ids: ['a'], seenAt: 'now' })).toEqual({ ids: ['a'], seenAt: 'now' });
    expect(parseIds({ ids: ['a'] })).toEqual({ ids: ['a'] });
    for (const bad of [{ ids: 'a', seenAt: 'now' }, { ids: ['a', 3] }, { ids: ['a'], seenAt: 7 }, null])
      expect(parseIds(bad)).toBeNull();
  });
});
