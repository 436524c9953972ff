// A client written from docs/protocol.md alone, without inloop's code: bare pusher-js, fetch and the merging rules. It runs in
// Node and in Chromium, and stands for clients in other languages. For the conformance suite.
import type pusherJs from 'pusher-js';

type PusherClass = typeof pusherJs.default;

/** JSON objects, unchecked: the suite checks them. */
export type Json = Readonly<Record<string, unknown>>;

/** One step of a client: an event that was pushed, or tasks that were fetched. */
export type Step = { readonly event: string; readonly data: unknown } | { readonly fetched: readonly Json[] };

/** The state of a client after some steps. */
export interface Known {
  /** Newest first. */
  readonly tasks: readonly Json[];
  /** Ids of tasks whose whole result has to be fetched. */
  readonly fetch: readonly string[];
}

const STATUSES = ['queued', 'running', 'retrying', 'cancelling', 'succeeded', 'failed', 'cancelled'];
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isFinished = (task: Json) => task.finishedAt !== null;

/** The merging rules, in the order of the protocol's document. */
export class Tasks {
  readonly #tasks = new Map<string, Json>();
  readonly #seen = new Map<string, string>();
  readonly #dismissed = new Set<string>();

  /** Takes the next step. */
  take(step: Step): void {
    if ('fetched' in step) {
      for (const task of step.fetched) this.#merge(task);
    } else if (step.event === 'task.seen') {
      const { ids, seenAt } = isObject(step.data) ? step.data : {};
      if (Array.isArray(ids)) for (const id of ids) this.#seen.set(String(id), String(seenAt));
    } else if (step.event === 'task.dismissed') {
      const { ids } = isObject(step.data) ? step.data : {};
      if (Array.isArray(ids)) for (const id of ids) this.#dismissed.add(String(id));
    } else if (step.event.startsWith('task.')) {
      this.#merge(step.data);
    }
  }

  /** What the client shows now. */
  known(): Known {
    const tasks = [...this.#tasks.values()]
      .filter(({ id }) => !this.#dismissed.has(String(id)))
      .map((task) => {
        const seenAt = this.#seen.get(String(task.id));
        return isFinished(task) && task.seenAt === null && seenAt ? { ...task, seenAt } : task;
      })
      .sort((a, b) => (`${a.createdAt} ${a.id}` < `${b.createdAt} ${b.id}` ? 1 : -1));
    return { tasks, fetch: tasks.filter((task) => task.resultOmitted === true).map((task) => String(task.id)) };
  }

  #merge(task: unknown): void {
    if (!isObject(task) || typeof task.id !== 'string' || !STATUSES.includes(String(task.status))) return;
    const known = this.#tasks.get(task.id);
    const winner = known && !this.#beats(task, known) ? known : task;
    const other = winner === task ? known : task;
    const completes = winner.resultOmitted === true && other?.status === 'succeeded' && other.resultOmitted === false;
    this.#tasks.set(task.id, completes ? { ...winner, result: other.result, resultOmitted: false } : winner);
  }

  #beats(task: Json, known: Json): boolean {
    if (isFinished(task) !== isFinished(known)) return isFinished(task);
    if (task.revision !== known.revision) return Number(task.revision) > Number(known.revision);
    // `queue` is counted at each read without a new revision, so the one that came last is the newest.
    return task.queue !== undefined;
  }
}

/** The moving rules, in the order of the protocol's document: how many elements to show as done, `ms` after `updatedAt`. */
export function shown(progress: Json, ms: number): number {
  const { done, total, rate } = progress as { done: number; total: number | null; rate?: number };
  let elements = done;
  if (rate !== undefined) elements += (rate * Math.min(Math.max(ms, 0), 10_000)) / 1_000;
  if (total !== null) elements = Math.max(Math.min(elements, total - 1), done);
  return elements;
}

/** The calls that the suite makes to a client, in Node or in Chromium. Arguments and answers are JSON. */
export interface Agent {
  /** The state of a client after these steps. */
  replay(steps: readonly Step[]): Known;
  /** How many elements it shows as done, `ms` after the message. */
  shown(progress: Json, ms: number): number;
  /** Enters `user`'s channel; rejects with the error of the bus or the server. `transports` as pusher-js names them. */
  follow(user: string, transports?: readonly string[]): Promise<void>;
  /** The events that were pushed since `follow`. */
  events(): { readonly name: string; readonly data: unknown }[];
  /** Tries to enter another channel as `user`; resolves with the HTTP status of the server. */
  intrude(user: string, channel: string): Promise<number>;
  call(user: string | null, method: string, path: string, body?: unknown, headers?: Json): Promise<Answered>;
  close(): void;
}

/** An HTTP answer. `body` is parsed if it is JSON, and text otherwise. */
export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** @param base URL of the application, whose router is mounted at `/tasks` */
export function createAgent(Pusher: PusherClass, base: string): Agent {
  let pusher: InstanceType<PusherClass> | undefined;
  let events: { name: string; data: unknown }[] = [];

  const call: Agent['call'] = async (user, method, path, body, headers = {}) => {
    const response = await fetch(base + path, {
      method,
      headers: {
        ...(user === null ? {} : { 'x-user': user }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(headers as Record<string, string>),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json');
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: isJson ? JSON.parse(text) : text,
    };
  };

  const connect = async (user: string, transports: readonly string[], name?: string): Promise<void> => {
    pusher?.disconnect();
    events = [];
    const { key, channel, authEndpoint, ...options } = (await call(user, 'GET', '/tasks/connection')).body as Record<
      string,
      string
    >;
    const opened = new Pusher(String(key), {
      ...(options as unknown as ConstructorParameters<PusherClass>[1]),
      enabledTransports: [...transports] as never,
      channelAuthorization: { endpoint: base + authEndpoint, transport: 'ajax', headers: { 'x-user': user } },
    });
    pusher = opened;
    await new Promise<void>((resolve, reject) => {
      opened.subscribe(name ?? String(channel)).bind_global((event: string, data: unknown) => {
        if (event === 'pusher:subscription_succeeded') resolve();
        else if (event === 'pusher:subscription_error') reject(data);
        else if (event.startsWith('task.')) events.push({ name: event, data });
      });
    });
  };

  return {
    replay(steps) {
      const tasks = new Tasks();
      for (const step of steps) tasks.take(step);
      return tasks.known();
    },
    shown,
    follow: (user, transports = ['ws']) => connect(user, transports),
    events: () => events,
    intrude: (user, channel) =>
      connect(user, ['ws'], channel).then(
        () => 200,
        (error: { readonly status?: number }) => error.status ?? 0,
      ),
    call,
    close: () => pusher?.disconnect(),
  };
}
