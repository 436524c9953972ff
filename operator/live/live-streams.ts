/**
 * Streams to the operator's pages what changes. It serves `GET /api/live`.
 *
 * A stream of events over HTTP, and not the bus: an operator looks at everybody's tasks, and the bus has one channel for
 * each user and a price for each message. And not a poll: the page would ask each second for what seldom changes. While
 * somebody looks, one look at Redis a second serves all streams of this process; otherwise nothing is asked.
 */

import type { Response } from 'express';
import type { Backend } from '../../backend/backend.ts';
import { OperatorKeys } from '../../backend/operator/operator-keys.ts';
import { FIELD } from '../../backend/store/record.ts';
import { TaskError } from '../../core/error.ts';
import type { LiveEvents } from '../../core/operator/calls.ts';
import type { Overview } from '../../core/operator/overview.ts';
import type { OverviewSource } from '../data/overview.ts';

const TICK_MS = 1_000;
/** A comment is sent this often, so that proxies keep the stream open and the page notices if it is dead. */
const HEARTBEAT_MS = 15_000;
/** The most streams of one process: tabs of operators, of whom there are few. */
const MOST_STREAMS = 100;
/**
 * A stream is ended after so long, and the page opens another with a new request. `allow` is asked about the same request
 * again and again. Most functions `allow` answer from the session in it, which was read when the request came. So they
 * would never see that the session has ended since.
 */
const LONGEST_MS = 600_000;
/** A stream whose client does not read is ended when so many bytes wait. */
const MOST_WAITING_BYTES = 1_048_576;
const TRY_AGAIN_S = 10;

export interface LiveOptions {
  readonly backend: Backend;
  readonly overview: OverviewSource;
}

interface Stream {
  readonly res: Response;
  /** The task that the page shows; null for none. */
  readonly task: string | null;
  readonly isAllowed: () => Promise<boolean>;
  /** By `performance.now()`. */
  readonly openedAt: number;
  /** Whether `isAllowed` has been asked and has not answered. */
  isAsked: boolean;
  /** The overview that was last sent, as JSON without its time. */
  overview: string;
  /** The version of the operator's index ({@link OperatorKeys.version}) that the client knows. */
  version: number;
  /** The revision of `task` that the client knows; NaN if there is no such task. */
  revision: number;
}

export class LiveStreams {
  readonly #options: LiveOptions;
  readonly #keys: OperatorKeys;
  readonly #streams = new Set<Stream>();
  #timer: NodeJS.Timeout | null = null;
  #isTicking = false;
  #beatAt = performance.now();
  #isClosed = false;

  constructor(options: LiveOptions) {
    this.#options = options;
    this.#keys = new OperatorKeys(options.backend.redis.keys.prefix);
  }

