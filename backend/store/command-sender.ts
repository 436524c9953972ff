/**
 * Sends the commands of the task store to Redis. It serves `redis.ts`. No command takes longer than its deadline, whatever state
 * Redis is in. The operator is told once when Redis goes away, and once when it is back.
 */

import { TaskError } from '../../core/error.ts';
import { delay, withDeadline } from '../async.ts';
import type { Emitter } from '../events/events.ts';
import { type RedisAddress, type RedisServer, toServer } from '../redis/address.ts';
import { Connection } from '../redis/connection.ts';
import { ClosedError } from '../redis/fault.ts';
import { inspect } from '../redis/inspection.ts';
import { runScript } from '../redis/script.ts';
import { RedisTrouble } from '../redis/trouble.ts';
import { type Command, encodeCall, type PlainClient, type Values } from './commands/define-command.ts';

/** Shorter than the 2 s within which a server must answer a request. */
export const COMMAND_DEADLINE_MS = 1_500;
/** How often a Redis that failed is probed. */
const RECOVERY_CHECK_MS = 500;

export interface CommandSenderOptions {
  readonly address: RedisAddress;
  /** Before every key and channel, for example `inloop:`. */
  readonly prefix: string;
  /** Every script that will be run. A Redis that forbids one of them is not used. */
  readonly scripts: readonly string[];
  /** Writes something; rejects while Redis does not take it. An outage is over once this has succeeded for 3 s. */
  readonly probe: () => Promise<void>;
  /** Called when there is a connection, for the first time or again. It may be to another server. */
  readonly onReady: () => void;
  readonly events: Emitter;
}

/** The connection on which a process sends the commands of its task store. It is made when a command is first sent. */
export class CommandSender {
  readonly #options: CommandSenderOptions;
  readonly #connection: Connection<Record<never, never>>;
  readonly #trouble: RedisTrouble;
  /** Advice about this Redis that was given already, so that it is given once. */
  readonly #advised = new Set<string>();
  readonly #closing = new AbortController();
  #isRecovering = false;

  constructor(options: CommandSenderOptions) {
    this.#options = options;
    this.#trouble = new RedisTrouble(options.events, 'store');
    this.#connection = new Connection({
      address: options.address,
      scripts: {},
      prepare: (client) => this.#inspect(client),
      onReady: options.onReady,
      onFault: (error) => this.report(error),
    });
  }

  /** The server that was last connected to, or tried. Sentinels may lead to another one next time. */
  get server(): RedisServer {
    return toServer(this.#options.address, this.#connection.host);
  }

  /** Runs a script in one round trip. @throws TaskError `store_unavailable` after 1.5 s at most */
  async run<K extends string, A extends string, Answer>(
    command: Command<K, A, Answer>,
    keys: Values<K, string>,
    args: Values<A, string | number>,
  ): Promise<Answer> {
    const call = encodeCall(command, keys, args);
    const reply = await this.send((client) => runScript(client, command, call));
    return command.parse(reply);
  }

  /** Sends a plain command. @throws TaskError `store_unavailable` after 1.5 s at most */
  async send<T>(command: (client: PlainClient) => Promise<T>): Promise<T> {
    try {
      return await withDeadline(this.#connection.run(command, COMMAND_DEADLINE_MS), COMMAND_DEADLINE_MS);
    } catch (error) {
      throw this.report(error);
    }
  }

  /** Resolves when there is a Redis that can be used, however long it takes; never after `close`. */
  whenReady(): Promise<void> {
    return this.#connection.whenUsable();
  }

  /**
   * Tells the operator what went wrong. If it is not a bug, starts to probe Redis until it is back.
   * @returns the error to throw to the caller: a bug as it is, anything else as TaskError `store_unavailable`
   */
  report(error: unknown): unknown {
    if (this.#closing.signal.aborted) return unavailable(new ClosedError());
    const { kind } = this.#trouble.failed(error);
    if (kind === 'bug') return error;
    void this.#recover();
    return unavailable(error);
  }

  close(): void {
    this.#closing.abort();
    this.#connection.close();
  }

  async #inspect(client: PlainClient): Promise<void> {
    const advice = await inspect({
      send: (command) => client.sendCommand([...command]),
      prefix: this.#options.prefix,
      scripts: this.#options.scripts,
    });
    for (const line of advice) {
      if (!this.#advised.has(line)) this.#options.events.emit('redis.advice', () => ({ advice: line }));
      this.#advised.add(line);
    }
  }

  /** Probes until writes have worked for 3 s. Reads prove nothing: a Redis whose memory is full still answers them. */
  async #recover(): Promise<void> {
    if (this.#isRecovering) return;
    this.#isRecovering = true;
    while (this.#trouble.isOn && !this.#closing.signal.aborted) {
      await delay(RECOVERY_CHECK_MS, this.#closing.signal);
      await this.#options.probe().then(
        () => this.#trouble.succeeded(),
        () => undefined,
      );
    }
    this.#isRecovering = false;
  }
}

function unavailable(cause: unknown): TaskError {
  return new TaskError('store_unavailable', 'The task store does not answer just now. Try again in a moment.', {
    status: 503,
    retryAfter: 1,
    cause,
  });
}
