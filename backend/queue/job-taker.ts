/**
 * Takes jobs from a queue, one for each time it is asked. It serves the queue client. It has a connection of its own, since
 * other commands would wait behind one that waits for a job.
 *
 * While there are jobs, one script takes as many as were asked for (at most 100), and reads the records of their tasks. If it finds
 * fewer, the line is empty. Then a blocking command (BRPOPLPUSH) waits for a job in bee-queue's list. When jobs come again, the
 * first one goes to the list and the others to the line. So a second script follows the blocking command on the same connection,
 * and moves the next job to the list. Redis runs it as soon as the command has its job. Another waiting taker gets the moved job,
 * and its script moves the next one. If a process dies before its script has run, another waiting taker does the same within 2 s.
 *
 * While an operator has paused the definition, both scripts say so. A job that the blocking command got goes back, and
 * the taker asks again every half second.
 */

import { DeadlineError, delay } from '../async.ts';
import type { Client } from '../redis/client.ts';
import { Connection, type ConnectionOptions, SILENT_MS } from '../redis/connection.ts';
import { faultOf } from '../redis/fault.ts';
import { runScript, toScript } from '../redis/script.ts';
import { namedFields, type StoredFields } from '../store/record.ts';
import { FILL_LIST, GIVE_BACK, type LineKeys, TAKE_JOBS, TAKEN_FIELDS } from './line-scripts.ts';

/**
 * How long Redis waits for a job before it answers that there is none, in seconds. It is short, because Redis may give a job
 * to a connection that is dead without Redis knowing. Such a job is lost until the check for stalled jobs finds it.
 */
const BLOCK_S = 2;
/** The wait after Redis has refused to give a job, in ms. */
const REFUSED_RETRY_MS = 500;
/** One script takes at most this many jobs. Redis needs about 1 ms for so many, in which other clients wait. */
const TAKEN_AT_ONCE = 100;
/** How often the taker asks again while the definition is paused. */
const PAUSED_CHECK_MS = 500;
/** How long a job that is given back may wait for a connection. */
const GIVE_BACK_MS = 10_000;
/** How often the connection is checked for silence. */
const WATCH_EVERY_MS = 1_000;
/** Redis answers BRPOPLPUSH within `BLOCK_S`. A connection that is silent for longer than this is dead. */
const LONGEST_SILENCE_MS = BLOCK_S * 1_000 + SILENT_MS;

/** Called with the id of a job, or with the reason why there is none. */
export type JobCallback = (error: unknown, job?: unknown) => void;

/** What the script that took a job tells beside its id. */
export interface TakenWith {
  /** The fields of its task that {@link TAKEN_FIELDS} names, as they were then. Undefined if they were not read. */
  readonly fields: StoredFields | undefined;
  /** When Redis was asked for the job, by `performance.now()`: it was taken at that time or later. */
  readonly askedAt: number;
}

export interface JobTakerOptions
  extends Pick<ConnectionOptions<Record<never, never>>, 'address' | 'permit' | 'onFault'> {
  /** The prefix of the queue's keys. */
  readonly queue: string;
  readonly line: LineKeys;
  /** The prefix of the keys of tasks. */
  readonly taskPrefix: string;
  /** Called just before a job that a script took is given away. */
  readonly onTaken: (job: string, taken: TakenWith) => void;
}

/** The answer of {@link TAKE_JOBS}. */
type TakenJobs = readonly (readonly [job: string, values: readonly (string | null)[] | null])[] | null;

const FILL = toScript(FILL_LIST);
const TAKE = toScript(TAKE_JOBS);
const BACK = toScript(GIVE_BACK);
/** What {@link FILL_LIST} answers if the definition is paused. */
const PAUSED = -1;

/** Takes the jobs of one definition for this process. It connects when a job is first asked for. */
export class JobTaker {
  readonly #onFault: (error: unknown) => void;
  readonly #onTaken: JobTakerOptions['onTaken'];
  readonly #connection: Connection<Record<never, never>>;
  readonly #queue: string;
  readonly #taskPrefix: string;
  /** What the arguments of both scripts begin with: the number of keys, the keys, the queue. How many jobs comes next. */
  readonly #args: readonly string[];
  /** The callbacks that wait for a job, in the order of asking. */
  readonly #waiting: JobCallback[] = [];
  /** Whether Redis has been asked and has not answered. */
  #isAsking = false;
  /** Whether Redis may have jobs: it had more when it last answered, or has not been asked yet. */
  #mayHaveJobs = true;
  /** When Redis was last asked, or connected to since then, by `performance.now()`. */
  #askedAt = 0;
  #watch: NodeJS.Timeout | null = null;

