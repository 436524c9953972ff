/**
 * One request by which a client receives: a stream that stays open, or a poll that ends with its first line.
 * It knows what the network has not taken yet, so that the session can give that to the next request.
 */

import type { ServerResponse } from 'node:http';
import { messageLine, PRELUDE_LINE, ROTATION_LENGTH } from './framing.ts';

export interface ReceiverEvents {
  /** It takes lines again. */
  onReady(): void;
  /** The request is over: the client or the network ended it, or its answer is complete. */
  onGone(): void;
}

export class Receiver {
  readonly kind: 'stream' | 'poll';
  readonly #res: ServerResponse;
  /** Written so far, in UTF-16 code units, as the client counts it. */
  #length = 0;
  #isCongested = false;
  #isOver = false;
  /** Messages of each line that the network has not taken. */
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
    // A reset by the peer is followed by `close`.
    res.on('error', () => {});
  }

  /**
   * Whether a line may be written now. Not beyond the length at which pusher-js opens a new request: it ends this one
   * as soon as it has read that much, and whatever was under way then would be lost.
   */
  get isReady(): boolean {
    return !this.#isOver && !this.#isCongested && this.#length <= ROTATION_LENGTH;
  }

  sendMessages(messages: readonly string[]): void {
    this.#untaken.add(messages);
    this.sendLine(messageLine(messages), () => this.#untaken.delete(messages));
  }

  /** Writes a line; for a poll this is the whole answer. */
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

  /** Answers something else than a stream of lines; only before the first one. */
  refuse(answer: (res: ServerResponse) => void): void {
    this.#isOver = true;
    if (this.#res.headersSent) this.#res.destroy();
    else answer(this.#res);
  }

  /** Lets go of the request, whatever state it is in, and returns what did not get through, oldest first. */
  abandon(): string[] {
    this.#isOver = true;
    const left = [...this.#untaken].flat();
    this.#untaken.clear();
    // Ended politely only if nothing is under way: what still got through would come twice.
    if (left.length > 0 || this.#isCongested) this.#res.destroy();
    else if (!this.#res.writableEnded) this.#res.end();
    return left;
  }

  /** Cuts the connection. */
  cut(): void {
    this.#isOver = true;
    this.#res.destroy();
  }

  writeHead(): void {
    if (this.#res.headersSent) return;
    this.#res.writeHead(200, {
      'Content-Type': 'application/javascript; charset=UTF-8',
      'X-Content-Type-Options': 'nosniff',
      // no-transform: nobody on the way may compress it, and thereby hold it back.
      'Cache-Control': 'no-store, no-transform',
      // The same for nginx, which would buffer the whole answer.
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
