// An HTTP proxy that counts the requests it passes on. For tests of what hosted Pusher would bill: it stands between the
// processes and their bus, or between the bus and the receiver of its webhooks.
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface CountingProxy {
  readonly port: number;
  /** Where requests go. Until it is set, they are answered with 503. */
  target: string | null;
  /** Method and path, without the query, of each request so far. */
  readonly calls: string[];
  close(): Promise<void>;
}

/** Starts one on a free port of loopback. */
export async function startCountingProxy(target: string | null = null): Promise<CountingProxy> {
  const calls: string[] = [];
  const server = createServer((req, res) => {
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
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const proxy: CountingProxy = {
    port,
    target,
    calls,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}
