/**
 * One client of the fallback. It joins the client's connection to the bus with the HTTP request that receives now, if any,
 * and keeps what the bus sends in between two such requests.
 *
 * | state     | means                               | ends when                                             | and then is        |
 * |-----------|-------------------------------------|-------------------------------------------------------|--------------------|
 * | `opening` | the bus has not accepted yet        | the bus accepts                                       | `open`             |
 * |           |                                     | the bus cannot be reached for `connectMs`             | forgotten, 503     |
 * |           |                                     | the client goes away                                  | forgotten          |
 * | `open`    | messages flow                       | the bus closes, does not answer, or does not keep up  | `closed`           |
 * |           |                                     | too much waits, or no sign of the client              | `closed`           |
 * |           |                                     | no request receives for `graceMs`                     | forgotten          |
 * | `closed`  | the next request learns why, after  | `graceMs` have passed                                 | forgotten          |
 * |           | what waited was delivered           |                                                       |                    |
 *
 * Forgotten: nothing is left of it, and its URL may open a new session.
 */

import type { ServerResponse } from 'node:http';
import type { FallbackLimits } from '../options.ts';
import { BusSocket } from './bus-socket.ts';
import { type Close, closeLine, HEARTBEAT_LINE, OPEN_LINE } from './framing.ts';
import { type Budget, Outbox } from './outbox.ts';
import { Receiver } from './receiver.ts';

/** A client answers each heartbeat, or polls. After so many without a sign of it, it is gone. */
const SILENT_HEARTBEATS = 3;

export interface SessionOptions {
  /** Of the bus, for this client. */
  readonly url: string;
  readonly limits: FallbackLimits;
  readonly budget: Budget;
  /** Answers a client that waits for a connection which the bus does not accept. */
  readonly unavailable: (res: ServerResponse) => void;
  /** The bus accepted the connection (null), or did not. */
  readonly onConnection: (failure: string | null) => void;
  readonly onForgotten: () => void;
}

export class Session {
  readonly #options: SessionOptions;
  readonly #bus: BusSocket;
  readonly #outbox: Outbox;
  readonly #heartbeat: NodeJS.Timeout;
  #state: 'opening' | 'open' | 'closed' = 'opening';
  /** Why it is closed. */
  #close: Close | null = null;
  /** Whether the client got the line that opens the session. */
  #isGreeted = false;
  #isPolled = false;
  #receiver: Receiver | null = null;
  /** When there was a sign of the client, by `performance.now()`. */
  #seenAt = performance.now();
  /** Runs while an open session has no receiver, and while it is closed. Then the session is forgotten. */
  #forgetTimer: NodeJS.Timeout | null = null;

  constructor(options: SessionOptions) {
    const { url, limits, budget, onConnection } = options;
    this.#options = options;
    this.#outbox = new Outbox(limits, budget);
    this.#bus = new BusSocket({
      url,
      connectMs: limits.connectMs,
      pingMs: limits.pingMs,
      onOpen: () => this.#open(),
      onRefused: onConnection,
      onMessage: (message) => this.#deliver(message),
      onClose: (close) => this.end(close),
    });
    this.#heartbeat = setInterval(() => this.#beat(), limits.heartbeatMs).unref();
  }

  /** What the bus calls this connection; null until it has said so. */
  get socketId(): string | null {
    return this.#bus.id;
  }

  /** Whether its client receives by polls, rather than by streams. */
  get isPolled(): boolean {
    return this.#isPolled;
  }

  /** Takes a request that receives. The newest one wins: the client has given up the one before. */
  receive(kind: 'stream' | 'poll', res: ServerResponse): void {
    this.#seenAt = performance.now();
    this.#isPolled = kind === 'poll';
    if (this.#receiver) this.#takeBack(this.#receiver);
    const receiver: Receiver = new Receiver(kind, res, {
      onReady: () => this.#flush(),
      onGone: () => this.#lose(receiver),
    });
    this.#receiver = receiver;
    if (this.#state !== 'closed') this.#stopForgetting();
    // Until the bus has accepted, the answer may still become a 503.
    if (this.#state !== 'opening') receiver.writeHead();
    this.#flush();
  }

  /** Passes on frames, which were checked. Returns false where there is nobody to pass them to. */
  send(frames: readonly string[]): boolean {
    if (this.#state !== 'open') return false;
    this.#seenAt = performance.now();
    this.#bus.send(frames);
    return true;
  }

  /** Ends it and tells the client why, after what waits. */
  end(close: Close): void {
    if (this.#state === 'closed') return;
    const wasOpening = this.#state === 'opening';
    this.#state = 'closed';
    this.#close = close;
    clearInterval(this.#heartbeat);
    this.#bus.close();
    if (wasOpening) {
      this.#receiver?.refuse(this.#options.unavailable);
      this.#forget();
      return;
    }
    this.#stopForgetting();
    this.#forgetTimer = setTimeout(() => this.#forget(), this.#options.limits.graceMs).unref();
    this.#flush();
  }

  #open(): void {
    this.#state = 'open';
    this.#options.onConnection(null);
    this.#flush();
  }

  #deliver(message: string): void {
    this.#outbox.add(message);
    this.#flush();
    if (!this.#outbox.isOverfull) return;
    this.#outbox.clear();
    this.end({ code: 4_200, reason: 'Too much was waiting to be read' });
  }

  /** Writes what waits, as far as the request takes it. */
  #flush(): void {
    if (this.#state === 'opening') return;
    for (;;) {
      const receiver = this.#receiver;
      if (!receiver?.isReady) return;
      if (!this.#isGreeted) {
        this.#isGreeted = true;
        receiver.sendLine(OPEN_LINE);
      } else if (!this.#outbox.isEmpty) {
        receiver.sendMessages(this.#outbox.takeLine());
      } else {
        if (this.#close) receiver.finish(closeLine(this.#close));
        return;
      }
    }
  }

  /** The request that receives is over. */
  #lose(receiver: Receiver): void {
    if (this.#receiver !== receiver) return;
    this.#takeBack(receiver);
    // Nothing has been said yet, so there is nothing to come back to.
    if (this.#state === 'opening') this.end({ code: 4_200, reason: 'The client is gone' });
    else this.#awaitClient();
  }

  #takeBack(receiver: Receiver): void {
    this.#receiver = null;
    this.#outbox.putBack(receiver.abandon());
  }

  #awaitClient(): void {
    this.#forgetTimer ??= setTimeout(() => {
      this.end({ code: 4_200, reason: 'The client was away for too long' });
      this.#forget();
    }, this.#options.limits.graceMs).unref();
  }

  #beat(): void {
    if (performance.now() - this.#seenAt > SILENT_HEARTBEATS * this.#options.limits.heartbeatMs) {
      // Most likely its network went away without a word.
      this.#outbox.clear();
      this.end({ code: 4_201, reason: 'No sign of the client' });
    } else if (this.#state === 'open' && this.#receiver?.isReady) {
      this.#receiver.sendLine(HEARTBEAT_LINE);
    }
  }

  #stopForgetting(): void {
    if (this.#forgetTimer) clearTimeout(this.#forgetTimer);
    this.#forgetTimer = null;
  }

  #forget(): void {
    this.#stopForgetting();
    this.#outbox.clear();
    this.#receiver?.cut();
    this.#receiver = null;
    this.#options.onForgotten();
  }
}
