import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { REPOSITORY } from '../../dev/paths.ts';
import { makeWork } from '../pace/patterns.ts';
import { simulate } from '../pace/simulation.ts';
import { onSurprise } from '../pace/virtual-worker.ts';
import { costPage } from './cost.ts';

const page = readFileSync(join(REPOSITORY, 'docs', 'cost.md'), 'utf8');

/** Published and delivered, from the row of docs/cost.md whose label contains `label`. */
function countsIn(label: string) {
  const row = page.split('\n').find((line) => line.startsWith('|') && line.includes(label));
  const [, , published, delivered] = (row ?? '').split('|').map((cell) => Number(cell.replaceAll(',', '')));
  return { published: published as number, delivered: delivered as number };
}

const inloop = countsIn('inloop, default');
const coarse = countsIn('`accuracy: 0.05`');

describe('docs/cost.md', () => {
  it('is what bench/pages/cost.ts writes from the counts in it', () => {
    const [, machine = '', day = ''] = /from what it counted \((.*); (\d{4}-\d\d-\d\d)\)/.exec(page) ?? [];
    const messages = { 'pusher-per-element': countsIn('pusher-per-element'), inloop, 'inloop-accuracy-5': coarse };
    expect(costPage({ read: () => ({ machine, day, raw: { messages } }) })).toBe(page);
  });

  it.each([
    ['the default', 0.01, inloop.published],
    ['accuracy 0.05', 0.05, coarse.published],
  ])(
    'has a count that is within 3 of what a simulated worker sends for the same task: %s',
    async (_what, accuracy, published) => {
      const { perMinute } = await simulate(makeWork('steady', 1_000), onSurprise(accuracy));
      expect(Math.abs(published - perMinute)).toBeLessThanOrEqual(3);
    },
  );
});
