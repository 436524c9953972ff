// When a reporter stores and pushes what a handler reports. No Redis, no waiting.
import { describe, expect, it } from '@jest/globals';
import { shownDone } from '../../core/tasks/pace.ts';
import { TURN_MS } from '../../test/support/fakes/fake-worker-ports.ts';
import { hold, never, SIGN_MS, setUpReporter, succeed } from '../../test/support/fakes/reporter-setup.ts';
import { time as at } from '../../test/support/task-events.ts';

describe('progress of an owner who is watching', () => {
  it('is shown 200 ms after the start, with what was done by then', async () => {
    const { reporter, time, stored, pushed } = setUpReporter();
    reporter.report({ done: 1 });
    await time.advance(199);
    reporter.report({ done: 7 });
    expect(stored()).toEqual([]);
    await time.advance(1);
    expect([stored(), pushed()]).toEqual([[7], [7]]);
  });

  it('of an attempt that by its pace ends within 400 ms waits for the end, but no longer than that', async () => {
    const { reporter, time, stored, pushed } = setUpReporter();
    for (let done = 1; done <= 8; done++) {
      await time.advance(25);
      reporter.report({ done, total: 10 });
    }
    await time.advance(199);
    expect(stored()).toEqual([]);
    await time.advance(1);
    expect([stored(), pushed()]).toEqual([[8], [8]]);
  });

  it('of an attempt that does end within 400 ms is not stored: its end is its only message', async () => {
    const { reporter, time, changes, turns } = setUpReporter();
    for (let done = 1; done <= 10; done++) {
      await time.advance(25);
      reporter.report({ done, total: 10 });
    }
    await reporter.end(succeed(time), never);
    await time.advance(1_000);
    expect(changes.pushed.map(({ status }) => status)).toEqual(['succeeded']);
    expect(turns.open).toBe(0);
  });

  it.each([
    ['too slow for 400 ms', { done: 4, total: 10 }],
    ['without a total', { done: 8 }],
  ])('of an attempt that is %s is shown after 200 ms', async (_what, report) => {
    const { reporter, time, stored } = setUpReporter();
    reporter.report(report);
    await time.advance(200);
    expect(stored()).toEqual([report.done]);
  });

  it('of a stage that ends soon is shown after 200 ms', async () => {
    const { reporter, time, stored } = setUpReporter();
    reporter.stage('read');
    reporter.report({ done: 9, total: 10 });
    await time.advance(200);
    expect(stored()).toEqual([9]);
  });

  it('is shown as running if nothing was reported by then: pushed, not stored', async () => {
    const { time, stored, pushed } = setUpReporter();
    await time.advance(60_000);
    expect([stored(), pushed()]).toEqual([[], ['running']]);
  });

  it('is stored with the rate by which its viewers go on, and not again while they are right', async () => {
    const { reporter, time, changes, turns } = setUpReporter();
    for (let done = 1; done <= 800; done++) {
      reporter.report({ done, total: 1_000 });
      await time.advance(10);
    }
    expect(changes.events.length).toBeLessThanOrEqual(3);
    for (const event of changes.events) {
      expect(event).toMatchObject({ type: 'progress', progress: { rate: expect.any(Number) } });
    }
    expect(turns.open).toBe(0);
  });

  it('is stored when it stops, without a rate and within a second, though nobody reports that', async () => {
    const { reporter, time, changes } = setUpReporter();
    for (let done = 1; done <= 500; done++) {
      reporter.report({ done, total: 1_000_000 });
      await time.advance(10);
    }
    const before = changes.events.length;
    await time.advance(1_000);
    expect(changes.events.slice(before)).toEqual([
      expect.objectContaining({ type: 'progress', progress: { done: 500, total: 1_000_000 } }),
    ]);
    await time.advance(60_000);
    expect(changes.events).toHaveLength(before + 1);
  });

  it('is stored at once where it jumps, the whole burst in one step', async () => {
    const { reporter, time, stored } = setUpReporter();
    reporter.report({ done: 1, total: 1_000 });
    await time.advance(2_000);
    const before = stored().length;
    for (let done = 2; done <= 500; done++) reporter.report({ done });
    await time.advance(10);
    expect(stored().slice(before)).toEqual([500]);
  });

  it('of a few elements is stored for each, without a rate', async () => {
    const { reporter, time, changes } = setUpReporter();
    for (let done = 1; done <= 5; done++) {
      reporter.report({ done, total: 6 });
      await time.advance(300);
    }
    expect(changes.events.map((event) => event.type === 'progress' && event.progress)).toEqual(
      [1, 2, 3, 4, 5].map((done) => ({ done, total: 6 })),
    );
  });

  it('is stored if only its note changes, once a second at most', async () => {
    const { reporter, time, changes } = setUpReporter();
    for (let row = 1; row <= 50; row++) {
      reporter.report({ done: 1, total: 1_000, note: `row ${row}` });
      await time.advance(100);
    }
    await time.advance(2_000);
    expect(changes.events.length).toBeLessThanOrEqual(7);
    expect(changes.events.at(-1)).toMatchObject({ progress: { note: 'row 50' } });
  });

  it('is not looked at any more once it stands still and all of it was told', async () => {
    const { reporter, time } = setUpReporter();
    reporter.report({ done: 500, total: 1_000 });
    await time.advance(5_000);
    expect(time.waiting).toBe(0);
  });

  it('that moves gives its signs of life with a fresh count and rate', async () => {
    const { reporter, time, changes } = setUpReporter();
    for (let second = 1; second <= 30; second++) {
      reporter.report({ done: 2 * second, total: 100_000 });
      await time.advance(1_000);
      reporter.giveSignOfLife(SIGN_MS);
    }
    const signs = changes.events.filter(({ type }) => type === 'alive');
    expect(signs.length).toBeGreaterThanOrEqual(2);
    for (const sign of signs) expect(sign).toMatchObject({ progress: { total: 100_000, rate: expect.closeTo(2, 0) } });
    // The last sign of life in these 30 s comes after 26 s, with 2 elements a second.
    expect(signs.at(-1)).toMatchObject({ progress: { done: 52 } });
  });

  it('keeps what a report leaves out, until the next stage begins', async () => {
    const { reporter, time, changes } = setUpReporter();
    reporter.stage('read');
    reporter.report({ done: 1, total: 9, skipped: 1, note: 'one' });
    reporter.report({ done: 2 });
    expect(reporter.latest).toEqual({ done: 2, total: 9, skipped: 1, note: 'one', stage: 'read' });
    await time.advance(200);
    reporter.stage('save');
    await time.advance(1_000);
    expect(changes.events).toMatchObject([
      { progress: { done: 2, total: 9, note: 'one', stage: 'read' } },
      { progress: { done: 0, total: null, stage: 'save' } },
    ]);
  });

  it('waits for no second turn before the first is ended', async () => {
    const { reporter, time, changes, turns, stored } = setUpReporter();
    const store = hold(changes);
    reporter.report({ done: 1, total: 10 });
    await time.advance(200);
    reporter.report({ done: 2 });
    await time.advance(5_000);
    expect([turns.asked.length, turns.open, stored()]).toEqual([1, 1, []]);
    store.open();
    await time.advance(200);
    expect([turns.asked.length, turns.open, stored()]).toEqual([2, 0, [1, 2]]);
  });
});

