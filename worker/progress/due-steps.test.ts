import { describe, expect, it } from '@jest/globals';
import { shownDone } from '../../core/tasks/pace.ts';
import type { Progress } from '../../core/tasks/snapshot.ts';
import { type DueReason, DueSteps } from './due-steps.ts';
import { LOOK_MS } from './look-timer.ts';

/** An attempt that is looked at every 100 ms; each step that is due is told at once. */
function attempt(accuracy = 0.01, estimateEvery = 0) {
  const steps = new DueSteps(accuracy, null, 0);
  const told: { readonly at: number; readonly why: DueReason; readonly progress: Progress }[] = [];
  let now = 0;
  return {
    told,
    /** What was told since the last call, and why. */
    news: () => told.splice(0).map(({ why }) => why),
    /** Goes on for `ms`; `progress` says how far it is, by the time since the start in ms. */
    run(ms: number, progress: (now: number) => Progress) {
      for (const end = now + ms; now < end; ) {
        now += LOOK_MS;
        const truth = progress(now);
        const why = steps.look(truth, now, estimateEvery);
        if (why === null) continue;
        const next = steps.withRate(truth);
        steps.noteTold(next, now);
        told.push({ at: now, why, progress: next });
      }
    },
    needsLooks: (progress: Progress) => steps.needsLooks(progress),
  };
}
/** Work of an even pace. */
const steady = (perSecond: number, total: number | null) => (now: number) => ({
  done: Math.floor((now * perSecond) / 1_000),
  total,
});
/** Work that stands still at `done`. */
const standing = (done: number, more: Partial<Progress> = {}) => {
  const progress = { done, total: 1_000, ...more };
  return () => progress;
};

