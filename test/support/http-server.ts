// An HTTP server in the process of the tests.
import { createServer, type RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HttpServer {
  readonly port: number;
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** Cuts its connections and ends it. */
  close(): Promise<void>;
}

/** Listens on a free port of 127.0.0.1. @param app an Express app, or a server that does not listen yet */
export async function startHttpServer(app: RequestListener | Server): Promise<HttpServer> {
  const server = app instanceof Server ? app : createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
