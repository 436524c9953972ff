/**
 * The Redis client that bee-queue gets from us. bee-queue takes a client of node_redis or ioredis, knows it by the name of
 * its class, and uses of it what stands here. Its own (node_redis 3) asks INFO before it does anything, ends the process
 * over a wrong password, knows no sentinels, and waits for ever on a connection that is dead. Ours is a `Connection` like
 * those of the task store.
 */

import { EventEmitter } from 'node:events';
import lua from 'bee-queue/lib/lua/index.js';
import { delay } from '../async.ts';
import type { RedisAddress } from '../redis/address.ts';
import { Connection, SILENT_MS } from '../redis/connection.ts';
import { faultOf } from '../redis/fault.ts';

/**
 * How long Redis waits for a job before it says that there is none. Short, since a job that is pushed while Redis takes a
 * dead connection for a living one goes to that connection, and then has to be found by the check for stalled jobs.
 */
const BLOCK_S = 2;
/** How long a command waits for a connection. */
const PATIENCE_MS = 10_000;
/** Between two tries to take a job that Redis refuses. */
const REFUSED_RETRY_MS = 500;
const WATCH_EVERY_MS = 1_000;

type Done = (error: unknown, answer?: unknown) => void;

export interface QueueClientOptions {
  readonly address: RedisAddress;
  /** What bee-queue keeps for every job. It asks for each, and we know what that is. */
  readonly jobData: string;
  /** Resolves when a connection may be made. Before each. */
  readonly permit?: () => Promise<void>;
  /** A connection was lost or could not be made, or a job not be taken. It is tried again. */
  readonly onFault: (error: unknown) => void;
}

export class QueueClient extends EventEmitter {
  readonly #options: QueueClientOptions;
  readonly #connection: Connection<Record<never, never>>;
  readonly #copies: QueueClient[] = [];
  readonly #takers: Done[] = [];
  #takesUnderWay = 0;
  /** Whether Redis had a job when it was last asked. */
  #isFlowing = false;
  #heardAt = 0;
  #watch: NodeJS.Timeout | null = null;
  /** Read by bee-queue. */
  ready = false;
  /** When the connection was made anew (ms, `performance.now()`); long ago for the first one. */
  #reconnectedAt = Number.NEGATIVE_INFINITY;

