/** The page's requests to its server. Their errors have messages that can be shown to the user. */

import { type Problem, TaskError } from 'inloop';

const JSON_TYPE = { 'Content-Type': 'application/json' };

/** One contact in the answer of `GET /contacts`. */
export interface Contact {
  readonly email: string;
  readonly name: string;
  readonly company: string;
  readonly phone: string;
}

export interface ContactPage {
  readonly contacts: readonly Contact[];
  readonly total: number;
  readonly nextCursor: string | null;
}

/** The kinds of trouble that the stack can make. The stack decides how long each lasts. */
export type TroubleKind =
  | 'drop-connection'
  | 'block-websockets'
  | 'stop-soketi'
  | 'kill-worker'
  | 'lose-messages'
  | 'double-messages';

export interface TroubleReport {
  readonly lasting: readonly { readonly kind: TroubleKind | 'sleep'; readonly leftMs: number }[];
  /** The process id of the worker that was killed. */
  readonly pid?: number;
}

/** The signed-in user (null: nobody), and whether this server offers trouble. */
export interface Session {
  readonly user: string | null;
  readonly offersTrouble: boolean;
}

/** Who is signed in. */
export async function readSession(): Promise<Session> {
  try {
    return await toSession(await send('/session', {}));
  } catch (error) {
    // The session has ended, so nobody is signed in.
    if (error instanceof TaskError && error.status === 401) return { user: null, offersTrouble: false };
    throw error;
  }
}

/** Signs in. `user` in the result is the name as the server keeps it, without spaces around it. */
export async function signIn(user: string): Promise<Session> {
  return toSession(await send('/session', { method: 'POST', body: JSON.stringify({ user }), headers: JSON_TYPE }));
}

async function toSession(response: Response): Promise<Session> {
  const { user } = (await response.json()) as { user: string | null };
  return { user, offersTrouble: /rel="trouble"/.test(response.headers.get('Link') ?? '') };
}

/** Signs out. */
export async function signOut(): Promise<void> {
  await call('DELETE', '/session');
}

/** A page of the user's contacts. @param cursor the `nextCursor` of the page before; null for the first page */
export async function readContacts(cursor: string | null): Promise<ContactPage> {
  return (await call('GET', `/contacts${cursor === null ? '' : `?cursor=${cursor}`}`)) as ContactPage;
}

/** Uploads a CSV. The task that imports it appears in the feed. */
export async function startImport(file: File, pace: 'full' | 'slow'): Promise<void> {
  const form = new FormData();
  form.append('pace', pace);
  form.append('file', file);
  await callOnce('/imports', form);
}

/** Starts the export of all contacts. */
export async function startExport(): Promise<void> {
  await callOnce('/reports', null);
}

/** Fetches one of the server's sample files. */
export async function readSample(name: string): Promise<File> {
  const response = await send(`/samples/${name}`, {});
  return new File([await response.blob()], name, { type: 'text/csv' });
}

/** Which trouble lasts now. */
export async function readTrouble(): Promise<TroubleReport> {
  return (await call('GET', '/trouble')) as TroubleReport;
}

/** Makes trouble of one kind. */
export async function makeTrouble(kind: TroubleKind): Promise<TroubleReport> {
  return (await call('POST', '/trouble', JSON.stringify({ kind }), JSON_TYPE)) as TroubleReport;
}

/** Ends all trouble. */
export async function endTrouble(): Promise<TroubleReport> {
  return (await call('DELETE', '/trouble')) as TroubleReport;
}

/**
 * Stops everything that runs in this tab for `seconds`: it sends a synchronous request, which the server answers only then.
 * Never do this in your own app. Here it imitates a computer that sleeps.
 *
 * @throws TaskError with the server's message
 */
export function sleepSync(seconds: number): void {
  const request = new XMLHttpRequest();
  request.open('POST', '/trouble', false);
  request.setRequestHeader('Content-Type', 'application/json');
  request.send(JSON.stringify({ kind: 'sleep', seconds }));
  if (request.status === 200) return;
  const { code, detail } = JSON.parse(request.responseText) as Problem;
  throw new TaskError(code, detail, { status: request.status });
}

/** Sends a POST, and sends it again if the connection broke. The Idempotency-Key makes sure that this starts one task only. */
async function callOnce(path: string, body: BodyInit | null): Promise<void> {
  const key = Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join('-');
  const attempt = () => call('POST', path, body, { 'Idempotency-Key': key });
  await attempt().catch((error: unknown) => {
    if (error instanceof TaskError && error.code === 'offline') return attempt();
    throw error;
  });
}

async function call(
  method: string,
  path: string,
  body: BodyInit | null = null,
  headers: Record<string, string> = {},
): Promise<unknown> {
  const response = await send(path, { method, body, headers });
  return response.status === 204 ? null : response.json();
}

/** @throws TaskError with the server's message, or `offline` */
async function send(path: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (cause) {
    throw new TaskError('offline', 'The server cannot be reached right now. Check your connection and try again.', {
      cause,
    });
  }
  if (response.ok) return response;
  const problem: Partial<Problem> = await response.json().catch(() => ({}));
  const detail = problem.detail ?? `The server answered with an error (${response.status}). Please try again.`;
  throw new TaskError(problem.code ?? 'http_error', detail, { status: response.status });
}
