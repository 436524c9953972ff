/**
 * One client of the fallback: its connection to the bus, what waits for it, and the request that receives now, if any.
 *
 * It is `opening` until the bus accepts the connection, `open` until either side ends it, and `closed` for a while
 * after, so that the client's next request learns why.
 */

import type { ServerResponse } from 'node:http';
import { WebSocket } from 'ws';
import { type Close, closeFrom, closeLine, fitLine, HEARTBEAT_LINE, OPEN_LINE } from './framing.ts';
import type { FallbackLimits } from './options.ts';
import { Receiver } from './receiver.ts';

/** Largest message from the bus, in bytes: ten times what an event may have. */
const MAX_MESSAGE_BYTES = 1_048_576;
/** Bytes that may wait for a bus that is slow to take what a client sends. */
const MAX_UNSENT_BYTES = 262_144;
/** Between two tries to reach the bus, in ms, on average. */
const RETRY_MS = 250;
/** A client answers each heartbeat, or polls; after so many without a sign of it, it is gone. */
const SILENT_HEARTBEATS = 3;

/** Characters that wait for all sessions together. */
export interface Budget {
  used: number;
}

export interface SessionOptions {
  /** Of the bus, for this client. */
  readonly url: string;
  readonly limits: FallbackLimits;
  readonly budget: Budget;
  /** Answers a client that waits for a connection which the bus does not accept. */
  readonly unavailable: (res: ServerResponse) => void;
  /** The bus accepted the connection (null), or did not. */
  readonly onConnection: (failure: string | null) => void;
  /** Nothing is left of it. */
  readonly onForgotten: () => void;
}

export class Session {
  readonly #options: SessionOptions;
  #bus: WebSocket;
  #state: 'opening' | 'open' | 'closed' = 'opening';
  #isGreeted = false;
  #isPolled = false;
  #socketId: string | null = null;
  #close: Close | null = null;
  readonly #openUntil: number;
  #outbox: string[] = [];
  #waiting = 0;
  #receiver: Receiver | null = null;
  #seenAt = performance.now();
  #unanswered = 0;
  #absence: NodeJS.Timeout | null = null;
  readonly #timers: NodeJS.Timeout[];

