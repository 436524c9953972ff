/**
 * A request by which a client receives: a stream that stays open, or a poll that ends with its first line. It serves the
 * session. It keeps the messages that the network has not taken yet, so that the session can send them again.
 */

import type { ServerResponse } from 'node:http';
import { messageLine, PRELUDE_LINE, ROTATION_LENGTH } from './framing.ts';

/** What a receiver tells its session. */
export interface ReceiverEvents {
  /** It takes lines again. */
  onReady(): void;
  /** The request is over: it was cut, or its answer is complete. */
  onGone(): void;
}

export class Receiver {
  readonly kind: 'stream' | 'poll';
  readonly #res: ServerResponse;
  /** How much was written, in UTF-16 code units, as the client counts it. */
  #length = 0;
  #isCongested = false;
  #isOver = false;
  /** The messages of each line that the network has not taken yet. */
  readonly #untaken = new Set<readonly string[]>();

  constructor(kind: 'stream' | 'poll', res: ServerResponse, events: ReceiverEvents) {
    this.kind = kind;
    this.#res = res;
    res.on('drain', () => {
      this.#isCongested = false;
      events.onReady();
    });
    res.on('close', () => {
      this.#isOver = true;
      events.onGone();
    });
    // `close` follows.
    res.on('error', () => {});
  }

  /**
   * Whether a line may be written now. When pusher-js has read more than `ROTATION_LENGTH`, it ends this request and opens a
   * new one. What is written after that length would be lost.
   */
  get isReady(): boolean {
    return !this.#isOver && !this.#isCongested && this.#length <= ROTATION_LENGTH;
  }

  /** Writes one line with these messages, and keeps them until the network has taken the line. */
  sendMessages(messages: readonly string[]): void {
    this.#untaken.add(messages);
    this.sendLine(messageLine(messages), () => this.#untaken.delete(messages));
  }

  /** Writes a line. For a poll this is the whole answer. @param onTaken called when the network has taken the line */
  sendLine(line: string, onTaken?: () => void): void {
    const taken = (error?: Error | null) => {
      if (!error) onTaken?.();
    };
    this.writeHead();
    this.#length += line.length;
    if (this.kind === 'poll') {
      this.#isOver = true;
      this.#res.end(line, taken);
    } else {
      this.#isCongested = !this.#res.write(line, taken);
    }
  }

  /** Sends a last line and ends the answer. */
  finish(line: string): void {
    this.writeHead();
    this.#isOver = true;
    this.#res.end(line);
  }

  /** Sends another answer than lines. If a line was sent already, closes the connection instead. */
  refuse(answer: (res: ServerResponse) => void): void {
    this.#isOver = true;
    if (this.#res.headersSent) this.#res.destroy();
    else answer(this.#res);
  }

  /** Ends the request, whatever its state, and returns the messages that did not get through, oldest first. */
  abandon(): string[] {
    this.#isOver = true;
    const left = [...this.#untaken].flat();
    this.#untaken.clear();
    // If messages are still on their way, the connection is cut. Otherwise they might arrive now and with the next request.
    if (left.length > 0 || this.#isCongested) this.#res.destroy();
    else if (!this.#res.writableEnded) this.#res.end();
    return left;
  }

  /** Cuts the connection. */
  cut(): void {
    this.#isOver = true;
    this.#res.destroy();
  }

  /** Begins the answer, unless it has begun already. */
  writeHead(): void {
    if (this.#res.headersSent) return;
    this.#res.writeHead(200, {
      'Content-Type': 'application/javascript; charset=UTF-8',
      'X-Content-Type-Options': 'nosniff',
      // no-transform: a proxy must not compress the answer, because compression holds lines back.
      'Cache-Control': 'no-store, no-transform',
      // nginx would buffer the whole answer.
      'X-Accel-Buffering': 'no',
    });
    if (this.kind === 'stream') {
      this.#length += PRELUDE_LINE.length;
      this.#res.write(PRELUDE_LINE);
    } else {
      this.#res.flushHeaders();
    }
  }
}
