/** The job queues in memory: what `backend/queue/` does with bee-queue. It serves the memory backend. */

import { BAND } from '../../backend/queue/line-scripts.ts';
import type { ConsumeOptions, Consumer, JobHandler } from '../../backend/queue/queue.ts';
import type { TestTime } from '../time/test-time.ts';
import { MemoryLine } from './memory-line.ts';

/** A job that is added. */
export interface NewJob {
  readonly id: string;
  readonly owner: string;
  /** When it is due, in ms since 1970; null for at once. */
  readonly at: number | null;
  /** Where it stands among the owner's jobs in the line. Null: the task had its turn before. */
  readonly band: number | null;
  /** Called when it is due, in place of adding it to the line. */
  readonly onDue?: () => void;
}

interface Taker {
  readonly handler: JobHandler;
  readonly concurrency: number;
  running: number;
}

/** What waits for the takers of one definition. */
interface Queue {
  readonly line: MemoryLine;
  /** Jobs with a start time that have not been moved to the line yet, by their ids. */
  readonly delayed: Map<string, NewJob>;
}

export class MemoryQueues {
  readonly #time: Pick<TestTime, 'now' | 'delay'>;
  readonly #takers = new Map<string, Taker>();
  readonly #queues = new Map<string, Queue>();
  #waitingForIdle: { readonly names: readonly string[]; readonly resolve: () => void }[] = [];

  constructor(time: Pick<TestTime, 'now' | 'delay'>) {
    this.#time = time;
  }

  add(name: string, job: NewJob): void {
    const queue: Queue = this.#queues.get(name) ?? { line: new MemoryLine(), delayed: new Map() };
    this.#queues.set(name, queue);
    if (job.at !== null) {
      queue.delayed.set(job.id, job);
      if (this.#takers.has(name)) this.#takeOnceDue(name, job.at);
      return;
    }
    queue.line.add(job.owner, job.id, job.band);
    this.#take(name);
  }

  /** Removes a job that waits in the line or for its time. */
  remove(name: string, owner: string, job: string): void {
    const queue = this.#queues.get(name);
    queue?.delayed.delete(job);
    queue?.line.remove(owner, job);
    this.#checkIdle();
  }

  /** Removes a job wherever it waits, also from the list that is taken before the line. */
  discard(name: string, owner: string, job: string): void {
    this.#queues.get(name)?.line.discard(owner, job);
    this.remove(name, owner, job);
  }

  /** Whether a job of this definition waits for a worker. */
  isWaiting(name: string): boolean {
    return (this.#queues.get(name)?.line.size ?? 0) > 0;
  }

  /** How many jobs will be taken before this one; null if it does not wait. */
  ahead(name: string, job: string): number | null {
    return this.#queues.get(name)?.line.ahead(job) ?? null;
  }

  async consume(
    name: string,
    { concurrency }: Pick<ConsumeOptions, 'concurrency'>,
    handler: JobHandler,
  ): Promise<Consumer> {
    this.#takers.set(name, { handler, concurrency, running: 0 });
    for (const { at } of this.#queues.get(name)?.delayed.values() ?? []) this.#takeOnceDue(name, at ?? 0);
    this.#take(name);
    return {
      close: async () => {
        this.#takers.delete(name);
      },
    };
  }

  /** The names of definitions that have jobs. */
  get waitingNames(): readonly string[] {
    const isWaiting = ({ line, delayed }: Queue) => line.size + delayed.size > 0;
    return [...this.#queues].filter(([, queue]) => isWaiting(queue)).map(([name]) => name);
  }

  /** Resolves when no job of these definitions waits, and none runs. */
  idle(names: readonly string[]): Promise<void> {
    return new Promise((resolve) => {
      this.#waitingForIdle.push({ names, resolve });
      this.#checkIdle();
    });
  }

  #takeOnceDue(name: string, at: number): void {
    const ms = at - this.#time.now();
    // `asleep`: if nothing else is going on, the time of the test jumps to when the job is due.
    if (ms > 0) void this.#time.delay(ms, 'asleep').then(() => this.#take(name));
    else this.#take(name);
  }

  #take(name: string): void {
    const [taker, queue] = [this.#takers.get(name), this.#queues.get(name)];
    if (!taker || !queue) return;
    const now = this.#time.now();
    for (const [id, { owner, at, band, onDue }] of queue.delayed) {
      if ((at ?? 0) > now) continue;
      queue.delayed.delete(id);
      if (onDue) onDue();
      // A delayed job of a task that had its turn before is a retry. It waits in the line like the others, but in front.
      else queue.line.add(owner, id, band ?? BAND.retry);
    }
    while (taker.running < taker.concurrency) {
      const job = queue.line.take();
      if (job === null) break;
      taker.running++;
      void taker.handler(job).then(() => {
        taker.running--;
        this.#take(name);
        this.#checkIdle();
      });
    }
  }

  #checkIdle(): void {
    const isBusy = [...this.#takers.values()].some(({ running }) => running > 0);
    if (isBusy) return;
    const waiting = this.waitingNames;
    this.#waitingForIdle = this.#waitingForIdle.filter(({ names, resolve }) => {
      const isIdle = !names.some((name) => waiting.includes(name));
      if (isIdle) resolve();
      return !isIdle;
    });
  }
}
