/**
 * Finds out why push does not come up on a page, and says it once on the console, with the cure. It serves developers who set
 * inloop up: the feed itself polls meanwhile and shows nothing unusual. Loaded only where push has not been up
 * 2 s after the feed was made. It asks the server once more, then the bus, with a WebSocket of its own. It says nothing
 * where nobody is signed in, or where push has come up meanwhile. docs/troubleshooting.md lists the lines.
 */

import type { ConnectionInfo } from '../../core/wire.ts';
import { parseConnection } from '../parse.ts';
import { findPusher } from '../push/pusher-class.ts';
import type { CheckedOptions } from './options.ts';
import type { Shown } from './shown.ts';

/** How long the server may take for an answer, and the bus until its first message, in milliseconds. */
const PATIENCE = 1_400;
/** The browser reports a breach of the Content-Security-Policy up to this long after the request has failed, in milliseconds. */
const POLICY_DELAY = 100;

/** What was said on this page. */
const said = new Set<string>();

/**
 * Looks for what is wrong, and warns of the first thing found, once per page. Never rejects.
 * @param isWanted whether there may still be a mistake: false once push was up, or the feed is closed
 * @param shown what the feed shows
 */
export async function findMistake(options: CheckedOptions, isWanted: () => boolean, shown: Shown): Promise<void> {
  const blocked: string[] = [];
  const listener = ({ effectiveDirective, blockedURI }: SecurityPolicyViolationEvent) => {
    if (effectiveDirective === 'connect-src') blocked.push(blockedURI);
  };
  document.addEventListener('securitypolicyviolation', listener);
  let line = await checkServer(options, shown).catch(() => null);
  if (line !== null) await new Promise((resolve) => setTimeout(resolve, POLICY_DELAY));
  document.removeEventListener('securitypolicyviolation', listener);
  // Only requests to an origin that `line` names: pusher-js tries other addresses meanwhile, and the page may ask for anything.
  const breach = blocked.find((uri) => line?.includes(uri.split('/', 3).join('/')));
  if (breach) line = `The page's Content-Security-Policy blocks ${breach}. Add it to connect-src.`;
  if (line === null || said.has(line) || !isWanted()) return;
  said.add(line);
  console.warn(`inloop: ${line} (docs/troubleshooting.md)`);
}

/** Asks the task router how to reach the bus, then asks the bus. Returns what is wrong, or null. */
async function checkServer(options: CheckedOptions, shown: Shown): Promise<string | null> {
  const url = `${options.base}/connection`;
  let response: Response;
  try {
    response = await ask(options, url);
  } catch {
    return explainSilence(options.base);
  }
  const { status, redirected, headers } = response;
  const body: unknown = await response.json().catch(() => null);
  const info = parseConnection(body);
  if (info !== null) {
    return shown.get().connection.status === 'signed-out'
      ? 'Somebody has signed in since this page was opened, and the page was not told. After a sign-in without a reload call refresh() of the feed: document.querySelector("inloop-tray").feed.refresh().'
      : checkBus(options, info);
  }
  if (redirected) {
    return `GET ${url} was redirected to ${response.url}. If that is a sign-in page, let the login wall answer 401 below the path of the task router, or mount tasks.router before the wall.`;
  }
  if (status === 401) return null;
  if (status !== 404 && (body as { detail?: string } | null)?.detail)
    return `GET ${url} was answered ${status}: ${(body as { detail?: string }).detail}`;
  const type = headers.get('content-type');
  return `No task router answers at ${options.base} (${status}, ${type}). Set "url" to the path of app.use(…, tasks.router), as browsers see it.`;
}

async function ask({ fetch, headers }: CheckedOptions, url: string): Promise<Response> {
  return fetch(url, {
    credentials: 'include',
    cache: 'no-store',
    headers: typeof headers === 'function' ? await headers() : headers,
    signal: AbortSignal.timeout(PATIENCE),
  });
}

/** A page may not read an answer of another origin without CORS. But a `no-cors` request shows that there is an answer. */
async function explainSilence(base: string): Promise<string> {
  const isOther = new URL(base).origin !== location.origin;
  const isThere =
    isOther &&
    (await fetch(base, { mode: 'no-cors', signal: AbortSignal.timeout(PATIENCE) }).then(
      () => true,
      () => false,
    ));
  return isThere
    ? `The task router at ${base} does not list the origin of this page, so the page may not read its answers. Set createTaskServer({ …, origins: ['${location.origin}'] }).`
    : `The server does not answer at ${base}. See that it runs, and that "url" is right.`;
}

/** Asks the bus for a connection. Returns what may be wrong, also where the bus answers well: push was not up in time. */
async function checkBus(options: CheckedOptions, info: ConnectionInfo): Promise<string> {
  // The tray passes a function that is no class where it could not load pusher-js.
  if (!findPusher(options.Pusher)?.prototype) {
    return 'pusher-js could not be loaded, so the page polls. Run npm install pusher-js, or name it in the import map.';
  }
  const { forceTLS, wsHost, wsPort, wssPort, cluster } = info;
  const isTls = forceTLS || location.protocol === 'https:';
  const address = `${isTls ? 'wss' : 'ws'}://${wsHost ?? `ws-${cluster}.pusher.com`}:${(isTls ? wssPort : wsPort) ?? (isTls ? 443 : 80)}`;
  const frame = await firstFrame(`${address}/app/${info.key}?protocol=7&client=js&version=8.0.0`);
  if (frame === '') {
    return `This browser does not reach the bus at ${address}, so the page polls. Set PUSHER_PUBLIC_HOST, PUSHER_PUBLIC_PORT and PUSHER_PUBLIC_TLS to the address that browsers reach.`;
  }
  return frame.includes('4001')
    ? `The bus at ${address} knows no app with this key, so the page polls. Set PUSHER_KEY to the key of an app on that bus.`
    : `The bus at ${address} answers, but has not let the page into its channel. If that stays so, check PUSHER_SECRET, and that POST ${info.authEndpoint} reaches the task router.`;
}

/** What the bus says first; empty if it says nothing. */
function firstFrame(url: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url);
    const end = (text = '') => {
      resolve(text);
      socket.close();
    };
    setTimeout(end, PATIENCE);
    socket.onclose = () => end();
    socket.onmessage = ({ data }) => end(data);
  });
}
