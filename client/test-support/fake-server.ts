/** For tests: the HTTP contract of the task router, in memory, as a `fetch`. It counts, and it can be away. */

import { isFinished, type Snapshot } from '../../core/snapshot.ts';

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export class FakeServer {
  readonly #tasks = new Map<string | null, Map<string, Snapshot>>();
  readonly calls: Call[] = [];
  /** Who is signed in, by their channel; null: nobody. */
  channel: string | null = 'private-user-ada';
  /** Whether answers say for whom they are, as every router of ours does. */
  namesChannel = true;
  /** What answers say about the time, in milliseconds; null: nothing. */
  now: () => number | null = () => null;
  /** Holds an answer back that is made already. */
  hold: (path: string) => Promise<void> | undefined = () => undefined;
  /** What every call answers instead: a status, or 0 for "not reachable". */
  failWith: number | null = null;
  /** Which paths `failWith` is about. */
  isFailing: (path: string) => boolean = () => true;
  /** What `POST /auth` answers instead. */
  denyWith: number | null = null;
  retryAfter: number | null = null;
  /** How often it answered 304. */
  notModified = 0;

  /** What the one who is signed in has. */
  get tasks(): Map<string, Snapshot> {
    const tasks = this.#tasks.get(this.channel) ?? new Map<string, Snapshot>();
    this.#tasks.set(this.channel, tasks);
    return tasks;
  }

  put(...snapshots: readonly Snapshot[]): void {
    for (const snapshot of snapshots) this.tasks.set(snapshot.id, snapshot);
  }

  /** The paths called since the last look. */
  look(): string[] {
    return this.calls.splice(0).map(({ method, path }) => (method === 'GET' ? path : `${method} ${path}`));
  }

  fetch = (async (url: string, init: RequestInit = {}): Promise<Response> => {
    const { pathname, search, searchParams } = new URL(url);
    const path = pathname.replace(/^\/tasks/, '') + search;
    const method = init.method ?? 'GET';
    const headers = init.headers as Record<string, string>;
    const body =
      init.body instanceof URLSearchParams ? Object.fromEntries(init.body) : JSON.parse(`${init.body ?? null}`);
    this.calls.push({ method, path, headers, body });
    const answer = this.#answer(method, path, searchParams, headers);
    await this.hold(path);
    return answer;
  }) as typeof fetch;

  #answer(method: string, path: string, query: URLSearchParams, headers: Call['headers']): Response {
    const now = this.now();
    const own = {
      ...(this.namesChannel && this.channel !== null && { 'inloop-channel': this.channel }),
      ...(now !== null && { 'inloop-time': new Date(now).toISOString() }),
    };
    if (this.failWith !== null && this.isFailing(path)) {
      if (this.failWith === 0) throw new TypeError('fetch failed');
      return problem(this.failWith, own);
    }
    if (this.channel === null) return problem(401);
    if (path === '/connection') return this.#json(connectionInfo(this.channel), headers, own);
    if (path === '/auth')
      return this.denyWith ? problem(this.denyWith, own) : this.#json({ auth: 'key:signature' }, headers, own);
    if (path === '/seen') return new Response(null, { status: 204, headers: own });
    if (method === 'GET' && query.size) return this.#json(this.#list(query), headers, own);
    const task = this.tasks.get(path.split('/')[1] ?? '');
    if (!task) return problem(404, own);
    return this.#json(task, headers, own);
  }

  #list(query: URLSearchParams): object {
    const state = query.get('state');
    const limit = Number(query.get('limit'));
    const cursor = query.get('cursor');
    const all = [...this.tasks.values()]
      .filter((task) => state === 'all' || (state === 'active' ? !isFinished(task) : isFinished(task) && !task.seenAt))
      .sort((a, b) => (a.id < b.id ? 1 : -1))
      .filter((task) => cursor === null || task.id < cursor);
    const tasks = all.slice(0, limit);
    return { tasks, nextCursor: all.length > limit ? tasks.at(-1)?.id : null };
  }

  #json(body: object, headers: Call['headers'], more: Call['headers']): Response {
    const text = JSON.stringify(body);
    const etag = `"${text.length}-${[...text].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) % 1e9, 7)}"`;
    const own = { ...more, etag, ...(this.retryAfter !== null && { 'retry-after': `${this.retryAfter}` }) };
    // As Express has it: who asks with `no-cache` gets the whole answer.
    const isForced = headers['cache-control']?.includes('no-cache');
    if (headers['if-none-match'] !== etag || isForced) return new Response(text, { headers: own });
    this.notModified++;
    return new Response(null, { status: 304, headers: own });
  }
}

export function connectionInfo(channel: string) {
  return {
    ...{
      key: 'key',
      cluster: 'inloop',
      wsHost: '127.0.0.1',
      wsPort: 6001,
      wssPort: 6001,
      httpHost: null,
      httpPort: 6001,
    },
    ...{ httpsPort: 6001, httpPath: '/push', forceTLS: false, channel, authEndpoint: '/tasks/auth' },
  };
}

function problem(status: number, headers: Call['headers'] = {}): Response {
  const body = {
    type: 'about:blank',
    title: 'Problem',
    status,
    detail: `Refused with ${status}.`,
    code: `code_${status}`,
  };
  return new Response(JSON.stringify(body), {
    status,
    headers: { ...headers, 'content-type': 'application/problem+json' },
  });
}
