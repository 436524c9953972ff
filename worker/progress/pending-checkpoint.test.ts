// When checkpoints are stored. With stand-ins for the store, the turns and the time: no Redis, no waiting.
import { describe, expect, it } from '@jest/globals';
import { unavailable } from '../../test/support/fakes/fake-worker-ports.ts';
import { never, setUpReporter } from '../../test/support/fakes/reporter-setup.ts';
import { time as at, FAILURE } from '../../test/support/task-events.ts';

const fail = { type: 'fail', at: at(9), attempt: 1, error: FAILURE, retryAt: at(9) } as const;
const succeed = { type: 'succeed', at: at(9), attempt: 1, result: 1 } as const;

describe('a checkpoint', () => {
  it.each([true, false])(
    'is stored within a second though no step is due, and pushed to nobody (watched: %s)',
    async (watched) => {
      const { reporter, time, changes, checkpoints } = setUpReporter({ watched });
      reporter.report({ done: 500, total: 1_000 });
      await time.advance(5_000);
      const [changed, pushed] = [changes.events.length, changes.pushed.length];
      reporter.checkpoint('1');
      await time.advance(400);
      reporter.checkpoint('2');
      await time.advance(600);
      expect(checkpoints()).toEqual(['2']);
      expect(changes.events.slice(changed).map(({ type }) => type)).toEqual(['alive']);
      expect(changes.pushed).toHaveLength(pushed);
      await time.advance(5_000);
      expect(checkpoints()).toEqual(['2']);
    },
  );

  it('goes along with a step that is due, and costs no write of its own', async () => {
    const { reporter, time, changes, checkpoints } = setUpReporter();
    reporter.report({ done: 1, total: 1_000 });
    await time.advance(2_000);
    const before = changes.events.length;
    reporter.checkpoint('1');
    reporter.report({ done: 500 });
    await time.advance(100);
    expect(checkpoints()).toEqual(['1']);
    await time.advance(2_000);
    expect(changes.events.slice(before).filter(({ type }) => type === 'alive')).toEqual([]);
  });

  it('that comes with each of many reports never waits longer than a second', async () => {
    const { reporter, time, changes } = setUpReporter();
    const lags: number[] = [];
    let last = 0;
    changes.after = () => {
      const text = changes.options.at(-1)?.checkpoint;
      if (text !== undefined) last = Number(text);
    };
    for (let done = 1; done <= 1_000; done++) {
      reporter.checkpoint(String(done));
      reporter.report({ done, total: 1_000_000 });
      await time.advance(10);
      lags.push(done - last);
    }
    // There is a report every 10 ms, so 100 reports take a second.
    expect(Math.max(...lags)).toBeLessThanOrEqual(100);
    expect(changes.options.length).toBeLessThan(25);
  });

  it('is stored after an outage of Redis: the newest one only', async () => {
    const { reporter, time, changes, checkpoints } = setUpReporter();
    changes.before = () => {
      throw unavailable();
    };
    reporter.checkpoint('1');
    await time.advance(3_000);
    reporter.checkpoint('2');
    changes.before = null;
    const tried = checkpoints().length;
    await time.advance(1_000);
    expect(checkpoints().slice(tried)).toEqual(['2']);
  });

  it('that was given just before the end is stored with the end', async () => {
    const { reporter, changes } = setUpReporter();
    reporter.checkpoint('1');
    await reporter.end(fail, never);
    // `isResumable`: how far the task was is stored with its checkpoint.
    expect(changes.options).toEqual([expect.objectContaining({ checkpoint: '1', isResumable: true })]);
    reporter.checkpoint('2');
    expect(changes.options).toHaveLength(1);
  });

  it('is forgotten when the task succeeds', async () => {
    const { reporter, changes } = setUpReporter({ checkpoint: { value: 1, progress: null } });
    await reporter.end(succeed, never);
    // '' removes the stored checkpoint.
    expect(changes.options.at(-1)).toMatchObject({ checkpoint: '' });
  });

  it('costs nothing where the handler gives none: no change mentions it', async () => {
    const { reporter, time, changes } = setUpReporter();
    reporter.report({ done: 1, total: 10 });
    await time.advance(1_000);
    await reporter.end(fail, never);
    for (const options of changes.options) {
      expect(Object.keys(options)).not.toEqual(expect.arrayContaining(['checkpoint']));
      expect(Object.keys(options)).not.toEqual(expect.arrayContaining(['isResumable']));
    }
  });
});

it('a bar that goes on counts from the checkpoint at once, and a smaller `done` is not shown', async () => {
  const { reporter, time, changes } = setUpReporter({
    checkpoint: { value: 1, progress: { done: 450, total: 1_000 } },
  });
  reporter.resume();
  reporter.report({ done: 400 });
  await time.advance(250);
  expect(changes.pushed.map(({ progress }) => progress)).toEqual([{ done: 450, total: 1_000, from: 450 }]);
  reporter.report({ done: 600 });
  await time.advance(1_000);
  expect(changes.pushed.at(-1)?.progress).toMatchObject({ done: 600, from: 450 });
});

it('the pace of a bar that goes on from a checkpoint counts only the rows since then', async () => {
  const { reporter, time, changes } = setUpReporter({
    checkpoint: { value: 1, progress: { done: 4_500, total: 10_000 } },
  });
  reporter.resume();
  for (let done = 4_501; done <= 4_600; done++) {
    await time.advance(10);
    reporter.report({ done });
  }
  const rates = changes.pushed.flatMap(({ progress }) => progress?.rate ?? []);
  expect(rates.length).toBeGreaterThan(0);
  for (const rate of rates) expect(rate).toBeLessThan(200);
});
