/**
 * One connection to Redis that heals by itself. It serves the task store and the queue alike: each of their connections
 * is one of these.
 *
 * The client underneath connects once and never again; connecting anew is done here, so that it can look up the address
 * each time (a name, or sentinels, may lead elsewhere by then), leave a server that will not do what we ask, notice one
 * that is silent, and never try in a hot loop.
 */

import type { RedisScripts } from '@redis/client';
import { backoff } from '../../core/backoff.ts';
import { delay, withDeadline } from '../async.ts';
import type { Host, RedisAddress } from './address.ts';
import { type Client, clientMaker, clientOptions } from './client.ts';
import { faultOf, NotConnectedError } from './fault.ts';
import { findPrimary } from './sentinel.ts';

/** Connecting with all that belongs to it: authentication and what `prepare` does. */
const OPEN_MS = 5_000;
const PING_EVERY_MS = 2_000;
/** A connection that answers nothing for this long is dead, whether it is closed or not. */
export const SILENT_MS = 3_000;
/** A connection that held this long was a good one: when it goes, the next is made at once. */
const GOOD_AFTER_MS = 2_000;
/** Pauses between tries to connect, in ms: 13 to 25 after the first failure, 500 to 1,000 from the seventh on. */
const RETRY = { initial: 25, max: 1_000 };

export interface ConnectionOptions<S extends RedisScripts> {
  readonly address: RedisAddress;
  readonly scripts: S;
  /** Whether a ping would wait just now for a command that blocks; then its user calls `renew` when it is silent. */
  readonly isBlocked?: () => boolean;
  /** Resolves when a connection may be made. Before each. */
  readonly permit?: () => Promise<void>;
  /** Makes a new connection fit for use; rejecting gives it up. */
  readonly prepare?: (client: Client<S>) => Promise<void>;
  /** There is a connection (again). */
  readonly onReady?: () => void;
  /** There is none any more, or still none. */
  readonly onFault: (error: unknown) => void;
}

/** A connection from its beginning to its end. */
interface Session<S extends RedisScripts> {
  readonly client: Client<S>;
  /** Ends it, for a reason that is to be told, or null. */
  readonly leave: (reason: unknown) => void;
  readonly left: Promise<unknown>;
}

interface Waiter<S extends RedisScripts> {
  readonly resolve: (client: Client<S>) => void;
  readonly reject: (error: unknown) => void;
}

export class Connection<S extends RedisScripts> {
  readonly #options: ConnectionOptions<S>;
  readonly #make: ReturnType<typeof clientMaker<S>>;
  readonly #closing = new AbortController();
  readonly #waiting = new Set<Waiter<S>>();
  readonly #hopeful = new Set<() => void>();
  #session: Session<S> | null = null;
  #isWanted = false;
  /** Why there is no connection, where Redis answered and said no. */
  #refusal: { readonly error: unknown } | null = null;
  #attempts = 0;
  #host: Host;

  constructor(options: ConnectionOptions<S>) {
    this.#options = options;
    this.#host = options.address.hosts[0] as Host;
    this.#make = clientMaker(options.scripts);
  }

  /** Where the last connection was made to, or tried to; the first host of the address before. */
  get host(): Host {
    return this.#host;
  }

  get isReady(): boolean {
    return this.#session !== null;
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  /**
   * Does something with the connection, once there is one. A server that will not do it is left for another.
   * @param patience how long to wait for a connection, in ms; the command itself has no deadline but the connection's
   * @throws what Redis answered, or why there is no connection
   */
  run<T>(command: (client: Client<S>) => Promise<T>, patience: number): Promise<T> {
    const session = this.#session;
    if (session === null) return this.whenReady(patience).then(() => this.run(command, 0));
    return command(session.client).catch((error: unknown) => {
      if (faultOf(error).isElsewhere) session.leave(error);
      throw error;
    });
  }

  /** Resolves when there is a connection, which is made if nobody wanted it before; rejects after `patience` ms, or at once where Redis said no. */
  whenReady(patience: number): Promise<Client<S>> {
    if (this.isClosed) return Promise.reject(new Error('closed'));
    if (this.#session) return Promise.resolve(this.#session.client);
    if (this.#refusal) return Promise.reject(this.#refusal.error);
    this.#start();
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(waiter);
      };
      const waiter: Waiter<S> = {
        resolve: (client) => {
          end();
          resolve(client);
        },
        reject: (error) => {
          end();
          reject(error);
        },
      };
      const timer = Number.isFinite(patience)
        ? setTimeout(() => waiter.reject(new NotConnectedError('not connected')), patience)
        : undefined;
      this.#waiting.add(waiter);
    });
  }

