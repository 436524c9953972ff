/**
 * One connection to Redis that reconnects by itself. The task store and the queue use it for all their connections.
 *
 * The client underneath (client.ts) connects only once. For each reconnection, this file pauses, then looks the address up
 * again, since a name or sentinels may lead to another server by then. It reconnects if the connection is lost, if the
 * server does not answer pings, and if it refuses what another server may accept (a replica refuses writes).
 */

import type { RedisScripts } from '@redis/client';
import { backoff } from '../../core/values/backoff.ts';
import { delay, withDeadline } from '../async.ts';
import type { Host, RedisAddress } from './address.ts';
import { type Client, clientMaker, clientOptions } from './client.ts';
import { AwayError, ClosedError, faultOf, NotConnectedError } from './fault.ts';
import { findPrimary } from './sentinel.ts';

/** How long connecting may take, with authentication and what `prepare` does. */
const OPEN_MS = 5_000;
/** The pause between the answer to a ping and the next ping. */
const PING_EVERY_MS = 2_000;
/** A connection that does not answer for this long is dead, even if it is open. */
export const SILENT_MS = 3_000;
/** If a connection lasted longer than this before it was lost, the pauses begin with the shortest again. */
const GOOD_AFTER_MS = 2_000;
/** Pauses between tries to connect, in ms: 13 to 25 after the first failure, 500 to 1,000 from the seventh on. */
const RETRY = { initial: 25, max: 1_000 };

export interface ConnectionOptions<S extends RedisScripts> {
  readonly address: RedisAddress;
  readonly scripts: S;
  /**
   * Whether a blocking command is pending. A ping would wait behind it, so none is sent: the user of the connection has to
   * notice silence and call `renew`.
   */
  readonly isBlocked?: () => boolean;
  /**
   * Called before each connection is made. Resolves when Redis was inspected and may be used. Default: it may be used at
   * once.
   */
  readonly permit?: () => Promise<void>;
  /** Prepares a new connection for use. If it rejects, the connection is given up. */
  readonly prepare?: (client: Client<S>) => Promise<void>;
  /** Called when there is a connection, for the first time or again. */
  readonly onReady?: () => void;
  /** Called when a connection was lost or could not be made. Another try follows. */
  readonly onFault: (error: unknown) => void;
}

/** One connection to one server, until it is lost or replaced. It never reconnects. */
interface OpenConnection<S extends RedisScripts> {
  readonly client: Client<S>;
  /** Ends the connection. `reason` goes to `onFault`, unless it is null. */
  readonly end: (reason: unknown) => void;
  /** Resolves with the `reason` of `end` once the connection has ended. It never rejects. */
  readonly ended: Promise<unknown>;
}

interface Waiter<S extends RedisScripts> {
  readonly resolve: (client: Client<S>) => void;
  readonly reject: (error: unknown) => void;
}

/** A connection that reconnects until it is closed. It is made when it is first wanted. */
export class Connection<S extends RedisScripts> {
  readonly #options: ConnectionOptions<S>;
  readonly #make: ReturnType<typeof clientMaker<S>>;
  readonly #closing = new AbortController();
  readonly #waiting = new Set<Waiter<S>>();
  /** Those who wait without a deadline, see {@link whenUsable}. */
  readonly #patient = new Set<() => void>();
  #current: OpenConnection<S> | null = null;
  #isStarted = false;
  /** Why Redis refuses to be used; null if it does not answer, or has not refused. */
  #refusal: { readonly error: unknown } | null = null;
  #host: Host;

  constructor(options: ConnectionOptions<S>) {
    this.#options = options;
    this.#host = options.address.hosts[0] as Host;
    this.#make = clientMaker(options.scripts);
  }

  /** The server of the last try to connect; before the first try, the first host of the address. */
  get host(): Host {
    return this.#host;
  }

