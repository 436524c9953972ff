// The task that every stack runs: its input, its work for each element, its result, and the times that its worker notes.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { z } from 'zod';
import { now, pause } from '../measure/clock.ts';

/**
 * What the work of one element is:
 * - `none`: nothing
 * - `cpu`: `size` rounds of arithmetic; after every 20 elements other events are handled
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

/** The outcome of a task, the same in every stack. */
export interface TaskResult {
  readonly n: number;
  readonly imported: number;
  readonly skipped: number;
}

export const taskResult = z.object({ n: z.int(), imported: z.int(), skipped: z.int() });

export function makeInput(task: Omit<TaskInput, 'uploadId' | 'filename'>): TaskInput {
  return { uploadId: `upload-${task.n}`, filename: `contacts-${task.n}.csv`, ...task };
}

export function resultOf({ n, elements }: TaskInput): TaskResult {
  return { n, imported: elements, skipped: 0 };
}

/** Does the work of element number `done` (from 1). Returns a promise if the work takes time. */
export type Element = (done: number) => Promise<unknown> | undefined;

export function createWork({ work, size, elements }: TaskInput): Element {
  switch (work) {
    case 'none':
      return () => undefined;
    case 'cpu':
      return (done) => {
        spin(size);
        return done % 20 === 0 ? nextTurn() : undefined;
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

/** Computes `rounds` rounds. Each needs the result of the round before, so the compiler cannot skip any. */
export function spin(rounds: number): void {
  let value = spun;
  for (let round = 0; round < rounds; round++) value = (Math.imul(value, 1_664_525) + 1_013_904_223) | 0;
  spun = value;
}

/** How many rounds of arithmetic take `us` microseconds on this machine, now. */
export function roundsFor(us: number): number {
  const timed = (rounds: number) => {
    const began = performance.now();
    spin(rounds);
    return performance.now() - began;
  };
  timed(1e6);
  const best = Math.min(...Array.from({ length: 5 }, () => timed(1e7)));
  return Math.round((1e7 / best / 1_000) * us);
}

/** When the handler of a task began, finished its last element, and returned (ms on the bench's clock). */
export interface Mark {
  readonly n: number;
  readonly began: number;
  readonly done: number;
  readonly returned: number;
}

/** The times that a worker notes for its tasks. */
export class Marks {
  readonly #open = new Map<number, { began: number; done: number }>();
  #closed: Mark[] = [];
  #waiting: { readonly count: number; readonly resolve: () => void }[] = [];

  began(n: number): void {
    this.#open.set(n, { began: now(), done: 0 });
  }

  /** How many tasks have begun and not returned. */
  get open(): number {
    return this.#open.size;
  }

  /** Call it when the last element is finished, before anybody is told. */
  done(n: number): void {
    const open = this.#open.get(n);
    if (open) open.done = now();
  }

  returned(n: number): void {
    const open = this.#open.get(n);
    if (!open) return;
    this.#open.delete(n);
    this.#closed.push({ n, ...open, returned: now() });
    for (const waiting of this.#waiting) if (this.#closed.length >= waiting.count) waiting.resolve();
  }

  /** Resolves when `count` tasks have returned since the last `take`. @throws when they have not after `ms` */
  async reached(count: number, ms: number): Promise<void> {
    if (this.#closed.length >= count) return;
    await new Promise<void>((resolve, reject) => {
      const missing = () =>
        reject(new Error(`Only ${this.#closed.length} of ${count} tasks ended in ${ms / 1_000} s.`));
      const timer = setTimeout(missing, ms);
      this.#waiting.push({
        count,
        resolve() {
          clearTimeout(timer);
          resolve();
        },
      });
    });
  }

  /** Returns the marks since the last `take`. */
  take(): readonly Mark[] {
    this.#waiting = [];
    return this.#closed.splice(0);
  }
}