describe('progress of an owner who is not watching', () => {
  it('is stored once a second and not pushed', async () => {
    const { reporter, time, stored, pushed } = setUpReporter({ watched: false });
    for (let done = 1; done <= 19; done++) {
      reporter.report({ done, total: 20 });
      await time.advance(110);
    }
    expect([stored().length, pushed()]).toEqual([2, []]);
  });

  // A page that opens fetches what is stored, and moves on from there by the rate. Looks come once a second meanwhile, and
  // a step waits for up to a second. So the page may be off by the accuracy and by two seconds' work.
  it.each([
    ['steady work', (tick: number) => tick],
    ['work that slows down', (tick: number) => Math.floor(40 * Math.sqrt(tick))],
    ['batches of 50', (tick: number) => 50 * Math.floor(tick / 30)],
    ['work that stands still at times', (tick: number) => (tick % 200 < 100 ? tick : tick - (tick % 200) + 100)],
  ])('is right for a page that opens at any moment: %s', async (_, doneAfter) => {
    const { reporter, time, changes } = setUpReporter({ watched: false });
    const [total, ticksOf2s] = [2_000, 20];
    for (let tick = 0; tick <= 600; tick++) {
      const done = doneAfter(tick);
      reporter.report({ done, total });
      await time.advance(100);
      const { progress, updatedAt } = changes.snapshot;
      if (progress === null) continue;
      const shown = shownDone(progress, time.elapsed() - (Date.parse(updatedAt) - Date.parse(at(0))));
      const work = done - doneAfter(Math.max(tick - ticksOf2s, 0));
      expect(Math.abs(shown - done)).toBeLessThanOrEqual(0.01 * total + Math.max(work, ticksOf2s));
    }
    expect(changes.pushed).toEqual([]);
  });

  it('asks for no turn while there is nothing to store', async () => {
    const { time, turns } = setUpReporter({ watched: false });
    await time.advance(60_000);
    expect(turns.asked).toEqual([]);
  });

  it('is shown as running once a page has opened', async () => {
    const { reporter, time, changes, stored, pushed } = setUpReporter({ watched: false });
    await time.advance(SIGN_MS);
    changes.watched = true;
    reporter.giveSignOfLife(SIGN_MS);
    await time.advance(TURN_MS);
    expect([stored(), pushed()]).toEqual([['alive'], ['running']]);
  });
});

describe('a report', () => {
  it('that throws when it is read hurts nobody, and keeps nothing', async () => {
    const { reporter, time, stored } = setUpReporter();
    const report = {
      done: 5,
      get total(): number {
        throw new Error('broken');
      },
    };
    expect(() => reporter.report(report)).not.toThrow();
    expect(reporter.latest).toBeNull();
    await time.advance(1_000);
    expect(stored()).toEqual([]);
  });

  it('asks for one turn, however often it is made', async () => {
    const { reporter, time, turns } = setUpReporter({ watched: false });
    for (let done = 0; done < 100_000; done++) reporter.report({ done });
    await time.advance(999);
    expect(turns.asked).toHaveLength(1);
  });
});
