import { describe, expect, it } from '@jest/globals';
import { summarizeEnded, summarizeRuns } from './definition-stats.ts';

const MINUTE = 60_000;

describe('what has ended', () => {
  it('is counted by minute over the change of the hour, and the rate is that of the last five whole minutes', () => {
    const now = Date.parse('2026-03-01T12:02:30Z');
    // The counts of 12:00 to 12:59, of 11:00 to 11:59 and of 10:00 to 10:59. `m2` is the third minute of the hour.
    const stats = summarizeEnded([{ m2: '7', m1: '10', m0: '5' }, { m59: '3', m2: '1', m3: '4' }, { m59: '99' }], now);
    expect(stats.endedByMinute).toHaveLength(60);
    // 11:03 is the first minute shown, 12:02 the last.
    expect(stats.endedByMinute[0]).toBe(4);
    expect(stats.endedByMinute.slice(-4)).toEqual([3, 5, 10, 7]);
    expect(stats.endedPerMinute).toBe((3 + 5 + 10) / 5);
  });

  it('is added up by outcome and by code of the error, the most frequent first', () => {
    const stats = summarizeEnded(
      // The hour under way, the one before and the one before that. `endedLately` counts the first two.
      [
        { succeeded: '5', failed: '3', 'f:no_disk': '1', 'f:no_net': '2' },
        { failed: '2', 'f:no_disk': '2', cancelled: '1' },
        { succeeded: '100' },
      ],
      60 * MINUTE,
    );
    expect(stats.outcomes).toEqual({ succeeded: 105, failed: 5, cancelled: 1 });
    expect(stats.failures).toEqual([
      { code: 'no_disk', count: 3 },
      { code: 'no_net', count: 2 },
    ]);
    expect(stats.endedLately).toBe(11);
  });
});

describe('run times', () => {
  it('have a median and a 95th percentile', () => {
    const runs = Array.from(
      { length: 100 },
      (_, n) => `${new Date(0).toISOString()} ${new Date(n * 1_000).toISOString()}`,
    );
    expect(summarizeRuns(runs)).toEqual({ median: 50, p95: 95, of: 100 });
  });

  it('are null without a run, those of the run if there is one, and leave out runs whose clock went back', () => {
    expect(summarizeRuns([])).toBeNull();
    expect(summarizeRuns(['2026-03-01T12:00:00.000Z 2026-03-01T12:00:02.500Z'])).toEqual({
      median: 2.5,
      p95: 2.5,
      of: 1,
    });
    expect(summarizeRuns(['2026-03-01T12:00:02.000Z 2026-03-01T12:00:00.000Z', 'junk'])).toBeNull();
  });
});
