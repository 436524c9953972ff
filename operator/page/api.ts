/** The calls of the page to its server, and the server's clock as its answers tell it. */

import type { ActPreview, ActRequest, ActResult, AuditPage } from '../../core/operator/acts.ts';
import type { OperatorSession } from '../../core/operator/calls.ts';
import type { Overview } from '../../core/operator/overview.ts';
import type { StuckReport } from '../../core/operator/stuck.ts';
import type { TaskDetails } from '../../core/operator/task-details.ts';
import type { OperatorTaskPage, TaskFilter } from '../../core/operator/tasks.ts';

/** A call that failed. */
export class CallError extends Error {
  override readonly name = 'CallError';
  /** The HTTP status of the answer; 0 if no answer came, or a redirect. */
  readonly status: number;
  /** The code of the problem; '' if the answer has none. */
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }

  /**
   * Whether the answer may mean that this operator may not see the page any more: 401, 403, 404, or an answer that is not from our
   * server, such as a page to sign in.
   */
  get isRefusal(): boolean {
    return [401, 403, 404].includes(this.status) || this.code === NOT_OURS;
  }
}

/** The code of a {@link CallError} about an answer that our server does not give: a redirect, or something that is not JSON. */
const NOT_OURS = 'not_ours';

/** How many tasks a page of the list has. */
export const PAGE_SIZE = 50;
/** A call without an answer after this time has failed. */
const TIMEOUT_MS = 20_000;

/** The calls (core/operator/calls.ts). All of them throw {@link CallError}. */
export interface Api {
  /** The server's time, in milliseconds since 1970, as its last answer tells it. */
  now(): number;
  /** Sets the server's time. @param time ISO 8601 */
  noteTime(time: string): void;
  session(): Promise<OperatorSession>;
  overview(): Promise<Overview>;
  tasks(filter: TaskFilter, cursor: string | null): Promise<OperatorTaskPage>;
  task(id: string): Promise<TaskDetails>;
  stuck(): Promise<StuckReport>;
  audit(cursor: string | null): Promise<AuditPage>;
  preview(act: ActRequest): Promise<ActPreview>;
  act(act: ActRequest): Promise<ActResult>;
}

/** Creates the calls, relative to the page's address. @param onRefused called when a call is refused (`CallError.isRefusal`) */
export function createApi(onRefused: () => void = () => {}): Api {
  /** By how many milliseconds the server's clock is ahead of this machine's; negative if it is behind. */
  let aheadMs = 0;
  const noteTime = (time: string) => {
    aheadMs = Date.parse(time) - Date.now();
  };

  async function call<Answer>(path: string, init: RequestInit = {}): Promise<Answer> {
    try {
      const body = await fetchJson(path, init);
      const { time } = body as { time?: unknown };
      if (typeof time === 'string') noteTime(time);
      return body as Answer;
    } catch (error) {
      if (error instanceof CallError && error.isRefusal) onRefused();
      throw error;
    }
  }

  const post = <Answer>(act: ActRequest) =>
    call<Answer>('acts', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(act),
    });

  return {
    now: () => Date.now() + aheadMs,
    noteTime,
    session: () => call('session'),
    overview: () => call('overview'),
    tasks(filter, cursor) {
      const params = new URLSearchParams({ limit: String(PAGE_SIZE) });
      for (const [name, value] of Object.entries(filter)) params.set(name, String(value));
      if (cursor) params.set('cursor', cursor);
      return call(`tasks?${params}`);
    },
    task: (id) => call(`tasks/${encodeURIComponent(id)}`),
    stuck: () => call('stuck'),
    audit: (cursor) => call(`audit?${new URLSearchParams({ limit: String(PAGE_SIZE), ...(cursor && { cursor }) })}`),
    preview: (act) => post({ ...act, preview: true } as ActRequest),
    act: post,
  };
}

/** The JSON of an answer. @throws CallError */
async function fetchJson(path: string, init: RequestInit): Promise<object> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  let response: Response;
  let body: unknown;
  try {
    // A redirect leads to a page to sign in, so it is not followed.
    response = await fetch(`api/${path}`, { ...init, signal, credentials: 'same-origin', redirect: 'manual' });
    body = await response.json().catch(() => null);
  } catch {
    throw new CallError(0, '', 'The server cannot be reached.');
  }
  const isRedirect = response.type === 'opaqueredirect';
  if (!response.ok && !isRedirect) throw toError(response.status, body);
  if (isRedirect || typeof body !== 'object' || body === null) {
    throw new CallError(response.status, NOT_OURS, 'The server gave an answer that is not JSON.');
  }
  return body;
}

function toError(status: number, body: unknown): CallError {
  const { code, detail, title } = (body ?? {}) as Partial<Record<'code' | 'detail' | 'title', unknown>>;
  const message = [detail, title].find((text) => typeof text === 'string') ?? `The server answered ${status}.`;
  return new CallError(status, typeof code === 'string' ? code : '', String(message));
}