  constructor({ queue, line, taskPrefix, onTaken, ...options }: JobTakerOptions) {
    this.#onFault = options.onFault;
    this.#onTaken = onTaken;
    this.#queue = queue;
    this.#taskPrefix = taskPrefix;
    this.#args = ['3', line.line, line.turns, line.paused, queue];
    this.#connection = new Connection({
      ...options,
      scripts: {},
      isBlocked: () => this.#isAsking,
      onReady: () => {
        this.#askedAt = performance.now();
      },
    });
  }

  /** Moves the next job from the list `source` to `target`, and gives its id to `done`. Waits until there is one. */
  take(source: string, target: string, done: JobCallback): void {
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

  /**
   * Asks Redis if it is not being asked and somebody waits. It does so a moment later, when all who ask now have been heard:
   * tasks that ended together are followed by tasks that start together, so their events share requests to the bus.
   */
  #ask(source: string, target: string): void {
    if (this.#isAsking || this.#waiting.length === 0 || this.#connection.isClosed) return;
    this.#isAsking = true;
    setImmediate(() => this.#askNow(source, target));
  }

  #askNow(source: string, target: string): void {
    this.#askedAt = performance.now();
    // Several jobs are asked for at once only while there are some. A request that waits may lose its job to a dead connection (see
    // BLOCK_S), so only one waits.
    void (this.#mayHaveJobs ? this.#takeSeveral() : this.#waitForOne(source, target))
      .catch((error: unknown) => this.#pauseAfter(error))
      .then(() => {
        this.#isAsking = false;
        this.#ask(source, target);
      });
  }

  async #takeSeveral(): Promise<void> {
    const wanted = Math.min(this.#waiting.length, TAKEN_AT_ONCE);
    const askedAt = this.#askedAt;
    const jobs = (await this.#connection.run(
      (client) => runScript(client, TAKE, [...this.#args, String(wanted), this.#taskPrefix]),
      Number.POSITIVE_INFINITY,
    )) as TakenJobs;
    if (jobs === null) return this.#pause();
    this.#mayHaveJobs = jobs.length === wanted;
    for (const [job, values] of jobs) {
      this.#onTaken(job, { fields: values ? namedFields(TAKEN_FIELDS, values) : undefined, askedAt });
      this.#waiting.shift()?.(null, job);
    }
  }

  async #waitForOne(source: string, target: string): Promise<void> {
    let filling: Promise<number> | undefined;
    const job = await this.#connection.run((client) => {
      const taking = client.sendCommand(['BRPOPLPUSH', source, target, String(BLOCK_S)]);
      filling = this.#fill(client);
      return taking;
    }, Number.POSITIVE_INFINITY);
    const filled = Number(await filling);
    if (filled === PAUSED) {
      if (job !== null) await this.#giveBack(String(job));
      return this.#pause();
    }
    if (job !== null) this.#waiting.shift()?.(null, job);
    this.#mayHaveJobs = filled > 0;
  }

  /** Gives a job back. If that fails, the check for stalled jobs finds the job. */
  async #giveBack(job: string): Promise<void> {
    const args = ['0', this.#queue, job];
    await this.#connection.run((client) => runScript(client, BACK, args), GIVE_BACK_MS);
  }

  async #pause(): Promise<void> {
    this.#mayHaveJobs = true;
    await delay(PAUSED_CHECK_MS);
  }

  async #pauseAfter(error: unknown): Promise<void> {
    this.#mayHaveJobs = true;
    if (this.#connection.isClosed) return;
    this.#onFault(error);
    // Without a connection, the next command waits for one. But a command that Redis refused would be refused again at once.
    if (faultOf(error).kind !== 'away') await delay(REFUSED_RETRY_MS);
  }

  /**
   * Moves a job from the line to the list if the list is empty. Resolves with the number of jobs in the list, or `PAUSED`. If the
   * script fails, resolves with 0: what is wrong with Redis shows at the next command.
   */
  async #fill(client: Client<Record<never, never>>): Promise<number> {
    return (await runScript(client, FILL, [...this.#args, '1']).catch(() => 0)) as number;
  }

  /** The connection sends no pings, which would wait behind BRPOPLPUSH. So silence is noticed here. */
  #renewIfSilent(): void {
    const isSilent = () => this.#isAsking && performance.now() - this.#askedAt > LONGEST_SILENCE_MS;
    if (!isSilent()) return;
    // When the event loop was blocked, timers fire before arrived data is read. Read first, then look again.
    setImmediate(() => {
      if (isSilent())
        this.#connection.renew(new DeadlineError(`no answer to BRPOPLPUSH within ${LONGEST_SILENCE_MS} ms`));
    });
  }
}
