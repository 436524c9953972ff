/** How the page talks to its server. Errors come out as sentences that can be shown. */

import { type Problem, TaskError } from 'inloop';

/** One contact, as `GET /contacts` has it. */
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

/** The signed-in user, or null. */
export async function whoIsSignedIn(): Promise<string | null> {
  try {
    return ((await call('GET', '/session')) as { user: string | null }).user;
  } catch (error) {
    // A session that has expired.
    if (error instanceof TaskError && error.status === 401) return null;
    throw error;
  }
}

/** Resolves with the name as the server keeps it. */
export async function signIn(user: string): Promise<string> {
  const body = JSON.stringify({ user });
  return ((await call('POST', '/session', body, { 'Content-Type': 'application/json' })) as { user: string }).user;
}

export async function signOut(): Promise<void> {
  await call('DELETE', '/session');
}

export async function readContacts(cursor: string | null): Promise<ContactPage> {
  return (await call('GET', `/contacts${cursor === null ? '' : `?cursor=${cursor}`}`)) as ContactPage;
}

/** Uploads a CSV; the task that imports it shows up in the feed. */
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

/** A sample file of the server's. */
export async function readSample(name: string): Promise<File> {
  const response = await send(`/samples/${name}`, {});
  return new File([await response.blob()], name, { type: 'text/csv' });
}

/** Tries once more when the connection broke. The key makes sure that it is still one task. */
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

/** @throws TaskError with the server's own words, or `offline` */
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
