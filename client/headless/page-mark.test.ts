import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { at, evolve, failed, queued, running, succeeded } from '../test-support/snapshots.ts';
import { markPage } from './page-mark.ts';
import { ENGLISH } from './words/wording.ts';

describe('the mark of a page', () => {
  it('is the mean progress of the active tasks: below 100 %, and … if none is known', () => {
    const half = running(1, { done: 50, total: 100 });
    expect(markPage([half, running(2, { done: 0, total: 10 }), failed(3)], ENGLISH)).toEqual({
      shape: 'active',
      fraction: 0.25,
      text: '25 %',
    });
    expect(markPage([queued(1)], ENGLISH)).toMatchObject({ fraction: null, text: '…' });
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (done, total) => {
        expect(markPage([running(1, { done, total })], ENGLISH)?.fraction ?? 0).toBeLessThan(1);
      }),
    );
  });

  it('is the sign of the worst outcome that was not seen, if no task is active', () => {
    const cancelled = evolve(queued(4), { type: 'cancel', at: at(1) });
    expect(markPage([cancelled], ENGLISH)?.text).toBe('–');
    expect(markPage([cancelled, succeeded(1)], ENGLISH)?.text).toBe('✓');
    expect(markPage([succeeded(1), failed(2), cancelled], ENGLISH)?.text).toBe('✕');
    expect(markPage([evolve(succeeded(1), { type: 'see', at: at(9) })], ENGLISH)).toBeNull();
  });
});
