/**
 * The session of one client of the fallback. It connects the client's socket to the bus with the HTTP request that receives
 * now, if there is one. It keeps the messages that come between two such requests.
 *
 * | state     | means                              | ends when                                            | and then is    |
 * |-----------|------------------------------------|------------------------------------------------------|----------------|
 * | `opening` | the bus has not accepted yet       | the bus accepts                                      | `open`         |
 * |           |                                    | the bus cannot be reached for `connectMs`            | forgotten, 503 |
 * |           |                                    | the server is about to end                           | forgotten, 503 |
 * |           |                                    | the client goes away                                 | forgotten      |
 * | `open`    | messages flow                      | the bus closes, does not answer, or does not keep up | `closed`       |
 * |           |                                    | too much waits, or no sign of the client             | `closed`       |
 * |           |                                    | the server is about to end                           | `closed`       |
 * |           |                                    | no request receives for `graceMs`                    | forgotten      |
 * | `closed`  | the next request learns why, after | `graceMs` have passed                                | forgotten      |
 * |           | what waited was delivered          |                                                      |                |
 *
 * Forgotten: nothing of the session is left, and its URL may open a new one.
 */

import type { ServerResponse } from 'node:http';
import type { FallbackLimits } from '../options.ts';
import { BusSocket } from './bus-socket.ts';
import { type Close, closeLine, HEARTBEAT_LINE, OPEN_LINE } from './framing.ts';
import { Receiver } from './receiver.ts';
import { WaitingMessages, type WaitingTotal } from './waiting-messages.ts';

/** A client answers each heartbeat, or polls. A client that has sent nothing for the time of three heartbeats counts as gone. */
const SILENT_HEARTBEATS = 3;

export interface SessionOptions {
  /** The URL of the bus, with this client's parameters. */
  readonly url: string;
  readonly limits: FallbackLimits;
  readonly waitingTotal: WaitingTotal;
  /** Answers a client whose connection the bus does not accept. */
  readonly refuseUnavailable: (res: ServerResponse) => void;
  /** Called when the bus has accepted the connection (`failure` null), and each time that it has not: why. */
  readonly onConnection: (failure: string | null) => void;
  readonly onForgotten: () => void;
}

export class Session {
  readonly #options: SessionOptions;
  readonly #bus: BusSocket;
  readonly #waiting: WaitingMessages;
  readonly #heartbeat: NodeJS.Timeout;
  #state: 'opening' | 'open' | 'closed' = 'opening';
  /** Why it is closed. */
  #close: Close | null = null;
  /** Whether the client got the line that opens the session. */
  #isGreeted = false;
  #isPolled = false;
  #receiver: Receiver | null = null;
  /** When the client last sent a request, by `performance.now()`. */
  #heardAt = performance.now();
  /** Runs while an open session has no receiver, and while the session is closed. When it fires, the session is forgotten. */
  #forgetTimer: NodeJS.Timeout | null = null;

  constructor(options: SessionOptions) {
    const { url, limits, waitingTotal, onConnection } = options;
    this.#options = options;
    this.#waiting = new WaitingMessages(limits, waitingTotal);
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

  /** The socket id that the bus has given this connection; null before that. */
  get socketId(): string | null {
    return this.#bus.id;
  }

  /** Whether its client receives by polls, rather than by streams. */
  get isPolled(): boolean {
    return this.#isPolled;
  }

  /** Takes a request that receives. It replaces an earlier one, which the client has given up. */
  receive(kind: 'stream' | 'poll', res: ServerResponse): void {
    this.#heardAt = performance.now();
    this.#isPolled = kind === 'poll';
    if (this.#receiver) this.#takeBack(this.#receiver);
    const receiver: Receiver = new Receiver(kind, res, {
      onReady: () => this.#flush(),
      onGone: () => this.#lose(receiver),
    });
    this.#receiver = receiver;
    if (this.#state !== 'closed') this.#stopForgetTimer();
    // Until the bus has accepted, the answer may still become a 503.
    if (this.#state !== 'opening') receiver.writeHead();
    this.#flush();
  }

  /** Passes frames, which must have been checked, on to the bus. Returns false if the session is not open. */
  send(frames: readonly string[]): boolean {
    if (this.#state !== 'open') return false;
    this.#heardAt = performance.now();
    this.#bus.send(frames);
    return true;
  }

  /** Ends the session. The client first gets the messages that wait, then the reason. */
  end(close: Close): void {
    if (this.#state === 'closed') return;
    const wasOpening = this.#state === 'opening';
    this.#state = 'closed';
    this.#close = close;
    clearInterval(this.#heartbeat);
    this.#bus.close();
    if (wasOpening) {
      this.#receiver?.refuse(this.#options.refuseUnavailable);
      this.#forget();
      return;
    }
    this.#stopForgetTimer();
    this.#forgetTimer = setTimeout(() => this.#forget(), this.#options.limits.graceMs).unref();
    this.#flush();
  }

  #open(): void {
    this.#state = 'open';
    this.#options.onConnection(null);
    this.#flush();
  }

  #deliver(message: string): void {
    this.#waiting.add(message);
    this.#flush();
    if (!this.#waiting.isOverfull) return;
    this.#waiting.clear();
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
      } else if (!this.#waiting.isEmpty) {
        receiver.sendMessages(this.#waiting.takeLine());
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
    // The client has not been told that the session is open, so it will not come back to it.
    if (this.#state === 'opening') this.end({ code: 4_200, reason: 'The client is gone' });
    else this.#awaitClient();
  }

  #takeBack(receiver: Receiver): void {
    this.#receiver = null;
    this.#waiting.putBack(receiver.abandon());
  }

  #awaitClient(): void {
    this.#forgetTimer ??= setTimeout(() => {
      this.end({ code: 4_200, reason: 'The client was away for too long' });
      this.#forget();
    }, this.#options.limits.graceMs).unref();
  }

  #beat(): void {
    if (performance.now() - this.#heardAt > SILENT_HEARTBEATS * this.#options.limits.heartbeatMs) {
      // Most likely the client's network is gone, without a close of the connection.
      this.#waiting.clear();
      this.end({ code: 4_201, reason: 'No sign of the client' });
    } else if (this.#state === 'open' && this.#receiver?.isReady) {
      this.#receiver.sendLine(HEARTBEAT_LINE);
    }
  }

  #stopForgetTimer(): void {
    if (this.#forgetTimer) clearTimeout(this.#forgetTimer);
    this.#forgetTimer = null;
  }

  #forget(): void {
    this.#stopForgetTimer();
    this.#waiting.clear();
    this.#receiver?.cut();
    this.#receiver = null;
    this.#options.onForgotten();
  }
}