  constructor(options: SessionOptions) {
    const { limits } = options;
    this.#options = options;
    this.#openUntil = performance.now() + limits.connectMs;
    this.#bus = this.#connect();
    this.#timers = [
      setInterval(() => this.#beat(), limits.heartbeatMs).unref(),
      setInterval(() => this.#pingBus(), limits.pingMs).unref(),
    ];
  }

  /** What the bus calls this connection; null until it has said so. */
  get socketId(): string | null {
    return this.#socketId;
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
      onReady: () => this.#pump(),
      onGone: () => {
        if (this.#receiver !== receiver) return;
        this.#takeBack(receiver);
        // Nothing has been said yet, so there is nothing to come back to.
        if (this.#state === 'opening') this.end({ code: 4_200, reason: 'The client is gone' });
        else this.#awaitClient();
      },
    });
    this.#receiver = receiver;
    if (this.#absence && this.#state !== 'closed') {
      clearTimeout(this.#absence);
      this.#absence = null;
    }
    // Until the bus has accepted, the answer may still become a 503.
    if (this.#state !== 'opening') receiver.writeHead();
    this.#pump();
  }

  /** Passes frames on, already checked. Returns false where there is nobody to pass them to. */
  send(frames: readonly string[]): boolean {
    if (this.#state !== 'open') return false;
    this.#seenAt = performance.now();
    for (const frame of frames) this.#bus.send(frame);
    if (this.#bus.bufferedAmount > MAX_UNSENT_BYTES) {
      this.end({ code: 4_200, reason: 'The push server does not keep up' });
    }
    return true;
  }

  /** Ends it, telling the client why; what waits is delivered before. */
  end(close: Close): void {
    if (this.#state === 'closed') return;
    const wasOpening = this.#state === 'opening';
    this.#state = 'closed';
    this.#close = close;
    for (const timer of this.#timers) clearInterval(timer);
    if (this.#bus.readyState === WebSocket.OPEN) this.#bus.close(1_000);
    // A close that is not answered, or a connection that never came about.
    if (wasOpening) this.#bus.terminate();
    else setTimeout(() => this.#bus.terminate(), this.#options.limits.connectMs).unref();
    if (this.#absence) clearTimeout(this.#absence);
    this.#absence = setTimeout(() => this.#forget(), this.#options.limits.graceMs).unref();
    if (wasOpening) {
      this.#receiver?.refuse(this.#options.unavailable);
      this.#forget();
    } else {
      this.#pump();
    }
  }

  #connect(): WebSocket {
    const bus = new WebSocket(this.#options.url, {
      handshakeTimeout: this.#options.limits.connectMs,
      maxPayload: MAX_MESSAGE_BYTES,
      perMessageDeflate: false,
    });
    let failure = 'the connection was closed';
    bus.on('open', () => this.#onOpen());
    bus.on('message', (data, isBinary) => {
      if (!isBinary) this.#onMessage(data.toString());
    });
    // Always followed by `close`.
    bus.on('error', (error: NodeJS.ErrnoException) => {
      failure = error.code ?? error.message;
    });
    bus.on('close', (code, reason) => {
      if (this.#state === 'opening') this.#onRefused(failure);
      else this.end(closeFrom(code, reason.toString()));
    });
    return bus;
  }

  #onOpen(): void {
    if (this.#state !== 'opening') return;
    this.#state = 'open';
    this.#options.onConnection(null);
    this.#pump();
  }

  /** pusher-js would come back 15 s after a 503; a bus that is being restarted is back before that. */
  #onRefused(failure: string): void {
    this.#options.onConnection(failure);
    if (performance.now() >= this.#openUntil) {
      this.end({ code: 4_100, reason: 'The push server cannot be reached' });
      return;
    }
    const retry = setTimeout(
      () => {
        if (this.#state === 'opening') this.#bus = this.#connect();
      },
      RETRY_MS * (0.5 + Math.random()),
    );
    retry.unref();
  }

  #onMessage(text: string): void {
    if (this.#state !== 'open' || this.#isOwnPong(text)) return;
    this.#socketId ??= socketIdIn(text);
    const { limits, budget } = this.#options;
    this.#outbox.push(text);
    this.#count(text.length);
    this.#pump();
    if (this.#waiting > limits.buffered || (this.#waiting > 0 && budget.used > limits.bufferedInAll)) {
      this.#drop();
      this.end({ code: 4_200, reason: 'Too much was waiting to be read' });
    }
  }

  /** Writes what waits, as far as the request takes it. */
  #pump(): void {
    if (this.#state === 'opening') return;
    for (;;) {
      const receiver = this.#receiver;
      if (!receiver?.isReady) return;
      if (!this.#isGreeted) {
        this.#isGreeted = true;
        receiver.sendLine(OPEN_LINE);
      } else if (this.#outbox.length > 0) {
        const messages = this.#outbox.splice(0, fitLine(this.#outbox));
        this.#count(-messages.reduce((length, message) => length + message.length, 0));
        receiver.sendMessages(messages);
      } else {
        if (this.#close) receiver.finish(closeLine(this.#close));
        return;
      }
    }
  }

  #takeBack(receiver: Receiver): void {
    const left = receiver.abandon();
    this.#receiver = null;
    this.#outbox.unshift(...left);
    this.#count(left.reduce((length, message) => length + message.length, 0));
  }

  #awaitClient(): void {
    this.#absence ??= setTimeout(() => {
      this.end({ code: 4_200, reason: 'The client was away for too long' });
      this.#forget();
    }, this.#options.limits.graceMs).unref();
  }

  #beat(): void {
    if (performance.now() - this.#seenAt > SILENT_HEARTBEATS * this.#options.limits.heartbeatMs) {
      // Most likely a network that went away without a word.
      this.#drop();
      this.end({ code: 4_201, reason: 'No sign of the client' });
    } else if (this.#state === 'open' && this.#receiver?.isReady) {
      this.#receiver.sendLine(HEARTBEAT_LINE);
    }
  }

  #pingBus(): void {
    if (this.#state !== 'open') return;
    if (this.#unanswered > 0) {
      this.#bus.terminate();
      this.end({ code: 4_201, reason: 'The push server does not answer' });
    } else {
      this.#unanswered++;
      this.#bus.send('{"event":"pusher:ping","data":{}}');
    }
  }

  /** The answer to our ping is none of the client's business: it would end a poll for nothing. */
  #isOwnPong(text: string): boolean {
    if (this.#unanswered === 0 || text.length > 100 || !text.includes('"pusher:pong"')) return false;
    this.#unanswered = 0;
    return true;
  }

  #drop(): void {
    this.#outbox = [];
    this.#count(-this.#waiting);
  }

  #count(length: number): void {
    this.#waiting += length;
    this.#options.budget.used += length;
  }

  #forget(): void {
    if (this.#absence) clearTimeout(this.#absence);
    this.#drop();
    this.#receiver?.cut();
    this.#receiver = null;
    this.#options.onForgotten();
  }
}

/** The socket's id, where `text` is what the bus says first. */
function socketIdIn(text: string): string | null {
  const match = /"event":"pusher:connection_established".*?socket_id\\?":\\?"([\d.]+)/.exec(text);
  return match?.[1] ?? null;
}
