// A page without WebSockets: a session of the HTTP fallback, over one streaming request. It serves the process that opens many of
// them (sockets.ts), and the soak run.
import { type ClientRequest, type IncomingMessage, request } from 'node:http';

export interface StreamOptions {
  /** The application: `http://127.0.0.1:3000`. */
  readonly url: string;
  readonly key: string;
  readonly channel: string;
  /** The number of the session. No two sessions that are open may have the same. */
  readonly n: number;
  /** Signs the subscription: what `POST /tasks/auth` answers. */
  readonly authorize: (socketId: string) => Promise<string>;
  /** The loopback address to connect from. The fallback limits the sessions of one address. */
  readonly from?: string | undefined;
}

/** A session that is open and subscribed. */
export interface FallbackStream {
  /** Ends the streaming request. Resolves when its connection is gone. The server keeps the session for some seconds more. */
  cut(): Promise<void>;
}

/** Opens a session and subscribes. Rejects with a short reason. */
export async function openFallbackStream(options: StreamOptions): Promise<FallbackStream> {
  const { url, key, channel, n, authorize, from } = options;
  // `<0-999>/<8 letters or digits>` names a session of the fallback (server/fallback/route.ts).
  const base = `${url}/pusher/app/${key}/${n % 1_000}/${n.toString(36).padStart(8, 'a')}`;
  const local = from === undefined ? {} : { localAddress: from };
  const post = (verb: string, headers: Record<string, string>, body?: string) =>
    new Promise<{ readonly req: ClientRequest; readonly res: IncomingMessage }>((resolve, reject) => {
      const req = request(`${base}/${verb}?protocol=7&client=load&version=0`, {
        method: 'POST',
        agent: false,
        headers,
        ...local,
      });
      req.on('response', (res) => resolve({ req, res })).on('error', reject);
      req.end(body);
    });
  const { req, res } = await post('xhr_streaming', {});
  if (res.statusCode !== 200) throw new Error(`the fallback answered ${res.statusCode}`);
  const cookie = res.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
  await new Promise<void>((resolve, reject) => {
    let text = '';
    let isSubscribing = false;
    res.setEncoding('utf8').on('data', (chunk: string) => {
      // Only the end of the stream is kept: the frames that are looked for are short.
      text = (text + chunk).slice(-4_096);
      const id = /socket_id[\\":]+([\d.]+)[\\"]/.exec(text)?.[1];
      if (id !== undefined && !isSubscribing) {
        isSubscribing = true;
        authorize(id)
          .then((auth) => JSON.stringify([JSON.stringify({ event: 'pusher:subscribe', data: { channel, auth } })]))
          .then((body) => post('xhr_send', { cookie, 'content-type': 'application/json' }, body))
          .then((sent) => sent.res.resume(), reject);
      }
      if (text.includes('subscription_succeeded')) resolve();
    });
    res.on('close', () => reject(new Error('the stream ended')));
    res.on('error', () => undefined);
  });
  return {
    cut: () =>
      new Promise((resolve) => {
        req.once('close', () => resolve());
        req.destroy();
      }),
  };
}
