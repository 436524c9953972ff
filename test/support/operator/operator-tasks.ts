// The definitions of the tests of `inloop/operator`, for the tests and for the worker process (operator-worker.ts).
import { z } from 'zod';
import { defineTask } from '../../../core/tasks/definition.ts';

export const inputOfWork = z.object({
  /** How many attempts fail. */
  fails: z.number().default(0),
  code: z.string().default('no_disk'),
  message: z.string().default('The disk is full.'),
  /** Whether the last attempt waits for `letGo` of the world. */
  holds: z.boolean().default(false),
});
/** Tries twice, 50 ms apart. */
export const work = defineTask({
  name: 'work',
  input: inputOfWork,
  title: () => 'Work',
  attempts: 2,
  backoff: { initial: 50 },
});
/** One at a time. */
export const alone = defineTask({ name: 'alone', input: inputOfWork, concurrency: { key: () => 'one' } });
/** Starts one `work` and waits for it. */
export const parent = defineTask({ name: 'parent', input: inputOfWork });
/** No worker handles it. */
export const orphan = defineTask({ name: 'orphan', input: z.object({}) });
/** For the tests of pauses. */
export const pausable = defineTask({ name: 'pausable', input: z.object({}) });
/** Never ends, and does not stop when it is told to. Only the worker process handles it, one at a time. */
export const deaf = defineTask({ name: 'deaf', input: z.object({}), title: () => 'Import contacts.csv' });
/** Blocks the event loop of its worker for a minute. Only the worker process handles it. */
export const blocker = defineTask({ name: 'blocker', input: z.object({}) });

export const DEFINITIONS = [work, alone, parent, orphan, pausable, deaf, blocker];
