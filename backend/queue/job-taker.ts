/**
 * Takes the ids of jobs from a queue's list of waiting jobs, with a command that waits for one (BRPOPLPUSH). It serves the
 * queue client. It has a connection of its own, since other commands would wait behind this one.
 *
 * Each BRPOPLPUSH is sent together with the script that fills the list from the line again. Redis runs the script as soon as
 * a job was taken, so the next taker finds one, and it does so even if this process has died meanwhile. If the script was
 * lost with the connection, the list is filled by the next task that is created, by any other taker within 2 s, or by the
 * taker that connects next.
 */

import { createHash } from 'node:crypto';
import { DeadlineError, delay } from '../async.ts';
import type { Client } from '../redis/client.ts';
import { Connection, type ConnectionOptions, SILENT_MS } from '../redis/connection.ts';
import { faultOf } from '../redis/fault.ts';
import { FILL_LIST, type LineKeys, SHORT_LIST } from './line-scripts.ts';

/**
 * How long Redis waits for a job before it answers that there is none, in seconds. It is short, because Redis may give a job
 * to a connection that is dead without Redis knowing. Such a job is lost until the check for stalled jobs finds it.
 */
const BLOCK_S = 2;
/** Between two tries to take a job that Redis refuses. */
const REFUSED_RETRY_MS = 500;
const WATCH_EVERY_MS = 1_000;
/** Redis answers BRPOPLPUSH within `BLOCK_S`. A connection that is silent for longer than this is dead. */
const LONGEST_SILENCE_MS = BLOCK_S * 1_000 + SILENT_MS;

/** Gets the id of a job, or the reason why there is none. */
export type Taken = (error: unknown, job?: unknown) => void;

export interface JobTakerOptions
  extends Pick<ConnectionOptions<Record<never, never>>, 'address' | 'permit' | 'onFault'> {
  /** The prefix of the queue's keys. */
  readonly queue: string;
  readonly line: LineKeys;
}

const FILL_SHA = createHash('sha1').update(FILL_LIST).digest('hex');

export class JobTaker {
  readonly #onFault: (error: unknown) => void;
  readonly #connection: Connection<Record<never, never>>;
  /** What follows the script that fills the list. */
  readonly #fillArgs: readonly string[];
  /** The callbacks that wait for a job, in the order of asking. */
  readonly #waiting: Taken[] = [];
  /** Commands that have been sent and not been answered. */
  #pending = 0;
  /** Whether Redis had a job when it was last asked. */
  #hasJobs = false;
  /** When Redis last answered on this connection, by `performance.now()`. */
  #heardAt = 0;
  #watch: NodeJS.Timeout | null = null;

  constructor({ queue, line, ...options }: JobTakerOptions) {
    this.#onFault = options.onFault;
    this.#fillArgs = ['2', line.line, line.turns, queue, String(SHORT_LIST)];
    this.#connection = new Connection({
      ...options,
      scripts: {},
      isBlocked: () => this.#pending > 0,
      prepare: (client) => this.#fill(client).catch(() => undefined),
      onReady: () => {
        this.#heardAt = performance.now();
      },
    });
  }

  /** Moves the next job from the list `source` to `target`, and gives its id to `done`. Waits until there is one. */
  take(source: string, target: string, done: Taken): void {
    this.#waiting.push(done);
    this.#watch ??= setInterval(() => this.#renewIfSilent(), WATCH_EVERY_MS);
    this.#ask(source, target);
  }

  /** All that wait for a job get `reason`. */
  close(reason: Error): void {
    this.#connection.close();
    if (this.#watch) clearInterval(this.#watch);
    for (const done of this.#waiting.splice(0)) done(reason);
  }

  #ask(source: string, target: string): void {
    // Several commands at once only while there are jobs: each may take a job for a connection that is dead (see BLOCK_S).
    while (this.#waiting.length > this.#pending && (this.#pending === 0 || this.#hasJobs)) {
      this.#pending += 1;
      void this.#askOnce(source, target).then(() => {
        this.#pending -= 1;
        if (!this.#connection.isClosed) this.#ask(source, target);
      });
    }
  }

  async #askOnce(source: string, target: string): Promise<void> {
    if (this.#pending === 1) this.#heardAt = performance.now();
    try {
      const command = ['BRPOPLPUSH', source, target, String(BLOCK_S)];
      const job = await this.#connection.run((client) => {
        const taking = client.sendCommand(command);
        // If it fails, another taker fills the list, and what is wrong with Redis shows at the next command.
        void this.#fill(client).catch(() => undefined);
        return taking;
      }, Number.POSITIVE_INFINITY);
      this.#heardAt = performance.now();
      this.#hasJobs = job !== null;
      if (job !== null) this.#waiting.shift()?.(null, job);
    } catch (error) {
      this.#hasJobs = false;
      if (this.#connection.isClosed) return;
      this.#onFault(error);
      // Without a connection, the next command waits for one. But a command that Redis refused would be refused again at once.
      if (faultOf(error).kind !== 'away') await delay(REFUSED_RETRY_MS);
    }
  }

  /** Sends the script. Redis may have lost it (a restart); then it is sent as text. */
  async #fill(client: Client<Record<never, never>>): Promise<void> {
    try {
      await client.sendCommand(['EVALSHA', FILL_SHA, ...this.#fillArgs]);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      await client.sendCommand(['EVAL', FILL_LIST, ...this.#fillArgs]);
    }
  }

  /** The connection sends no pings, which would wait behind BRPOPLPUSH. So silence is noticed here. */
  #renewIfSilent(): void {
    const isSilent = () => this.#pending > 0 && performance.now() - this.#heardAt > LONGEST_SILENCE_MS;
    if (!isSilent()) return;
    // When the event loop was blocked, timers fire before arrived data is read. Read first, then look again.
    setImmediate(() => {
      if (isSilent())
        this.#connection.renew(new DeadlineError(`no answer to BRPOPLPUSH within ${LONGEST_SILENCE_MS} ms`));
    });
  }
}
