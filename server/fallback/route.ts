/** Which requests belong to the fallback, and what each one asks for. Pure. It serves `attach.ts`. */

/** `stream` and `poll` receive (xhr_streaming, xhr), `send` sends (xhr_send). */
export type FallbackVerb = 'stream' | 'poll' | 'send';

/** What a request to the fallback asks for, as its URL says it. */
export interface FallbackRoute {
  /** The key of the application at the bus. It may be a wrong one. */
  readonly key: string;
  /** `<0-999>/<8 chars>`, chosen by the client. It names a session, but does not prove whose it is: `access/opener.ts`. */
  readonly session: string;
  readonly verb: FallbackVerb;
  /** The client's own parameters (`protocol`, `client`, `version`), checked, to be passed on to the bus. */
  readonly query: string;
}

const VERBS: Readonly<Record<string, FallbackVerb>> = { xhr_streaming: 'stream', xhr: 'poll', xhr_send: 'send' };
const ROUTE = /^\/app\/([A-Za-z0-9_-]{1,128})\/(\d{1,3}\/[A-Za-z0-9]{8})\/(xhr_streaming|xhr|xhr_send)$/;

/** The route of a request URL (path and query) below `path`, or null if it does not belong to the fallback. */
export function parseRoute(url: string, path: string): FallbackRoute | null {
  // A cheap test first, because every request of the application comes here.
  if (!url.startsWith(`${path}/app/`)) return null;
  const mark = url.indexOf('?');
  const match = ROUTE.exec(url.slice(path.length, mark < 0 ? undefined : mark));
  if (!match) return null;
  const [, key, session, verb] = match as unknown as [string, string, string, string];
  return {
    key,
    session,
    verb: VERBS[verb] as FallbackVerb,
    query: pickParameters(mark < 0 ? '' : url.slice(mark + 1)),
  };
}

/** The parameters that are passed on to the bus, out of those that the client sent. */
function pickParameters(query: string): string {
  const given = new URLSearchParams(query);
  const kept = new URLSearchParams();
  for (const name of ['protocol', 'client', 'version']) {
    const value = given.get(name);
    if (value !== null && /^[\w.+-]{1,32}$/.test(value)) kept.set(name, value);
  }
  return kept.toString();
}