describe('a step is due', () => {
  it('first of all, and then every 10 s while what is shown is right', () => {
    const one = attempt();
    one.run(10_000, steady(20, 10_000));
    expect(one.told[0]).toMatchObject({ at: 100, why: 'first', progress: { done: 2 } });
    one.news();
    one.run(30_000, steady(20, 10_000));
    expect(one.told.map(({ why }) => why)).toEqual(['alive', 'alive', 'alive']);
    for (const { progress } of one.told) expect(progress.rate).toBeCloseTo(20, 0);
  });

  it('where more is done than is shown, by more than the accuracy and by more than an element', () => {
    const one = attempt();
    one.run(5_000, standing(500));
    one.news();
    one.run(500, standing(510));
    expect(one.news()).toEqual([]);
    one.run(100, standing(511));
    expect(one.news()).toEqual(['surprise']);
    // The accuracy is half an element here, so an element is what counts.
    const few = attempt();
    few.run(5_000, standing(10, { total: 50 }));
    few.news();
    few.run(500, standing(11, { total: 50 }));
    expect(few.news()).toEqual([]);
    few.run(100, standing(12, { total: 50 }));
    expect(few.news()).toEqual(['surprise']);
  });

  it('less often with a coarser accuracy', () => {
    const waves = (now: number) => ({ done: Math.floor(now / 60 + 30 * (1 - Math.cos(now / 1_500))), total: 1_000 });
    const [fine, coarse] = [attempt(0.01), attempt(0.05)];
    fine.run(50_000, waves);
    coarse.run(50_000, waves);
    expect(coarse.told.length).toBeLessThan(fine.told.length / 2);
  });

  it('where it stalls while viewers are shown movement: within 800 ms, and without a rate', () => {
    const one = attempt();
    one.run(15_000, steady(100, 1_000_000));
    one.news();
    one.run(1_000, () => ({ done: 1_500, total: 1_000_000 }));
    expect(one.told).toEqual([{ at: 15_700, why: 'stall', progress: { done: 1_500, total: 1_000_000 } }]);
  });

  it('not while a pause is no longer than the ones before', () => {
    const one = attempt();
    const hops = (now: number) => ({ done: 100 * Math.floor(now / 2_000), total: 1_000_000 });
    one.run(20_000, hops);
    one.news();
    one.run(40_000, hops);
    expect(one.news()).not.toContain('stall');
  });

  it.each([{ note: 'a' }, { stage: 'save' }, { total: 2_000 }, { total: null }])(
    'within a second where other words are to be shown: %p',
    (more) => {
      const one = attempt();
      one.run(5_000, standing(1));
      one.news();
      one.run(100, standing(1, more));
      one.run(900, standing(1, more));
      expect(one.news()).toEqual(['words']);
    },
  );

  it('once a second for a note that changes all the time', () => {
    const one = attempt();
    one.run(5_000, standing(1));
    one.news();
    let row = 0;
    one.run(10_000, () => ({ done: 1, total: 1_000, note: `row ${row++}` }));
    expect(one.news()).toEqual(Array(10).fill('words'));
  });

  it.each(['skipped', 'failed'] as const)(
    'for what is %s: within a second where that is rare, then after 2, 4 and 8 s while it goes on changing',
    (name) => {
      const one = attempt();
      one.run(5_000, standing(1));
      one.news();
      one.run(100, standing(1, { [name]: 1 }));
      expect(one.news()).toEqual(['counts']);
      let rows = 1;
      const began = 5_100;
      one.run(40_000, () => ({ done: 1, total: 1_000, [name]: rows++ }));
      const times = one.told.splice(0).map((told) => told.at - began);
      expect(times).toEqual([2_000, 6_000, 14_000, 22_000, 30_000, 38_000]);
      one.run(12_000, standing(1, { [name]: rows }));
      one.news();
      one.run(1_000, standing(1, { [name]: rows + 1 }));
      expect(one.news()).toEqual(['counts']);
    },
  );

  it('where the total has grown, not for each element that is added', () => {
    const one = attempt();
    one.run(60_000, (now) => ({ done: Math.floor(now / 10), total: Math.floor(now / 10) + 5_000 }));
    expect(one.told.length).toBeLessThanOrEqual(30);
  });

  it('for each of a few elements, without a rate', () => {
    const one = attempt();
    one.run(10_000, steady(1, 20));
    expect(one.told.map(({ progress }) => progress)).toEqual(
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((done) => ({ done, total: 20 })),
    );
  });

  it('seldom where the total is not known: by the share of what is done', () => {
    const one = attempt();
    one.run(60_000, steady(100, null));
    expect(one.told.length).toBeLessThanOrEqual(14);
    expect(one.told.at(-1)?.progress.rate).toBeCloseTo(100, -1);
  });

  it('at once for the elements of a new stage, which are counted anew', () => {
    const one = attempt();
    one.run(10_000, (now) => ({ ...steady(50, 1_000)(now), stage: 'read' }));
    one.news();
    one.run(5_000, (now) => ({ ...steady(5, 1_000)(now - 10_000), stage: 'save' }));
    expect(one.told[0]).toMatchObject({ why: 'words', progress: { stage: 'save' } });
    expect(one.told.at(-1)?.progress.rate ?? 0).toBeLessThan(10);
  });
});

describe('what is shown', () => {
  const works: Readonly<Record<string, (now: number) => number>> = {
    steady: (now) => now / 60,
    slowing: (now) => 1_000 * (1 - Math.exp(-now / 20_000)),
    waves: (now) => now / 60 + 30 * (1 - Math.cos(now / 2_000)),
    'one stall': (now) => Math.min(now, 20_000) / 60 + Math.max(now - 40_000, 0) / 60,
    'one jump': (now) => now / 100 + (now > 30_000 ? 300 : 0),
    batches: (now) => 50 * Math.floor(now / 3_000),
    'uneven batches': (now) => 20 * Math.floor(now / 1_200) + 30 * Math.floor(now / 7_000),
  };

  it.each(Object.keys(works).flatMap((work) => [50, 1_000, null].map((total) => ({ work, total }))))(
    'is right at each look, but for the accuracy or an element: $work, $total elements',
    ({ work, total }) => {
      const one = attempt();
      const wrong: unknown[] = [];
      for (let now = 100; now <= 60_000; now += LOOK_MS) {
        const all = Math.max(0, works[work]?.(now) ?? 0);
        const truth = { done: Math.min(Math.floor((all * (total ?? 1_000)) / 1_000), (total ?? 1e9) - 1), total };
        one.run(LOOK_MS, () => truth);
        const told = one.told.at(-1);
        const shown = shownDone(told?.progress ?? truth, now - (told?.at ?? now));
        const isElement = Math.abs(Math.floor(shown) - truth.done) <= 1;
        if (!isElement && Math.abs(shown - truth.done) > 0.01 * (total ?? truth.done))
          wrong.push({ now, shown, truth });
      }
      expect(wrong).toEqual([]);
    },
  );

  it('does not run on after a burst at the start', () => {
    const one = attempt();
    one.run(20_000, standing(490));
    expect(one.told.map(({ progress }) => progress.rate)).toEqual(one.told.map(() => undefined));
  });
});

