// The tasks of tests that break things: some only work, each of the others misbehaves in one way. Declared once, for the server in
// the test and for the worker process.
import { z } from 'zod';
import { defineTask } from '../../../../core/tasks/definition.ts';

/** Takes `steps` steps of `ms` each (in later attempts of a tenth of that), then 150 ms more. Stops when its signal fires. */
export const steps = defineTask({
  name: 'steps',
  input: z.object({ steps: z.number(), ms: z.number() }),
  output: z.object({ steps: z.number(), attempt: z.number() }),
  attempts: 3,
  backoff: { initial: '50ms' },
  browser: true,
});

/**
 * Adds up the numbers of `rows` rows of `ms` each, and goes on from its checkpoint. `from`: where its last attempt began; `by`:
 * the attempt that gave a checkpoint.
 */
export const rows = defineTask({
  name: 'rows',
  input: z.object({ rows: z.number(), ms: z.number() }),
  output: z.object({ sum: z.number(), from: z.number() }),
  checkpoint: z.object({ row: z.number(), sum: z.number(), by: z.string() }),
  attempts: 3,
  backoff: { initial: '50ms' },
  browser: true,
});

/** Kills the process that runs it, every time. */
export const poison = defineTask({
  name: 'poison',
  input: z.object({}),
  attempts: 3,
  backoff: { initial: '50ms' },
  browser: true,
});

/** Blocks the event loop for `ms` in its first attempt. Each attempt then reports and returns. */
export const block = defineTask({ name: 'block', input: z.object({ ms: z.number() }), attempts: 3, browser: true });

/** Blocks the event loop for `ms`, which is beyond its deadline and the worker's grace. */
export const blockLate = defineTask({
  name: 'block-late',
  input: z.object({ ms: z.number() }),
  attempts: 3,
  browser: true,
  deadline: '500ms',
});

/** Ignores its signal and goes on for `ms`. */
export const deaf = defineTask({
  name: 'deaf',
  input: z.object({ ms: z.number() }),
  attempts: 3,
  deadline: '1h',
  browser: true,
});

/** Runs into its deadline of 200 ms. Stops then, unless it is `deaf`. */
export const late = defineTask({
  name: 'late',
  input: z.object({ deaf: z.boolean() }),
  attempts: 3,
  browser: true,
  deadline: '200ms',
});

/** Fails its first `failures` attempts. */
export const flaky = defineTask({
  name: 'flaky',
  input: z.object({ failures: z.number() }),
  attempts: 3,
  backoff: { initial: '50ms' },
  browser: true,
});

/** Starts `children` tasks, one every `ms`, and waits for them. The first `failing` of them fail; the others take 2 steps of `ms`. */
export const family = defineTask({
  name: 'family',
  input: z.object({ children: z.number(), failing: z.number(), ms: z.number() }),
  output: z.object({ started: z.number() }),
  attempts: 3,
  backoff: { initial: '50ms' },
  browser: true,
});

/** Takes `ms`, one at a time for each `key`. In a worker with the variable KEYED_MS it takes that long instead. */
export const keyed = defineTask({
  name: 'keyed',
  input: z.object({ key: z.string(), ms: z.number() }),
  title: ({ key }) => key,
  attempts: 3,
  backoff: { initial: '50ms' },
  browser: true,
  concurrency: { key: ({ key }) => key },
});

export const FAULT_TASKS = [steps, rows, poison, block, blockLate, deaf, late, flaky, family, keyed] as const;
