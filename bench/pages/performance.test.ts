// docs/performance.md is what the bench writes: nobody has edited it by hand.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { REPOSITORY } from '../../dev/paths.ts';
import { performancePage } from './performance.ts';

const page = readFileSync(join(REPOSITORY, 'docs', 'performance.md'), 'utf8');

it('docs/performance.md stays the same when bench/pages/performance.ts writes it again without new measurements', () => {
  expect(performancePage({ read: () => null }, page)).toBe(page);
});

it('a part that was measured again gets its new figures, and the others keep theirs', () => {
  const raw = { calls: 1_000, each: [0.01, 0.02], heap: [19, 19] };
  const kept = { day: '2031-01-31', machine: 'another machine', raw };
  const text = performancePage({ read: (name) => (name === 'progress-call' ? kept : null) }, page);
  expect(text).toContain('Measured on 2031-01-31: another machine.');
  const before = page.split(/^## /m);
  const after = text.split(/^## /m);
  const changed = after.filter((section, n) => section !== before[n]);
  // Before the first heading stands the table of targets, which has a row of this part.
  const [first, ...others] = changed;
  expect(first).toBe(after[0]);
  expect(others.map((section) => section.split(/[:\n]/)[0])).toEqual(['progress-call']);
});
