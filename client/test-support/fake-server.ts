/**
 * For tests: a `fetch` that answers as the task router does, from tasks in memory. It answers all that a feed asks for. But it
 * starts no task, and a cancel or retry changes none. It records calls, and can fail or hold answers back.
 */

import { isFinished, type Snapshot } from '../../core/tasks/snapshot.ts';

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export class FakeServer {
  readonly #tasks = new Map<string | null, Map<string, Snapshot>>();
  readonly calls: Call[] = [];
  /** Ids of outcomes that were seen by `POST /seen`. */
  readonly #seen = new Set<string>();
  /** Who is signed in, by their channel; null: nobody. */
  channel: string | null = 'private-user-ada';
  /** Whether answers name the user's channel, as those of the real router do. */
  namesChannel = true;
  /** The time that answers tell, in milliseconds; null: answers tell none. */
  now: () => number | null = () => null;
  /** Called when an answer is made. The answer arrives once the promise that this returns is resolved. */
  hold: (path: string) => Promise<void> | undefined = () => undefined;
  /** The status of every answer; 0: the server cannot be reached; null: answers are what they should be. */
  failWith: number | null = null;
  /** The paths that `failWith` applies to. */
  isFailing: (path: string) => boolean = () => true;
  /** The status with which `POST /auth` is refused; null: it is not. */
  denyWith: number | null = null;
  retryAfter: number | null = null;
  /** How often it answered 304. */
  notModified = 0;

  /** The tasks of the signed-in user. */
  get tasks(): Map<string, Snapshot> {
    const tasks = this.#tasks.get(this.channel) ?? new Map<string, Snapshot>();
    this.#tasks.set(this.channel, tasks);
    return tasks;
  }

  put(...snapshots: readonly Snapshot[]): void {
    for (const snapshot of snapshots) this.tasks.set(snapshot.id, snapshot);
  }

  /** The calls since the last `takeCalls`: the path of a GET, method and path of others. */
  takeCalls(): string[] {
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
    const answer = this.#answer(method, path, searchParams, headers, body ?? {});
    await this.hold(path);
    return answer;
  }) as typeof fetch;

  #answer(
    method: string,
    path: string,
    query: URLSearchParams,
    headers: Call['headers'],
    body: { ids?: string[]; keepUnseen?: boolean },
  ): Response {
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
    if (path === '/clear') return this.#json(this.#clear(body), headers, own);
    for (const id of (path === '/seen' && body.ids) || []) this.#seen.add(id);
    if (path === '/seen') return new Response(null, { status: 204, headers: own });
    if (method === 'GET' && query.size) return this.#json(this.#list(query), headers, own);
    const task = this.tasks.get(path.split('/')[1] ?? '');
    if (!task) return problem(404, own);
    return this.#json(task, headers, own);
  }

  #clear({ ids, keepUnseen = false }: { ids?: string[]; keepUnseen?: boolean }): object {
    const isMeant = (task: Snapshot) =>
      ids ? ids.includes(task.id) : !keepUnseen || task.seenAt !== null || this.#seen.has(task.id);
    const gone = [...this.tasks.values()].filter((task) => isFinished(task) && isMeant(task)).map(({ id }) => id);
    for (const id of gone) this.tasks.delete(id);
    return { cleared: gone.length, ids: gone };
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
    // Like Express: a request with `no-cache` gets the whole answer and never a 304.
    const isForced = headers['cache-control']?.includes('no-cache');
    if (headers['if-none-match'] !== etag || isForced) return new Response(text, { headers: own });
    this.notModified++;
    return new Response(null, { status: 304, headers: own });
  }
}

/** What `GET /connection` answers to the user with this channel. */
export function connectionInfo(channel: string) {
  return {
    key: 'key',
    cluster: 'inloop',
    wsHost: '127.0.0.1',
    wsPort: 6001,
    wssPort: 6001,
    httpHost: null,
    httpPort: 6001,
    httpsPort: 6001,
    httpPath: '/push',
    forceTLS: false,
    channel,
    authEndpoint: '/tasks/auth',
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
