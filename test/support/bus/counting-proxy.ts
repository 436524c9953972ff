// An HTTP proxy that lists the requests that reach it, and passes them on. For tests of what hosted Pusher would bill: it stands between the
// processes and their bus, or between the bus and the receiver of its webhooks.
import { request } from 'node:http';
import { startHttpServer } from '../http-server.ts';

export interface CountingProxy {
  readonly port: number;
  /** The URL to which requests go. While it is null, they are answered with 503. */
  target: string | null;
  /** Method and path, without the query, of each request so far. */
  readonly calls: string[];
  close(): Promise<void>;
}

/** Starts one on a free port of loopback. */
export async function startCountingProxy(target: string | null = null): Promise<CountingProxy> {
  const calls: string[] = [];
  const { port, close } = await startHttpServer((req, res) => {
    calls.push(`${req.method} ${req.url?.replace(/\?.*/, '')}`);
    if (proxy.target === null) {
      res.writeHead(503).end();
      return;
    }
    const { method, headers } = req;
    const onward = request(new URL(req.url ?? '', proxy.target), { method, headers }, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(res);
    });
    onward.on('error', () => (res.headersSent ? res.destroy() : res.writeHead(502).end()));
    req.pipe(onward);
  });
  const proxy: CountingProxy = { port, target, calls, close };
  return proxy;
}