  /** Resolves when there is a connection, which is made if nobody wanted it before, however long it takes; never after `close`. */
  whenUsable(): Promise<void> {
    if (this.#session) return Promise.resolve();
    this.#start();
    return new Promise((resolve) => this.#hopeful.add(resolve));
  }

  /** Leaves the connection, if there is one, for a new one; `reason` is told unless it is null. */
  renew(reason: unknown): void {
    this.#session?.leave(reason);
  }

  close(): void {
    this.#closing.abort();
    this.#session = null;
    for (const waiter of [...this.#waiting]) waiter.reject(new Error('closed'));
  }

  #start(): void {
    if (this.#isWanted || this.isClosed) return;
    this.#isWanted = true;
    void this.#stayConnected();
  }

  async #stayConnected(): Promise<void> {
    for (let failures = 0; !this.isClosed; ) {
      let readyAt = Number.POSITIVE_INFINITY;
      try {
        const session = await this.#open();
        readyAt = performance.now();
        this.#admit(session);
        const reason = await session.left;
        this.#session = null;
        if (reason !== null) throw reason;
      } catch (error) {
        if (!this.isClosed) this.#fail(error);
      }
      failures = performance.now() - readyAt > GOOD_AFTER_MS ? 1 : failures + 1;
      await delay(backoff(failures, RETRY, Math.random()), this.#closing.signal);
    }
  }

  #admit(session: Session<S>): void {
    this.#session = session;
    this.#refusal = null;
    if (this.isClosed) {
      session.leave(null);
      return;
    }
    void this.#ping(session);
    for (const waiter of [...this.#waiting]) waiter.resolve(session.client);
    for (const resolve of this.#hopeful) resolve();
    this.#hopeful.clear();
    this.#options.onReady?.();
  }

  #fail(error: unknown): void {
    this.#refusal = faultOf(error).kind === 'away' ? null : { error };
    this.#options.onFault(error);
    if (this.#refusal) for (const waiter of [...this.#waiting]) waiter.reject(error);
  }

  async #open(): Promise<Session<S>> {
    const { permit, prepare, address } = this.#options;
    // Sentinels are asked in turn: one that is wrong about the primary must not be asked again and again.
    this.#attempts += 1;
    await permit?.();
    if (this.isClosed) throw new Error('closed');
    if (address.primary !== null) this.#host = await findPrimary(address, this.#attempts);
    const client = this.#make(clientOptions(address, this.#host));
    let leave: (reason: unknown) => void = () => undefined;
    const left = new Promise<unknown>((resolve) => {
      leave = resolve;
    });
    // Without a listener a lost connection would end the process. Whatever it was that broke it, it is broken.
    client.on('error', (error: unknown) =>
      leave(faultOf(error).kind === 'bug' ? new Error(faultOf(error).text) : error),
    );
    const close = (): void => leave(null);
    this.#closing.signal.addEventListener('abort', close);
    void left.then(() => {
      this.#closing.signal.removeEventListener('abort', close);
      client.destroy();
    });
    try {
      await withDeadline(
        client.connect().then(() => prepare?.(client as Client<S>)),
        OPEN_MS,
      );
    } catch (error) {
      leave(error);
      throw error;
    }
    return { client: client as Client<S>, leave, left };
  }

  /** A connection that died without a word is noticed by the pings that nobody answers. */
  async #ping(session: Session<S>): Promise<void> {
    const ended = new AbortController();
    void session.left.then(() => ended.abort());
    while (!ended.signal.aborted) {
      await delay(PING_EVERY_MS, ended.signal);
      if (this.#options.isBlocked?.()) continue;
      const answer = session.client.sendCommand(['PING']);
      await withDeadline(answer, SILENT_MS).catch((error: unknown) => {
        // Any answer is one, but for those that send us elsewhere.
        const { kind, isElsewhere } = faultOf(error);
        if (kind === 'away' || isElsewhere) session.leave(error);
      });
    }
  }
}
