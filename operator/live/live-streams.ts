/**
 * Streams to the operator's pages what changes. It serves `GET /api/live`.
 *
 * It uses a stream of events over HTTP. The bus would not do: an operator sees the tasks of all owners, and the bus has one
 * channel for each owner and a price for each message. A poll would ask every second for what seldom changes. One read of Redis a
 * second serves all streams of this process. Without a stream nothing is read.
 */

import type { Response } from 'express';
import type { Backend } from '../../backend/backend.ts';
import { OperatorKeys } from '../../backend/operator/operator-keys.ts';
import { FIELD } from '../../backend/store/record.ts';
import { TaskError } from '../../core/error.ts';
import type { LiveEvents } from '../../core/operator/calls.ts';
import type { Overview } from '../../core/operator/overview.ts';
import type { OverviewSource } from '../data/overview.ts';

/** The time between two reads of Redis. */
const TICK_MS = 1_000;
/** A comment is sent this often, so that proxies keep the stream open and the page notices if it is dead. */
const HEARTBEAT_MS = 15_000;
/** The most streams of one process. Each is an open tab of an operator, of whom there are few. */
const MOST_STREAMS = 100;
/**
 * After this time a stream is ended, and the page opens another with a new request. Otherwise an operator who has signed out could
 * go on reading: `allow` gets the first request again and again, and most applications read the session only when a request comes.
 */
const LONGEST_MS = 600_000;
/** A stream whose client does not read is cut when more bytes than these wait to be sent. */
const MOST_WAITING_BYTES = 1_048_576;
/** `Retry-After` for a page that is not let in, in seconds. */
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
  /** Whether `isAllowed` was called and has not answered yet. */
  isBeingChecked: boolean;
  /** The overview that was last sent, as JSON without its time. */
  overview: string;
  /** The version of the operator's index ({@link OperatorKeys.version}) that the client knows. */
  version: number;
  /** The revision of `task` that the client knows; NaN if there is no such task. */
  revision: number;
}

/** The open streams of this process. */
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
   * Answers with a stream. It ends when the client goes away or does not read, when `isAllowed` says no or nothing, after 10
   * minutes, and by {@link close}.
   * @param task the task whose revisions are told; null for none
   * @param isAllowed asked every 15 s whether the stream may go on
   * @throws TaskError `too_many_streams` (503), also after {@link close}; `store_unavailable`
   */
  async open(res: Response, { task, isAllowed }: Pick<Stream, 'task' | 'isAllowed'>): Promise<void> {
    this.#refuseTooMany();
    const begin = { openedAt: performance.now(), isBeingChecked: false };
    const stream: Stream = { res, task, isAllowed, ...begin, overview: '', version: Number.NaN, revision: Number.NaN };
    // While Redis is away this rejects. The stream has not begun then, so the answer can be a 503.
    const now = await this.#readState([task]);
    // Others may have opened their streams meanwhile.
    this.#refuseTooMany();
    if (res.destroyed) return;
    res.set({
      'Content-Type': 'text/event-stream; charset=utf-8',
      // `no-transform`: a middleware that compresses would hold the events back.
      'Cache-Control': 'private, no-store, no-transform',
      // nginx would hold them back, too.
      'X-Accel-Buffering': 'no',
    });
    res.flushHeaders();
    this.#streams.add(stream);
    res.once('close', () => this.#remove(stream));
    stream.version = now.version;
    stream.revision = now.revisions.get(task ?? '') ?? Number.NaN;
    // For clients that use EventSource: after how many ms to connect again.
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
   * Removes the stream before it ends it, so that nothing is written to it any more. A client that does not read keeps the
   * connection open after `end`. A write would then emit an error that nobody handles, and end the process.
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

  /** Ends the streams that are old, and asks for each of the others whether it is still allowed. Waits for no answer. */
  #beat(): void {
    this.#beatAt = performance.now();
    for (const stream of this.#streams) {
      const isOld = this.#beatAt - stream.openedAt > LONGEST_MS;
      // No answer since the last heartbeat counts as a no.
      if (isOld || stream.isBeingChecked) this.#end(stream);
      else void this.#keepIfAllowed(stream);
    }
  }

  async #keepIfAllowed(stream: Stream): Promise<void> {
    stream.isBeingChecked = true;
    const isAllowed = await stream.isAllowed().catch(() => false);
    stream.isBeingChecked = false;
    if (!this.#streams.has(stream)) return;
    if (isAllowed) this.#write(stream, ': \n\n');
    else this.#end(stream);
  }

  /** Reads what all streams are told. `revisions`: of those of the tasks that exist. @throws TaskError `store_unavailable` */
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
    // Without the time, which is another one at each read.
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