  get isReady(): boolean {
    return this.#current !== null;
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  /**
   * Runs a command once there is a connection. If the server refuses the command and another server may accept it, the
   * connection is renewed.
   * @param patience how long to wait for a connection, in ms. There is no deadline for the answer, but the command rejects
   *   when the connection is lost
   * @throws the error that Redis answered, or the reason why there is no connection; ClosedError after `close`
   */
  run<T>(command: (client: Client<S>) => Promise<T>, patience: number): Promise<T> {
    const open = this.#current;
    if (open === null) return this.whenReady(patience).then(() => this.run(command, 0));
    return command(open.client).catch((error: unknown) => {
      if (faultOf(error).shouldReconnect) open.end(error);
      throw error;
    });
  }

  /** Connects if needed. Resolves when there is a connection; rejects after `patience` ms, or at once if Redis has refused. */
  whenReady(patience: number): Promise<Client<S>> {
    if (this.isClosed) return Promise.reject(new ClosedError());
    if (this.#current) return Promise.resolve(this.#current.client);
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

  /** Connects if needed. Resolves when there is a connection, however long it takes. Never settles after `close`. */
  whenUsable(): Promise<void> {
    if (this.#current) return Promise.resolve();
    this.#start();
    return new Promise((resolve) => this.#patient.add(resolve));
  }

  /** Replaces the connection, if there is one, by a new one. `reason` goes to `onFault`, unless it is null. */
  renew(reason: unknown): void {
    this.#current?.end(reason);
  }

  /** Ends the connection for good. Whoever waits for it with a deadline gets a ClosedError. */
  close(): void {
    this.#closing.abort();
    this.#current = null;
    for (const waiter of [...this.#waiting]) waiter.reject(new ClosedError());
  }

  #start(): void {
    if (this.#isStarted || this.isClosed) return;
    this.#isStarted = true;
    void this.#stayConnected();
  }

  async #stayConnected(): Promise<void> {
    for (let failures = 0; !this.isClosed; ) {
      let readyAt = Number.POSITIVE_INFINITY;
      try {
        const open = await this.#open();
        readyAt = performance.now();
        this.#admit(open);
        const reason = await open.ended;
        this.#current = null;
        if (reason !== null) throw reason;
      } catch (error) {
        if (!this.isClosed) this.#fail(error);
      }
      // `readyAt` is Infinity if there was no connection. Then this counts one failure more.
      failures = performance.now() - readyAt > GOOD_AFTER_MS ? 1 : failures + 1;
      await delay(backoff(failures, RETRY, Math.random()), this.#closing.signal);
    }
  }

  #admit(open: OpenConnection<S>): void {
    this.#current = open;
    this.#refusal = null;
    if (this.isClosed) {
      open.end(null);
      return;
    }
    void this.#ping(open);
    for (const waiter of [...this.#waiting]) waiter.resolve(open.client);
    for (const resolve of this.#patient) resolve();
    this.#patient.clear();
    this.#options.onReady?.();
  }

  #fail(error: unknown): void {
    this.#refusal = faultOf(error).kind === 'away' ? null : { error };
    this.#options.onFault(error);
    if (this.#refusal) for (const waiter of [...this.#waiting]) waiter.reject(error);
  }

  async #open(): Promise<OpenConnection<S>> {
    const { permit, prepare, address } = this.#options;
    await permit?.();
    if (this.isClosed) throw new ClosedError();
    if (address.primary !== null) this.#host = await findPrimary(address);
    const client = this.#make(clientOptions(address, this.#host));
    let end: (reason: unknown) => void = () => undefined;
    const ended = new Promise<unknown>((resolve) => {
      end = resolve;
    });
    // Without a listener, a lost connection would end the process. Here even a TypeError of the client means that the
    // connection is lost: it could not read what came. As an AwayError it does not count as a bug of ours.
    client.on('error', (error: unknown) => {
      const { kind, text } = faultOf(error);
      end(kind === 'bug' ? new AwayError(text) : error);
    });
    const close = (): void => end(null);
    this.#closing.signal.addEventListener('abort', close);
    void ended.then(() => {
      this.#closing.signal.removeEventListener('abort', close);
      client.destroy();
    });
    try {
      await withDeadline(
        client.connect().then(() => prepare?.(client as Client<S>)),
        OPEN_MS,
      );
    } catch (error) {
      end(error);
      throw error;
    }
    return { client: client as Client<S>, end, ended };
  }

  /** Pings until the connection ends. An unanswered ping means that it is dead although it is open. */
  async #ping(open: OpenConnection<S>): Promise<void> {
    const over = new AbortController();
    void open.ended.then(() => over.abort());
    while (!over.signal.aborted) {
      await delay(PING_EVERY_MS, over.signal);
      if (this.#options.isBlocked?.()) continue;
      const answer = open.client.sendCommand(['PING']);
      await withDeadline(answer, SILENT_MS).catch((error: unknown) => {
        // An error is an answer too, unless it sends us to another server.
        const { kind, shouldReconnect } = faultOf(error);
        if (kind === 'away' || shouldReconnect) open.end(error);
      });
    }
  }
}
