// Checkpoints from attempt to attempt: a real worker on a store in memory, on a clock that moves by itself.
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { TaskError } from '../core/error.ts';
import { MAX_CHECKPOINT_BYTES } from '../core/limits.ts';
import { defineTask } from '../core/tasks/definition.ts';
import type { Snapshot } from '../core/tasks/snapshot.ts';
import { recordLog } from '../test/support/log.ts';
import type { Handler, TaskContext } from '../worker/context.ts';
import { runTask } from './run-task.ts';
import { createTestClock } from './time/test-clock.ts';

const rows = defineTask({
  name: 'rows',
  input: z.object({ total: z.number() }),
  checkpoint: z.object({ row: z.number() }),
  attempts: 4,
});
const any = defineTask({ name: 'any', input: z.any(), attempts: 3 });
const broken = () => new TaskError('broken', 'It broke.');

/** What each attempt was shown to have done, in order. */
function shownIn(snapshots: readonly Snapshot[], attempt: number): number[] {
  const ofAttempt = snapshots.filter((one) => one.attempt === attempt && one.status === 'running');
  return ofAttempt.flatMap(({ progress }) => (progress ? [progress.done] : []));
}

/** A handler of 100 rows of 50 ms each. It throws once before each row of `at`, and gives a checkpoint after `every` rows. */
function importRows(at: readonly number[], every = 1) {
  const clock = createTestClock();
  const saved: number[] = [];
  const breaks = [...at];
  const handler: Handler<typeof rows> = async ({ total }, task) => {
    for (let row = task.checkpointed?.row ?? 0; row < total; row++) {
      if (row === breaks[0]) {
        breaks.shift();
        throw broken();
      }
      await clock.sleep(50, { signal: task.signal });
      saved.push(row);
      if ((row + 1) % every === 0) task.checkpoint({ row: row + 1 });
      task.progress({ done: row + 1, total });
    }
  };
  return { saved, run: () => runTask(rows, handler, { total: 100 }, { clock }) };
}

describe('an attempt that goes on from a checkpoint', () => {
  it('does every row once, over four attempts, and its bar never goes back', async () => {
    const { saved, run } = importRows([37, 37, 90]);
    const { outcome, snapshots, checkpoints } = await run();
    expect(outcome).toMatchObject({ status: 'succeeded', attempt: 4, progress: { done: 100, total: 100 } });
    expect(saved).toEqual(Array.from({ length: 100 }, (_, row) => row));
    const shown = snapshots.flatMap(({ progress }) => (progress ? [progress.done] : []));
    expect(shown).toEqual([...shown].sort((a, b) => a - b));
    // The second attempt threw before its first row, so nothing of it was shown. The third goes on from the first one's checkpoint.
    expect(shownIn(snapshots, 3)[0]).toBeGreaterThanOrEqual(37);
    expect(shownIn(snapshots, 4)[0]).toBeGreaterThanOrEqual(90);
    expect(snapshots.filter(({ progress }) => progress?.from !== undefined).map(({ attempt }) => attempt)).toContain(3);
    expect(checkpoints).toHaveLength(100);
    expect(checkpoints[37]).toMatchObject({ attempt: 3, value: { row: 38 } });
  });

  it('keeps its bar where it was until the work has caught up, if the checkpoint lay behind what was shown', async () => {
    const { saved, run } = importRows([37], 10);
    const { snapshots } = await run();
    expect(saved.slice(36, 39)).toEqual([36, 30, 31]);
    const [first] = shownIn(snapshots, 2);
    expect(first).toBeGreaterThanOrEqual(37);
    expect(snapshots.find(({ progress }) => progress?.from !== undefined)?.progress).toMatchObject({ from: 37 });
  });

  it('has a pace that counts only the rows since its checkpoint', async () => {
    const { snapshots } = await importRows([80]).run();
    const rates = snapshots.flatMap(({ attempt, progress }) => (attempt === 2 && progress?.rate) || []);
    // A row takes 50 ms, so the pace is 20 rows a second. If the first 80 rows counted too, it would begin far higher.
    for (const rate of rates) expect(rate).toBeLessThan(40);
  });

  it('goes on in the middle of a stage', async () => {
    const staged = defineTask({ name: 'staged', input: z.any(), stages: { read: 1, save: 9 }, attempts: 2 });
    const { snapshots } = await runTask(
      staged,
      (_input, task) => {
        const from = (task.checkpointed as number | undefined) ?? 0;
        if (from === 0) task.stage('read');
        task.stage('save');
        if (from === 0) task.progress({ done: 40, total: 50 });
        task.checkpoint(40);
        if (from === 0) throw broken();
      },
      null,
    );
    expect(snapshots.at(-1)?.progress).toEqual({ done: 40, total: 50, stage: 'save' });
  });
});

describe('an attempt that does not read its checkpoint', () => {
  it('starts again from 0, as if there were none', async () => {
    const clock = createTestClock();
    const { snapshots } = await runTask(
      any,
      async (_input, task) => {
        for (let done = 1; done <= 30; done++) {
          await clock.sleep(100);
          task.checkpoint(done);
          task.progress({ done, total: 30 });
          if (task.attempt === 1 && done === 20) throw broken();
        }
      },
      null,
      { clock },
    );
    expect(shownIn(snapshots, 1).at(-1)).toBeGreaterThan(10);
    expect(shownIn(snapshots, 2)[0]).toBeLessThan(10);
    expect(snapshots.every(({ progress }) => progress?.from === undefined)).toBe(true);
  });
});

