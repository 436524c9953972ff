import { describe, expect, it } from '@jest/globals';
import { findKnee, nameSaturated, type Step } from './knee.ts';
import { ASSUMPTIONS, type Measured, planFor } from './model.ts';
import { replaceSection } from './page.ts';

const step = (load: number, perSecond: number): Step => ({ load, perSecond, p50: 1, p99: 2, cpu: {} });

describe('the knee', () => {
  it('is the last step that brought a tenth more than the best one before it', () => {
    expect(findKnee([step(1, 100), step(2, 190), step(4, 300), step(8, 310), step(16, 250)]).load).toBe(4);
    // Small gains add up: a later step is compared with the best, and not with the step before it.
    expect(findKnee([step(1, 100), step(2, 108), step(4, 116)]).load).toBe(4);
    expect(findKnee([step(1, 100)]).load).toBe(1);
    expect(() => findKnee([])).toThrow('no steps');
  });

  it.each([
    [{ server: 0.97, redis: 0.3 }, 'server (97 % of a core)'],
    [{ server: 0.9, worker: 0.95, redis: 0 }, 'the machine’s 2 cores (185 %: worker 95 %, server 90 %, redis 0 %)'],
    [{ server: 0.5, worker: 0.5 }, 'nothing'],
  ])('what is saturated by %j: %s', (cpu, text) => {
    expect(nameSaturated(cpu, 2)).toBe(text);
  });
});

describe('docs/capacity.md', () => {
  const page = 'before\n<!-- load:a -->\nold\n<!-- /load:a -->\nbetween\n<!-- load:b -->\n<!-- /load:b -->\nafter\n';

  it('gets a section between its markers, and all else stays', () => {
    const once = replaceSection(page, 'a', 'new');
    expect(once).toBe(page.replace('\nold\n', '\n\nnew\n\n'));
    expect(replaceSection(once, 'a', 'new')).toBe(once);
    expect(replaceSection(page, 'b', '$1 $&')).toContain('<!-- load:b -->\n\n$1 $&\n\n<!-- /load:b -->\nafter');
  });

  it('is refused without the markers, with two of them, and with them the wrong way round', () => {
    for (const broken of ['', `${page}${page}`, '<!-- /load:a --><!-- load:a -->']) {
      expect(() => replaceSection(broken, 'a', 'new')).toThrow('docs/capacity.md must have <!-- load:a -->');
    }
  });
});

it('the model plans for 100,000 pages and 463 tasks a second at the peak, with half of what was measured', () => {
  const measured: Measured = {
    pagesPerSoketi: 10_000,
    acceptedPerServer: 2_000,
    tasksPerWorker: 1_000,
    messagesPerSecond: 3_000,
    redisCoresPerTask: 0.000_2,
    waitingTask: 1_500,
    finishedTask: 2_000,
    connectionKb: 10,
  };
  const plan = planFor(measured, ASSUMPTIONS);
  expect(plan).toMatchObject({ connected: 100_000, soketi: 20, servers: 1, workers: 4, handlers: 2_315, keptGb: 20 });
  // 10,000,000 ÷ 86,400 × 4
  expect(plan.peakTasksPerSecond).toBeCloseTo(462.96);
  expect(plan.redisCores).toBeCloseTo(0.0926);
  // 462.96 a second for an hour, 1,500 bytes each
  expect(plan.waitingGb).toBeCloseTo(2.5);
  expect(plan.soketiGb).toBeCloseTo(1.024);
});
