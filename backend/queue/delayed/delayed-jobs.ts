/**
 * Delivers the delayed jobs of one queue when they are due by Redis' clock. It serves `queue.ts`. bee-queue could do this,
 * too, but by this machine's clock. That clock may be minutes behind Redis', and then each retry would come minutes late.
 */

import type { Clock } from '../../clock.ts';
import { Connection, type ConnectionOptions } from '../../redis/connection.ts';
import { toScript } from '../../redis/script.ts';
import type { QueueClient } from '../bee-queue/queue-client.ts';
import type { LineKeys } from '../line-scripts.ts';
import { DueTimer } from './due-timer.ts';
import { RAISE_DELAYED_JOBS, RAISED_AT_ONCE } from './raise-script.ts';

/** The script runs at least this often: the message about a new delayed job may be lost, for example when Redis restarts. */
const CHECK_EVERY_MS = 1_000;
/** Jobs that are due within this time of each other are delivered together, in ms. */
const GATHER_MS = 100;
const RAISE = toScript(RAISE_DELAYED_JOBS);

export interface DelayedJobsOptions
  extends Pick<ConnectionOptions<Record<never, never>>, 'address' | 'permit' | 'onFault'> {
  /** The prefix of the queue's keys. */
  readonly queue: string;
  readonly line: LineKeys;
  /** The prefix of a task's key. */
  readonly taskPrefix: string;
  /** Runs the script that moves the jobs. */
  readonly client: Pick<QueueClient, 'runScript'>;
  readonly clock: Pick<Clock, 'now'>;
}

/** The delayed jobs of one definition. Every process that takes its jobs delivers them: doing it twice does no harm. */
export class DelayedJobs {
  readonly #options: DelayedJobsOptions;
  readonly #timer: DueTimer;
  readonly #subscription: Connection<Record<never, never>>;

  constructor(options: DelayedJobsOptions) {
    this.#options = options;
    const { queue, line: _line, taskPrefix: _prefix, clock, client: _client, ...connection } = options;
    this.#timer = new DueTimer({ clock, longestWait: CHECK_EVERY_MS, onDue: () => void this.#deliver() });
    this.#subscription = new Connection({
      ...connection,
      scripts: {},
      // The script that adds a job publishes its due time if it is due before all others.
      prepare: (client) => client.subscribe(`${queue}earlierDelayed`, (time) => this.#timer.schedule(Number(time))),
      // Jobs may have been added while there was no subscription.
      onReady: () => void this.#deliver(),
    });
  }

  /** Delivers jobs that are due, from now on. */
  start(): void {
    void this.#subscription.whenUsable();
    // -1: it is not known when a job is due, so the timer calls `#deliver` after CHECK_EVERY_MS.
    this.#timer.schedule(-1);
  }

  close(): void {
    this.#timer.stop();
    this.#subscription.close();
  }

  async #deliver(): Promise<void> {
    const { queue, line, taskPrefix, client, clock, onFault } = this.#options;
    const keys = [`${queue}delayed`, line.line, line.turns];
    try {
      let raised = 0;
      let nextAt = -1;
      do {
        const args = [keys.length, ...keys, clock.now(), GATHER_MS, queue, taskPrefix];
        const answer = (await client.runScript(RAISE, args)) as [number, string | number];
        raised = answer[0];
        nextAt = Number(answer[1]);
        // If very many are due, Redis serves other clients between two calls.
      } while (raised === RAISED_AT_ONCE);
      this.#timer.schedule(nextAt);
    } catch (error) {
      if (!this.#subscription.isClosed) onFault(error);
      this.#timer.schedule(-1);
    }
  }
}
