// A `fetch` over HTTP/2, as browsers have it: all requests share one connection. Node's own `fetch` speaks HTTP/1.1.
import { type ClientHttp2Session, connect, constants } from 'node:http2';

/** A `fetch` for one origin, and what closes its connection. */
export interface Http2Fetch {
  readonly fetch: typeof fetch;
  close(): void;
}

/** @param ca the certificate of the authority to trust; default: those that Node trusts */
export function createHttp2Fetch(origin: string, { ca }: { readonly ca?: string } = {}): Http2Fetch {
  let session: ClientHttp2Session | null = null;
  const open = (): ClientHttp2Session => {
    if (session !== null) return session;
    const opened = connect(origin, ca === undefined ? {} : { ca });
    const forget = (): void => {
      if (session === opened) session = null;
    };
    // After a GOAWAY the requests under way are answered, and new ones need a new connection.
    opened.on('goaway', forget).on('close', forget).on('error', forget);
    session = opened;
    return opened;
  };
  return {
    async fetch(input, init) {
      const { signal, ...rest } = init ?? {};
      // `Request` turns a body of any kind into bytes, and sets its Content-Type.
      const request = new Request(input, rest);
      const body = Buffer.from(await request.arrayBuffer());
      return send(open(), request, body, signal ?? null);
    },
    close: () => session?.destroy(),
  };
}

function send(
  session: ClientHttp2Session,
  { url, method, headers }: Request,
  body: Buffer,
  signal: AbortSignal | null,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const { pathname, search } = new URL(url);
    const stream = session.request(
      { ...Object.fromEntries(headers), ':method': method, ':path': `${pathname}${search}` },
      { endStream: body.length === 0 },
    );
    const abort = (): void => stream.close(constants.NGHTTP2_CANCEL);
    signal?.addEventListener('abort', abort);
    let status = 0;
    let answered: [string, string][] = [];
    let isWhole = false;
    const chunks: Buffer[] = [];
    stream.on('response', (head) => {
      status = Number(head[':status']);
      const named = Object.entries(head).filter(([name]) => !name.startsWith(':'));
      answered = named.map(([name, value]) => [name, String(value)]);
    });
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      isWhole = status > 0;
    });
    stream.on('error', () => undefined);
    stream.on('close', () => {
      signal?.removeEventListener('abort', abort);
      if (isWhole && stream.rstCode === constants.NGHTTP2_NO_ERROR) {
        const isEmpty = status === 204 || status === 304;
        resolve(new Response(isEmpty ? null : Buffer.concat(chunks), { status, headers: answered }));
      } else reject(signal?.aborted ? signal.reason : new TypeError('The connection was lost.'));
    });
    if (signal?.aborted) abort();
    if (body.length > 0) stream.end(body);
  });
}
