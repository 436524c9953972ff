/**
 * The connection to the bus for one client of the fallback. It serves the session. It tries to connect for a while, and pings
 * the bus so that neither side takes the other for dead. Once it is lost, it does not connect again.
 *
 * Each end has a close code, which the client gets (framing.ts): with 4200 and 4201 pusher-js connects again at once. If the
 * bus could not be reached at all (4100), the client gets a 503 in place of the code.
 */

import { WebSocket } from 'ws';
import { backoff } from '../../../core/values/backoff.ts';
import { type Close, closeFrom } from './framing.ts';

/** Largest message from the bus, in bytes. An event has at most 10 KB of data, and JSON makes it at most six times as long. */
const MAX_MESSAGE_BYTES = 1_048_576;
/** Bytes that may wait for a bus that is slow to take what a client sends. */
const MAX_UNSENT_BYTES = 262_144;
/** The wait between two tries to reach the bus: 125 to 375 ms. */
const RETRY = { initial: 250, factor: 1, jitter: [0.5, 1.5] } as const;

export interface BusSocketOptions {
  /** The URL of the bus, with this client's parameters. */
  readonly url: string;
  /** How long the bus is tried, in ms. */
  readonly connectMs: number;
  /** How often the bus is pinged, in ms. */
  readonly pingMs: number;
  /** The bus has accepted the connection. At most once. */
  readonly onOpen: () => void;
  /** The bus could not be reached. It is tried again until `connectMs` have passed. */
  readonly onRefused: (reason: string) => void;
  readonly onMessage: (message: string) => void;
  /** The connection has ended without {@link BusSocket.close}, or could not be made. Called at most once. */
  readonly onClose: (close: Close) => void;
}

export class BusSocket {
  readonly #options: BusSocketOptions;
  readonly #tryUntil: number;
  readonly #pings: NodeJS.Timeout;
  #socket: WebSocket;
  #state: 'connecting' | 'open' | 'closed' = 'connecting';
  #id: string | null = null;
  #isPingUnanswered = false;

  constructor(options: BusSocketOptions) {
    this.#options = options;
    this.#tryUntil = performance.now() + options.connectMs;
    this.#socket = this.#connect();
    this.#pings = setInterval(() => this.#ping(), options.pingMs).unref();
  }

  /** The socket id that the bus has given this connection; null before that. */
  get id(): string | null {
    return this.#id;
  }

  /** Sends frames, which must have been checked. Ends the connection if the bus does not keep up. */
  send(frames: readonly string[]): void {
    for (const frame of frames) this.#socket.send(frame);
    if (this.#socket.bufferedAmount > MAX_UNSENT_BYTES) {
      this.#end({ code: 4_200, reason: 'The push server does not keep up' });
    }
  }

  close(): void {
    const wasOpen = this.#state === 'open';
    this.#state = 'closed';
    clearInterval(this.#pings);
    if (!wasOpen) {
      this.#socket.terminate();
      return;
    }
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.close(1_000);
    // The bus may not answer the close.
    setTimeout(() => this.#socket.terminate(), this.#options.connectMs).unref();
  }

  #end(close: Close): void {
    if (this.#state === 'closed') return;
    this.close();
    this.#options.onClose(close);
  }

  #connect(): WebSocket {
    const socket = new WebSocket(this.#options.url, {
      handshakeTimeout: this.#options.connectMs,
      maxPayload: MAX_MESSAGE_BYTES,
      perMessageDeflate: false,
    });
    let failure = 'the connection was closed';
    socket.on('open', () => {
      if (this.#state !== 'connecting') return;
      this.#state = 'open';
      this.#options.onOpen();
    });
    socket.on('message', (data, isBinary) => {
      if (!isBinary) this.#receive(data.toString());
    });
    // Always followed by `close`.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      failure = error.code ?? error.message;
    });
    socket.on('close', (code, reason) => {
      if (this.#state === 'connecting') this.#retry(failure);
      else this.#end(closeFrom(code, reason.toString()));
    });
    return socket;
  }

  /** Tries again, because a bus that restarts is back within seconds. If the client got a 503 now, pusher-js would wait 15 s. */
  #retry(failure: string): void {
    this.#options.onRefused(failure);
    if (performance.now() >= this.#tryUntil) {
      this.#end({ code: 4_100, reason: 'The push server cannot be reached' });
      return;
    }
    const timer = setTimeout(
      () => {
        if (this.#state === 'connecting') this.#socket = this.#connect();
      },
      backoff(1, RETRY, Math.random()),
    );
    timer.unref();
  }

  #receive(message: string): void {
    if (this.#state !== 'open' || this.#takeOwnPong(message)) return;
    this.#id ??= idIn(message);
    this.#options.onMessage(message);
  }

  #ping(): void {
    if (this.#state !== 'open') return;
    if (this.#isPingUnanswered) {
      this.#socket.terminate();
      this.#end({ code: 4_201, reason: 'The push server does not answer' });
      return;
    }
    this.#isPingUnanswered = true;
    this.#socket.send('{"event":"pusher:ping","data":{}}');
  }

  /**
   * Notes that our ping was answered, if `message` is the answer. Returns whether it is. The client must not get the answer: it
   * would end a poll for nothing.
   */
  #takeOwnPong(message: string): boolean {
    if (!this.#isPingUnanswered || message.length > 100 || !message.includes('"pusher:pong"')) return false;
    this.#isPingUnanswered = false;
    return true;
  }
}

/** The socket id in `message`, if it is the message by which the bus opens a connection. */
function idIn(message: string): string | null {
  const match = /"event":"pusher:connection_established".*?socket_id\\?":\\?"([\d.]+)/.exec(message);
  return match?.[1] ?? null;
}
