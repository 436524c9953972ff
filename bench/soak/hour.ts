// One hour of users, compressed into seconds. They come, start tasks of every kind, follow and cancel them, see their outcomes, and
// sign out or are forgotten. In the middle Redis and the bus are away. When the hour is over, nothing of it should be left.
import http from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { openFallbackStream } from '../processes/fallback-stream.ts';
import { createFetch } from '../processes/http-fetch.ts';
import { connectPusherSocket } from '../processes/pusher-socket.ts';
import type { Kind } from './definitions.ts';
import type { SoakEnv } from './server-half.ts';

export interface HourOptions {
  readonly env: SoakEnv;
  /** The same users come each hour. Every third one is on a network without WebSockets. */
  readonly users: number;
  readonly tasks: number;
  /** The number of the hour. No two hours have the same, so no two sessions of the fallback have the same name. */
  readonly n: number;
  /** Takes the bus and Redis away for a moment. Called while the first half of the tasks is under way. */
  disturb(): Promise<void>;
}

/** An hour that did not end as it should. */
export class HourError extends Error {
  override readonly name = 'HourError';
}

/** The kinds of twenty tasks. They repeat for the next twenty. */
const TWENTY_KINDS: readonly (Kind | 'keyed')[] = [
  ...(['fails', 'retries', 'parent', 'keyed', 'keyed', 'waits', 'waits'] as const),
  ...Array.from({ length: 13 }, () => 'succeeds' as const),
];
/** How many requests are sent at the same time. */
const MAX_REQUESTS = 32;
/** How long all tasks may take to end. A worker may learn of a cancellation 10 s late, if an outage has hidden it. */
const END_MS = 60_000;
/** A request is repeated while Redis is away, for at most this long. */
const RETRY_MS = 20_000;

/** Lets the users of one hour come, work and leave. @throws HourError when a task does not end or a request is refused */
export async function runHour({ env, users, tasks, n, disturb }: HourOptions): Promise<void> {
  const visit = new Visit(env);
  const names = Array.from({ length: users }, (_, index) => `user-${index}`);
  try {
    const pages = await Promise.all(
      names.map((user, index) => visit.arrive(user, index % 3 === 2 ? n * users + index : null)),
    );
    const start = async (index: number) => {
      const kind = TWENTY_KINDS[index % TWENTY_KINDS.length] ?? 'succeeds';
      await visit.runTask(names[index % users] ?? '', kind, index);
    };
    const all = Array.from({ length: tasks }, (_, index) => index);
    await Promise.all([...all.slice(0, tasks / 2).map(start), disturb()]);
    await Promise.all(all.slice(tasks / 2).map(start));
    await Promise.all(names.map((user) => visit.waitForEnd(user)));
    await Promise.all(
      names.map((user, index) => visit.end(user, (['stay', 'sign-out', 'forget'] as const)[index % 3] ?? 'stay')),
    );
    await Promise.all(pages.map((page) => page.cut()));
  } finally {
    visit.close();
  }
}

/** What users do in one hour. Each call is for one of them. */
class Visit {
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: MAX_REQUESTS });
  readonly #fetch = createFetch(this.#agent);
  readonly #env: SoakEnv;
  readonly #url: string;

  constructor(env: SoakEnv) {
    this.#env = env;
    this.#url = `http://127.0.0.1:${env.PORT}`;
  }

  /** Opens the user's page. @param session the number of a session of the fallback; null for a page with a WebSocket */
  arrive(user: string, session: number | null) {
    const channel = `private-user-${user}`;
    const authorize = async (socketId: string) => {
      const body = new URLSearchParams({ socket_id: socketId, channel_name: channel });
      return (JSON.parse(await this.#ask(user, '/tasks/auth', { method: 'POST', body })) as { auth: string }).auth;
    };
    const key = this.#env.PUSHER_KEY ?? '';
    if (session !== null) return openFallbackStream({ url: this.#url, key, channel, n: session, authorize });
    return connectPusherSocket({
      port: Number(this.#env.PUSHER_PORT),
      key,
      channel,
      authorize,
      onMessage: () => undefined,
    });
  }

  /** Starts a task. Cancels it if its kind is `waits`. For every tenth of the others it also asks for the next revision. */
  async runTask(user: string, kind: Kind | 'keyed', n: number): Promise<void> {
    const what = kind === 'keyed' ? { name: 'keyed', input: { n } } : { name: 'work', input: { kind, n } };
    const { id } = JSON.parse(await this.#post(user, '/tasks', what)) as { id: string };
    if (kind === 'waits') await this.#post(user, `/tasks/${id}/cancel`, undefined, [409]);
    else if (n % 10 === 0) await this.#follow(user, id, n % 20 === 0);
  }

  /** Waits for the next revision. @param isImpatient whether the client goes away before the answer */
  async #follow(user: string, id: string, isImpatient: boolean): Promise<void> {
    const gone = isImpatient ? AbortSignal.timeout(30) : null;
    const headers = { 'x-user': user, prefer: 'wait=1' };
    await this.#fetch(`${this.#url}/tasks/${id}`, { headers, signal: gone }).catch(() => undefined);
  }

  /** Waits until the user has no active task. */
  async waitForEnd(user: string): Promise<void> {
    const end = Date.now() + END_MS;
    for (;;) {
      const { tasks } = JSON.parse(await this.#ask(user, '/tasks?state=active&limit=100')) as {
        tasks: { title: string }[];
      };
      if (tasks.length === 0) return;
      if (Date.now() > end)
        throw new HourError(`Not ended after ${END_MS / 1_000} s: ${tasks.map(({ title }) => title)}`);
      await pause(100);
    }
  }

  /** Marks the user's outcomes as seen. Then the user stays signed in, signs out, or is forgotten with all their tasks. */
  async end(user: string, how: 'stay' | 'sign-out' | 'forget'): Promise<void> {
    const { tasks } = JSON.parse(await this.#ask(user, '/tasks?state=unseen&limit=100')) as { tasks: { id: string }[] };
    if (tasks.length > 0) await this.#post(user, '/tasks/seen', { ids: tasks.map(({ id }) => id) });
    if (how !== 'stay') await this.#post(user, `/${how}`, undefined);
  }

  /** Ends the connections that are kept alive. */
  close(): void {
    this.#agent.destroy();
  }

  #post(user: string, path: string, body: unknown, allowed: readonly number[] = []): Promise<string> {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    return this.#ask(
      user,
      path,
      { method: 'POST', headers, body: body === undefined ? null : JSON.stringify(body) },
      allowed,
    );
  }

  /** Sends a request, again and again while it is answered 503 or 429. @throws HourError for any other answer that is not `allowed` */
  async #ask(user: string, path: string, init: RequestInit = {}, allowed: readonly number[] = []): Promise<string> {
    const end = Date.now() + RETRY_MS;
    for (;;) {
      const answer = await this.#fetch(this.#url + path, {
        ...init,
        headers: { ...init.headers, 'x-user': user } as Record<string, string>,
      });
      const text = await answer.text();
      if (answer.ok || allowed.includes(answer.status)) return text;
      const isPutOff = answer.status === 503 || answer.status === 429;
      if (!isPutOff || Date.now() > end) throw new HourError(`${path} was answered ${answer.status}: ${text}`);
      await pause(50);
    }
  }
}
