import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { REPOSITORY } from '../../dev/paths.ts';
import { readProfile } from './profile.ts';
import { median, percentile, ratio } from './stats.ts';
import { figure, spread, table } from './table.ts';

describe('figures', () => {
  it('are compared by the median of the rounds, and by the ratio of two stacks within each round', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(percentile([5, 1, 4, 2, 3], 0.5)).toBe(3);
    expect(percentile([1, 2], 0.99)).toBe(2);
    // The second round was ten times as slow for both.
    expect(ratio([2, 20, 2], [1, 10, 1])).toBe(2);
  });

  it('have three significant digits, and a dash where nothing was measured', () => {
    expect([0.05123, 3.5149, 88.06, 1234.5, 0].map(figure)).toEqual(['0.0512', '3.51', '88.1', '1,235', '0']);
    expect([Number.NaN, null, undefined].map(figure)).toEqual(['–', '–', '–']);
    expect(spread([2, 1, 3])).toBe('2 (1–3)');
    expect(spread([2])).toBe('2');
  });

  it('stand in columns of equal width', () => {
    expect(table(['a', 'long'], [['wide', '1']])).toBe('| a    | long |\n|------|------|\n| wide | 1    |');
  });
});

describe('a CPU profile', () => {
  it('is read as shares of the busy time in a window, for each package and for each function of ours', () => {
    const ours = pathToFileURL(join(REPOSITORY, 'dist', 'backend', 'store', 'store.js')).href;
    const frame = (functionName: string, url: string) => ({ callFrame: { functionName, url } });
    const folder = mkdtempSync(join(tmpdir(), 'inloop-profile-'));
    const file = join(folder, 'some.cpuprofile');
    writeFileSync(
      file,
      JSON.stringify({
        startTime: 1_000_000,
        nodes: [
          { id: 1, children: [2, 3, 6], ...frame('(root)', '') },
          { id: 2, ...frame('(idle)', '') },
          { id: 3, children: [4], ...frame('apply', ours) },
          { id: 4, children: [5], ...frame('', ours) },
          { id: 5, ...frame('send', pathToFileURL(join(REPOSITORY, 'node_modules/@redis/client/index.js')).href) },
          { id: 6, ...frame('early', ours) },
        ],
        // 10 ms each; the first is before the window.
        samples: [6, 2, 3, 4, 5, 2],
        timeDeltas: [10_000, 10_000, 10_000, 10_000, 10_000, 10_000],
      }),
    );
    const { busy, origins, functions } = readProfile(file, 1_015, 1_100);
    rmSync(folder, { recursive: true });
    expect(busy).toBeCloseTo(3 / 5);
    expect(origins).toEqual([
      ['inloop', expect.closeTo(2 / 3)],
      ['@redis/client', expect.closeTo(1 / 3)],
    ]);
    // The time of the anonymous function is added to `apply`, which calls it.
    expect(functions).toEqual([
      { name: 'backend/store/store.ts apply', self: expect.closeTo(2 / 3), total: expect.closeTo(1) },
    ]);
  });
});
