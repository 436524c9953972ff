/** For tests: the HTTP contract of the task router, in memory, as a `fetch`. It counts, and it can be away. */

import { isFinished, type Snapshot } from '../../core/snapshot.ts';

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export class FakeServer {
  readonly tasks = new Map<string, Snapshot>();
  readonly calls: Call[] = [];
  channel = 'private-user-ada';
  /** What every call answers instead: a status, or 0 for "not reachable". */
  failWith: number | null = null;
  /** Which paths `failWith` is about. */
  isFailing: (path: string) => boolean = () => true;
  /** What `POST /auth` answers instead. */
  denyWith: number | null = null;
  retryAfter: number | null = null;
  /** How often it answered 304. */
  notModified = 0;

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
    if (this.failWith !== null && this.isFailing(path)) {
      if (this.failWith === 0) throw new TypeError('fetch failed');
      return problem(this.failWith);
    }
    if (path === '/connection') return this.#json(connectionInfo(this.channel), headers);
    if (path === '/auth')
      return this.denyWith ? problem(this.denyWith) : this.#json({ auth: 'key:signature' }, headers);
    if (path === '/seen') return new Response(null, { status: 204 });
    if (method === 'GET' && search) return this.#json(this.#list(searchParams), headers);
    const task = this.tasks.get(path.split('/')[1] ?? '');
    if (!task) return problem(404);
    return this.#json(task, headers);
  }) as typeof fetch;

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

  #json(body: object, headers: Readonly<Record<string, string>>): Response {
    const text = JSON.stringify(body);
    const etag = `"${text.length}-${[...text].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) % 1e9, 7)}"`;
    const own = { etag, ...(this.retryAfter !== null && { 'retry-after': `${this.retryAfter}` }) };
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

function problem(status: number): Response {
  const body = {
    type: 'about:blank',
    title: 'Problem',
    status,
    detail: `Refused with ${status}.`,
    code: `code_${status}`,
  };
  return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/problem+json' } });
}
