// The task that every stack runs: its input, its work for each element, and its result.
import { setImmediate as letOthersRun } from 'node:timers/promises';
import { z } from 'zod';
import { pause } from '../measure/clock.ts';

/**
 * What the work of one element is:
 * - `none`: nothing
 * - `cpu`: `size` rounds of arithmetic; after every 20 elements the event loop handles other events
 * - `sleep`: a timer of `size` ms
 * - `paced`: all elements are spread evenly over `size` ms
 */
export type WorkKind = 'none' | 'cpu' | 'sleep' | 'paced';

/** The payload of a job, the same in every stack. Every server checks it before it accepts the task. */
export const taskInput = z.object({
  uploadId: z.string().min(1).max(100),
  filename: z.string().min(1).max(200),
  /** The number of the task. No two tasks of a stack have the same. */
  n: z.int().min(0),
  user: z.string().min(1).max(100),
  elements: z.int().min(1),
  work: z.enum(['none', 'cpu', 'sleep', 'paced']),
  size: z.number().min(0),
});

export type TaskInput = z.infer<typeof taskInput>;

/** What a task's handler returns, the same in every stack. */
export interface TaskResult {
  readonly n: number;
  readonly imported: number;
  readonly skipped: number;
}

/** The schema of a result. */
export const taskResult = z.object({ n: z.int(), imported: z.int(), skipped: z.int() });

/** An input with the names that a user's upload would have. */
export function makeInput(task: Omit<TaskInput, 'uploadId' | 'filename'>): TaskInput {
  return { uploadId: `upload-${task.n}`, filename: `contacts-${task.n}.csv`, ...task };
}

/** What the handler returns: all elements are imported. */
export function resultOf({ n, elements }: TaskInput): TaskResult {
  return { n, imported: elements, skipped: 0 };
}

/** Does the work of element number `done` (from 1). Returns a promise if the work takes time. */
export type WorkOnElement = (done: number) => Promise<unknown> | undefined;

/** The work that an input asks for. With `paced`, the time begins now. */
export function createWork({ work, size, elements }: TaskInput): WorkOnElement {
  switch (work) {
    case 'none':
      return () => undefined;
    case 'cpu':
      return (done) => {
        spin(size);
        return done % 20 === 0 ? letOthersRun() : undefined;
      };
    case 'sleep':
      return () => pause(size);
    case 'paced': {
      const began = performance.now();
      return (done) => {
        const earlyMs = began + (done / elements) * size - performance.now();
        return earlyMs > 1 ? pause(earlyMs) : undefined;
      };
    }
  }
}

/** The result of the last `spin`. It is kept, so that the compiler cannot leave out the computation. */
let spun = 1;

/**
 * Keeps the processor busy with `rounds` rounds of arithmetic. Each round needs the result of the one before, so the compiler
 * cannot skip any.
 */
function spin(rounds: number): void {
  let value = spun;
  for (let round = 0; round < rounds; round++) value = (Math.imul(value, 1_664_525) + 1_013_904_223) | 0;
  spun = value;
}

/** How many rounds of arithmetic take `us` microseconds on this machine, now: measured by the quickest of 5 runs. */
export function roundsFor(us: number): number {
  const timed = (rounds: number) => {
    const began = performance.now();
    spin(rounds);
    return performance.now() - began;
  };
  // The first run is not measured: the compiler still works on `spin`.
  timed(1e6);
  const best = Math.min(...Array.from({ length: 5 }, () => timed(1e7)));
  return Math.round((1e7 / best / 1_000) * us);
}
