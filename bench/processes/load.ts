// The process that sends HTTP requests. It uses raw sockets, with one request at a time on each.
import { connect } from 'node:net';
import { now, pause } from '../measure/clock.ts';
import { answerCalls } from './bench-process.ts';

/** One POST. `user` goes in the header `x-user`. */
export interface LoadRequest {
  readonly path: string;
  readonly user: string;
  readonly body: unknown;
}

/** What the call `during` takes. */
export interface DuringOptions {
  readonly request: Omit<LoadRequest, 'user'>;
  readonly connections: number;
  readonly ms: number;
  /** How many users take turns. Default: each connection is a user of its own. */
  readonly users?: number;
}

/** What the calls `during` and `all` answer. */
export interface LoadResult {
  /** Of each request: milliseconds until its last answer. A request that is sent again after a 503 has one entry. */
  readonly latencies: readonly number[];
  /** Number of answers by status. A request that is answered 503 is sent again. */
  readonly statuses: Readonly<Record<string, number>>;
  /** When the first request was sent and the last answer came, on the bench's clock. */
  readonly began: number;
  readonly ended: number;
}

/** Sends, on each connection, the requests that `next` returns, until it returns null. Resolves when every answer has come. */
async function run(connections: number, next: (connection: number) => LoadRequest | null): Promise<LoadResult> {
  const latencies: number[] = [];
  const statuses: Record<string, number> = {};
  const began = now();
  await Promise.all(
    Array.from({ length: connections }, async (_, connection) => {
      const socket = connect({ host: '127.0.0.1', port: Number(process.env.PORT), noDelay: true });
      await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
      for (let request = next(connection); request !== null; request = next(connection)) {
        const sent = now();
        let status = await exchange(socket, request);
        statuses[status] = (statuses[status] ?? 0) + 1;
        // With a 503 the server sends `Retry-After: 1`.
        while (status === '503') {
          await pause(1_000);
          status = await exchange(socket, request);
          statuses[status] = (statuses[status] ?? 0) + 1;
        }
        latencies.push(now() - sent);
      }
      socket.destroy();
    }),
  );
  return { latencies, statuses, began, ended: now() };
}

/** Sends one request; resolves with the status once the whole answer is there. */
function exchange(socket: ReturnType<typeof connect>, { path, user, body }: LoadRequest): Promise<string> {
  const text = JSON.stringify(body);
  const head = [
    `POST ${path} HTTP/1.1`,
    'Host: localhost',
    `x-user: ${user}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(text)}`,
  ];
  return new Promise((resolve, reject) => {
    let answer = '';
    const finish = (settle: () => void) => {
      socket.off('data', onData).off('close', onClose);
      settle();
    };
    const onClose = () => finish(() => reject(new Error(`The server hung up on ${path}`)));
    const onData = (chunk: Buffer) => {
      answer += chunk.toString('latin1');
      const end = answer.indexOf('\r\n\r\n');
      if (end === -1) return;
      const length = Number(/content-length: (\d+)/i.exec(answer.slice(0, end))?.[1] ?? 0);
      if (answer.length >= end + 4 + length) finish(() => resolve(answer.slice(9, 12)));
    };
    socket.on('data', onData).on('close', onClose);
    socket.write(`${head.join('\r\n')}\r\n\r\n${text}`);
  });
}

answerCalls(
  {
    /** Sends `request` again and again for `ms`. With `users` the senders are that many users in turn. */
    during({ request, connections, ms, users }: DuringOptions) {
      const end = now() + ms;
      let sent = 0;
      return run(connections, (connection) =>
        now() < end ? { ...request, user: `user-${users === undefined ? connection : sent++ % users}` } : null,
      );
    },
    /** Sends these requests: one connection for each user, which sends that user's requests one after the other. */
    all(requests: readonly LoadRequest[]) {
      const byUser = new Map<string, LoadRequest[]>();
      for (const request of requests) byUser.set(request.user, [...(byUser.get(request.user) ?? []), request]);
      const queues = [...byUser.values()];
      return run(queues.length, (connection) => queues[connection]?.shift() ?? null);
    },
  },
  async () => undefined,
);