  /**
   * Answers with a stream, until the client goes away, `isAllowed` says no, or {@link close}.
   * @throws TaskError `too_many_streams` (503), `store_unavailable`
   */
  async open(res: Response, { task, isAllowed }: Pick<Stream, 'task' | 'isAllowed'>): Promise<void> {
    this.#refuseTooMany();
    const begin = { openedAt: performance.now(), isAsked: false };
    const stream: Stream = { res, task, isAllowed, ...begin, overview: '', version: Number.NaN, revision: Number.NaN };
    // Fails here, before the stream begins, while Redis is away.
    const now = await this.#readState([task]);
    // Others may have opened theirs meanwhile.
    this.#refuseTooMany();
    if (res.destroyed) return;
    res.set({
      'Content-Type': 'text/event-stream; charset=utf-8',
      // `no-transform`: a middleware that compresses would hold the events back. The last header is for nginx.
      'Cache-Control': 'private, no-store, no-transform',
      'X-Accel-Buffering': 'no',
    });
    res.flushHeaders();
    this.#streams.add(stream);
    res.once('close', () => this.#remove(stream));
    stream.version = now.version;
    stream.revision = now.revisions.get(task ?? '') ?? Number.NaN;
    // For clients that use EventSource: in ms, when to connect again.
    this.#write(stream, 'retry: 2000\n\n');
    this.#tellOverview(stream, now.overview);
    this.#timer ??= setInterval(() => void this.#tick(), TICK_MS).unref();
  }

  /** Ends all streams. */
  close(): void {
    this.#isClosed = true;
    this.#stop();
    for (const stream of this.#streams) this.#end(stream);
  }

  #refuseTooMany(): void {
    if (!this.#isClosed && this.#streams.size < MOST_STREAMS) return;
    throw new TaskError('too_many_streams', 'Too many pages are open. Try again later.', {
      status: 503,
      retryAfter: TRY_AGAIN_S,
    });
  }

  /**
   * Removes the stream first, so that nothing is written to it from now on. A client that does not read keeps the connection
   * open after `end`. To write then would be an error that nobody handles, and would end the process.
   */
  #end(stream: Stream): void {
    this.#remove(stream);
    stream.res.end();
  }

  #remove(stream: Stream): void {
    this.#streams.delete(stream);
    if (this.#streams.size === 0) this.#stop();
  }

  #stop(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** Never rejects. While Redis is away the pages get heartbeats only. */
  async #tick(): Promise<void> {
    if (this.#isTicking) return;
    this.#isTicking = true;
    try {
      if (performance.now() - this.#beatAt >= HEARTBEAT_MS) this.#beat();
      const now = await this.#readState([...this.#streams].map(({ task }) => task));
      for (const stream of this.#streams) {
        this.#tellOverview(stream, now.overview);
        if (stream.version !== now.version) this.#send(stream, 'changed', { version: now.version });
        stream.version = now.version;
        const revision = now.revisions.get(stream.task ?? '') ?? Number.NaN;
        if (stream.task !== null && !Object.is(revision, stream.revision)) {
          this.#send(stream, 'task', { id: stream.task, revision: Number.isNaN(revision) ? 0 : revision });
        }
        stream.revision = revision;
      }
    } catch {
      // Redis is away. That has been logged already.
    } finally {
      this.#isTicking = false;
    }
  }

  /** Keeps the streams open, and ends those that are old. Asks for each alone whether it is still allowed. */
  #beat(): void {
    this.#beatAt = performance.now();
    for (const stream of this.#streams) {
      const isOld = this.#beatAt - stream.openedAt > LONGEST_MS;
      // No answer since the last time counts as a no.
      if (isOld || stream.isAsked) this.#end(stream);
      else void this.#keepIfAllowed(stream);
    }
  }

  async #keepIfAllowed(stream: Stream): Promise<void> {
    stream.isAsked = true;
    const isAllowed = await stream.isAllowed().catch(() => false);
    stream.isAsked = false;
    if (!this.#streams.has(stream)) return;
    if (isAllowed) this.#write(stream, ': \n\n');
    else this.#end(stream);
  }

  async #readState(tasks: readonly (string | null)[]): Promise<{
    readonly overview: Overview;
    readonly version: number;
    readonly revisions: ReadonlyMap<string, number>;
  }> {
    const { backend, overview } = this.#options;
    const ids = [...new Set(tasks.filter((id) => id !== null))];
    const { redis } = backend;
    const [seen, version, revisions] = await Promise.all([
      overview.get(),
      redis.send((client) => client.get(this.#keys.version)),
      redis.send((client) => Promise.all(ids.map((id) => client.hGet(redis.keys.task(id), FIELD.revision)))),
    ]);
    const known = ids.flatMap((id, n) => (revisions[n] ? [[id, Number(revisions[n])] as const] : []));
    return { overview: seen, version: Number(version ?? 0), revisions: new Map(known) };
  }

  #tellOverview(stream: Stream, overview: Overview): void {
    // Without the time, which is another one at each look.
    const text = JSON.stringify({ ...overview, time: '' });
    if (text === stream.overview) return;
    stream.overview = text;
    this.#send(stream, 'overview', overview);
  }

  #send<E extends keyof LiveEvents>(stream: Stream, event: E, data: LiveEvents[E]): void {
    this.#write(stream, `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  #write({ res }: Stream, text: string): void {
    if (res.writableLength > MOST_WAITING_BYTES) res.destroy();
    else res.write(text);
  }
}