describe('looks', () => {
  it('are needed while viewers are shown movement, and while words are to be told', () => {
    const one = attempt();
    one.run(2_000, steady(100, 1_000));
    expect(one.needsLooks(standing(200)())).toBe(true);
    one.run(5_000, standing(200));
    expect(one.needsLooks(standing(200)())).toBe(false);
    expect(one.needsLooks(standing(200, { note: 'a' })())).toBe(true);
  });
});

describe('with estimates every 500 ms', () => {
  it.each([0, 1, 2, 3, 4, 5])('a look at a truth that has not changed is cheap, and finds the same (%i)', (seed) => {
    const [cheap, thorough] = [new DueSteps(0.01, null, 0), new DueSteps(0.01, null, 0)];
    // Pseudo-random numbers: each seed gives the same course each time.
    let random = seed + 1;
    const below = (n: number) => {
      random = (random * 48_271) % 2_147_483_647;
      return random % n;
    };
    let truth: Progress = { done: 0, total: 2_000 };
    for (let now = 100; now < 120_000; now += 100) {
      // Steps of any size, pauses of up to some seconds, now and then a note or a failed element.
      const what = below(40);
      if (what < 8) truth = { ...truth, done: Math.min(truth.done + below(seed < 3 ? 4 : 30), 1_999) };
      if (what === 8) truth = { ...truth, note: `${below(9)}` };
      if (what === 9) truth = { ...truth, failed: (truth.failed ?? 0) + 1 };
      const due = cheap.look(truth, now, 500);
      expect([now, due]).toEqual([now, thorough.look({ ...truth }, now, 500)]);
      if (due === null) continue;
      const next = cheap.withRate(truth);
      expect(thorough.withRate(truth)).toEqual(next);
      cheap.noteTold(next, now);
      thorough.noteTold(next, now);
    }
  });

  it.each([
    ['steady', (now: number) => now / 200],
    ['in batches every 3 s', (now: number) => 50 * Math.floor(now / 3_000)],
    ['with pauses of 8 s', (now: number) => (now % 16_000 < 8_000 ? now / 200 : now / 200 - (now % 8_000) / 200)],
    ['slower and slower', (now: number) => 20 * Math.sqrt(now)],
  ])('an attempt whose work is %s is told at least every 10 s', (_what, done) => {
    const one = attempt(0.01, 500);
    one.run(300_000, (now) => ({ done: Math.floor(done(now)), total: 100_000 }));
    const times = one.told.map(({ at }) => at);
    expect(
      Math.max(...times.map((time, n) => time - (times[n - 1] ?? 0)), 300_000 - (times.at(-1) ?? 0)),
    ).toBeLessThanOrEqual(10_000);
  });

  it('a stall is found as soon as with an estimate every 100 ms', () => {
    const steps = new DueSteps(0.01, null, 0);
    let truth: Progress = { done: 0, total: 1_000_000 };
    const found: [number, DueReason][] = [];
    for (let now = 100; now <= 16_000; now += 100) {
      if (now <= 15_000) truth = { ...truth, done: now / 10 };
      const due = steps.look(truth, now, 500);
      if (due === null) continue;
      steps.noteTold(steps.withRate(truth), now);
      found.push([now, due]);
    }
    expect(found.at(-1)).toEqual([15_700, 'stall']);
  });
});