  constructor(options: QueueClientOptions) {
    super();
    this.#options = options;
    this.#connection = new Connection({
      address: options.address,
      scripts: {},
      isBlocked: () => this.#takesUnderWay > 0,
      ...(options.permit ? { permit: options.permit } : {}),
      onReady: () => {
        this.#heardAt = performance.now();
        if (this.ready) this.#reconnectedAt = performance.now();
      },
      onFault: options.onFault,
    });
    void this.#connection.whenUsable().then(() => {
      this.ready = true;
      this.emit('ready');
    });
  }

  /** For how long it has been connected since it was not, in ms; 0 while it is not. */
  get connectedFor(): number {
    return this.#connection.isReady ? performance.now() - this.#reconnectedAt : 0;
  }

  /** Another connection to the same Redis, closed with this one. */
  duplicate(): QueueClient {
    const copy = new QueueClient(this.#options);
    this.#copies.push(copy);
    return copy;
  }

  /** Jobs are taken with one command after the other, for as many as wait for one, until the client is closed. */
  brpoplpush(source: string, target: string, _forever: number, done: Done): void {
    this.#takers.push(done);
    this.#watch ??= setInterval(() => this.#leaveIfSilent(), WATCH_EVERY_MS);
    this.#take(source, target);
  }

  /** Redis need not have the script: it is sent where it is missed. */
  evalsha(sha: string, ...rest: unknown[]): void {
    const done = rest.pop() as Done;
    const args = rest.map(String);
    this.#send(['EVALSHA', sha, ...args])
      .catch((error: unknown) => {
        const name = Object.keys(lua.shas).find((key) => lua.shas[key] === sha);
        const script = name && lua.scripts[name];
        if (!script || !(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
        return this.#send(['EVAL', script, ...args]);
      })
      .then((answer) => done(null, answer), done);
  }

  /** bee-queue asks which scripts Redis lacks, to load those: none, see `evalsha`. */
  script(_question: string, _sha: string, done: Done): void {
    done(null, [1]);
  }

  /** So a job that is delivered once more after its end gets to the handler too, and goes; it would be handed round for ever. */
  hget(_key: string, _field: string, done: Done): void {
    done(null, this.#options.jobData);
  }

  srem(key: string, member: string, done: Done): void {
    this.#send(['SREM', key, member]).then((answer) => done(null, answer), done);
  }

  multi(): QueueTransaction {
    return new QueueTransaction((commands) =>
      this.#connection.run((client) => {
        const transaction = client.multi();
        for (const command of commands) transaction.addCommand([...command]);
        return transaction.exec();
      }, PATIENCE_MS),
    );
  }

  subscribe(channel: string, done: Done): void {
    const subscribe = (): Promise<void> =>
      this.#connection
        .run((client) => client.subscribe(channel, (message) => this.emit('message', channel, message)), PATIENCE_MS)
        .catch(async (error: unknown) => {
          if (this.#connection.isClosed) throw error;
          this.#options.onFault(error);
          await delay(REFUSED_RETRY_MS);
          return subscribe();
        });
    subscribe().then(() => done(null, channel), done);
  }

  /** Closes it and its copies at once; who waits for a job hears of it in the words that bee-queue knows. */
  disconnect(): void {
    if (this.#connection.isClosed) return;
    this.#connection.close();
    if (this.#watch) clearInterval(this.#watch);
    const closed = new Error('Connection is closed.');
    for (const done of this.#takers.splice(0)) done(closed);
    // bee-queue waits for it to be ready or to fail.
    if (!this.ready && this.listenerCount('error') > 0) this.emit('error', closed);
    for (const copy of this.#copies) copy.disconnect();
  }

  quit(done: Done): void {
    this.disconnect();
    done(null, 'OK');
  }

  #send(command: readonly string[]): Promise<unknown> {
    return this.#connection.run((client) => client.sendCommand([...command]), PATIENCE_MS);
  }

  #take(source: string, target: string): void {
    // Several at once only while there are jobs: each that Redis has read takes one, even for a connection that is gone.
    while (this.#takers.length > this.#takesUnderWay && (this.#takesUnderWay === 0 || this.#isFlowing)) {
      this.#takesUnderWay += 1;
      void this.#takeOne(source, target).then(() => {
        this.#takesUnderWay -= 1;
        if (!this.#connection.isClosed) this.#take(source, target);
      });
    }
  }

  async #takeOne(source: string, target: string): Promise<void> {
    if (this.#takesUnderWay === 1) this.#heardAt = performance.now();
    try {
      const command = ['BRPOPLPUSH', source, target, String(BLOCK_S)];
      const job = await this.#connection.run((client) => client.sendCommand(command), Number.POSITIVE_INFINITY);
      this.#heardAt = performance.now();
      this.#isFlowing = job !== null;
      if (job !== null) this.#takers.shift()?.(null, job);
    } catch (error) {
      this.#isFlowing = false;
      if (this.#connection.isClosed) return;
      this.#options.onFault(error);
      // A connection that is gone is made anew, and that is waited for; what Redis refuses would be refused at once again.
      if (faultOf(error).kind !== 'away') await delay(REFUSED_RETRY_MS);
    }
  }

  /** No ping gets through while Redis waits for a job; but it says at least every two seconds that there is none. */
  #leaveIfSilent(): void {
    const isSilent = () => this.#takesUnderWay > 0 && performance.now() - this.#heardAt > BLOCK_S * 1_000 + SILENT_MS;
    if (!isSilent()) return;
    // After a busy spell timers come first; what has arrived is read next, and only then is it silent.
    setImmediate(() => {
      if (isSilent()) this.#connection.renew(new Error('no answer to BRPOPLPUSH'));
    });
  }
}

// bee-queue tells a client from settings by the name of its class, which a bundler may have changed.
Object.defineProperty(QueueClient, 'name', { value: 'RedisClient' });

/** What bee-queue does at the end of a job, in one step. */
class QueueTransaction {
  readonly #run: (commands: readonly (readonly string[])[]) => Promise<unknown>;
  readonly #commands: string[][] = [];

  constructor(run: (commands: readonly (readonly string[])[]) => Promise<unknown>) {
    this.#run = run;
  }

  lrem(key: string, count: number, member: string): this {
    return this.#add('LREM', key, String(count), member);
  }

  srem(key: string, member: string): this {
    return this.#add('SREM', key, member);
  }

  hdel(key: string, field: string): this {
    return this.#add('HDEL', key, field);
  }

  exec(done: Done): void {
    this.#run(this.#commands).then((answers) => done(null, answers), done);
  }

  #add(...command: string[]): this {
    this.#commands.push(command);
    return this;
  }
}