describe('a checkpoint', () => {
  /** What the attempts find, of a handler whose first attempt does `work` and breaks. */
  async function foundAfter(work: (task: TaskContext) => void, log = recordLog()) {
    const found: unknown[] = [];
    const run = await runTask(
      any,
      (_input, task) => {
        found.push(task.checkpointed);
        if (task.attempt > 1) return;
        work(task);
        throw broken();
      },
      null,
      { log },
    );
    return { found, run, log };
  }

  it.each([[null], [0], ['cursor'], [{ row: 7, ids: ['a'] }], ['x'.repeat(MAX_CHECKPOINT_BYTES - 2)]])(
    'may be any JSON: %j',
    async (value) => expect((await foundAfter((task) => task.checkpoint(value))).found).toEqual([undefined, value]),
  );

  it('is kept as it was when it was given; the last one counts', async () => {
    const { found } = await foundAfter((task) => {
      const state = { row: 1 };
      task.checkpoint({ row: 0 });
      task.checkpoint(state);
      state.row = 2;
    });
    expect(found).toEqual([undefined, { row: 1 }]);
  });

  it.each([
    ['a Date', { at: new Date(0) }, 'is no JSON'],
    ['nothing', undefined, 'is no JSON'],
    ['a BigInt', 1n, 'is no JSON'],
    ['too large', 'x'.repeat(MAX_CHECKPOINT_BYTES - 1), '16384 bytes'],
  ])('that is %s is refused in the log, once for each attempt; the one before stays', async (_what, bad, words) => {
    const { found, log } = await foundAfter((task) => {
      task.checkpoint('good');
      for (let n = 0; n < 5; n++) task.checkpoint(bad);
    });
    expect(found).toEqual([undefined, 'good']);
    const [line, ...more] = log.find('error', /checkpoint/);
    expect(more).toEqual([]);
    expect(line?.message).toContain(words);
    expect(line?.message).toContain('"any"');
  });

  it('is in no snapshot and no log line, even if it is refused', async () => {
    const { run, log } = await foundAfter((task) => {
      task.checkpoint({ token: 'S3CRET' });
      task.checkpoint({ token: 'S3CRET', at: new Date() });
      task.checkpoint(`S3CRET${'x'.repeat(20_000)}`);
    });
    expect(JSON.stringify([run.outcome, run.snapshots, log.lines])).not.toContain('S3CRET');
  });

  it('that does not fit its schema is refused; a stored one that no longer does is left out, and the bar starts again', async () => {
    const log = recordLog();
    const found: unknown[] = [];
    await runTask(
      rows,
      (_input, task) => {
        found.push(task.checkpointed);
        task.checkpoint({ row: 'S3CRET' } as never);
      },
      { total: 1 },
      { log, checkpointed: { line: 7 } as never },
    );
    expect(found).toEqual([undefined]);
    expect(log.find('error', /does not fit the definition's "checkpoint" schema/)).toHaveLength(2);
    expect(JSON.stringify(log.lines)).toContain('"row"');
    expect(JSON.stringify(log.lines)).not.toContain('S3CRET');
  });

  it('is listed for the test, however the attempt ends: error, deadline, the owner’s cancel', async () => {
    const seen: string[] = [];
    for (const options of [{}, { deadline: '1s' as const }, { cancelAfter: '1s' as const }]) {
      const { checkpoints, outcome } = await runTask(
        any,
        async (_input, task) => {
          task.checkpoint(task.attempt);
          if (Object.keys(options).length === 0) throw broken();
          await new Promise((_resolve, reject) => task.signal.addEventListener('abort', () => reject(broken())));
        },
        null,
        options,
      );
      seen.push(`${outcome.status} ${checkpoints.map(({ value }) => value).join()}`);
    }
    expect(seen).toEqual(['failed 1,2,3', 'failed 1', 'cancelled 1']);
  });

  it('may be given to a first attempt, in a test', async () => {
    const found: number[] = [];
    await runTask(
      rows,
      (_input, task) => void found.push(task.checkpointed?.row ?? -1),
      { total: 9 },
      {
        checkpointed: { row: 5 },
      },
    );
    expect(found).toEqual([5]);
    const bad = runTask(any, () => null, null, { checkpointed: new Date() });
    await expect(bad).rejects.toMatchObject({ code: 'invalid_options' });
  });
});

it('types of checkpoints follow from the definition', () => {
  const handler: Handler<typeof rows> = (_input, task) => {
    const row: number | undefined = task.checkpointed?.row;
    // @ts-expect-error: the schema says that it is a number
    task.checkpoint({ row: 'seven' });
    return row;
  };
  const untyped: Handler<typeof any> = (_input, task) => {
    task.checkpoint({ any: 'thing' });
    // @ts-expect-error: without a schema nothing is known of it
    return task.checkpointed.any;
  };
  expect([handler, untyped]).toHaveLength(2);
});
