/** The job queues in memory: what `backend/queue/` does with bee-queue. It serves the memory backend. */

import type { ConsumeOptions, Consumer } from '../../backend/queue/queue.ts';
import type { TestTime } from '../time/test-time.ts';

/** A job that waits. */
interface WaitingJob {
  readonly name: string;
  readonly id: string;
  /** When it is due, in ms since 1970. */
  readonly at: number;
}

interface Taker {
  readonly handler: (job: string) => Promise<void>;
  readonly concurrency: number;
  running: number;
}

export class MemoryQueues {
  readonly #time: Pick<TestTime, 'now' | 'delay'>;
  readonly #takers = new Map<string, Taker>();
  #jobs: WaitingJob[] = [];
  #waitingForIdle: { readonly names: readonly string[]; readonly resolve: () => void }[] = [];

  constructor(time: Pick<TestTime, 'now' | 'delay'>) {
    this.#time = time;
  }

  /** @param at when the job is due, in ms since 1970; null for at once */
  add(name: string, { id, at }: { readonly id: string; readonly at: number | null }): void {
    const job = { name, id, at: at ?? this.#time.now() };
    this.#jobs.push(job);
    if (this.#takers.has(name)) this.#takeOnceDue(job);
  }

  async consume(
    name: string,
    { concurrency }: Pick<ConsumeOptions, 'concurrency'>,
    handler: (job: string) => Promise<void>,
  ): Promise<Consumer> {
    this.#takers.set(name, { handler, concurrency, running: 0 });
    for (const job of this.#jobs) if (job.name === name) this.#takeOnceDue(job);
    return {
      close: async () => {
        this.#takers.delete(name);
      },
    };
  }

  /** The names of definitions that have jobs. */
  get waitingNames(): readonly string[] {
    return [...new Set(this.#jobs.map(({ name }) => name))];
  }

  /** Resolves when no job of these definitions waits, and none runs. */
  idle(names: readonly string[]): Promise<void> {
    return new Promise((resolve) => {
      this.#waitingForIdle.push({ names, resolve });
      this.#checkIdle();
    });
  }

  #takeOnceDue(job: WaitingJob): void {
    const ms = job.at - this.#time.now();
    if (ms <= 0) this.#take(job.name);
    else void this.#time.delay(ms, 'asleep').then(() => this.#take(job.name));
  }

  #take(name: string): void {
    const taker = this.#takers.get(name);
    if (!taker) return;
    const now = this.#time.now();
    while (taker.running < taker.concurrency) {
      const job = this.#jobs.find((one) => one.name === name && one.at <= now);
      if (!job) break;
      this.#jobs = this.#jobs.filter((one) => one !== job);
      taker.running++;
      void taker.handler(job.id).then(() => {
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
