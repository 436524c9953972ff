// Takes the requests for trouble that the demo's server sends: HTTP on loopback, at a secret URL that only that server gets.
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LOOPBACK } from '../../cli/processes/ports.ts';
import { isTroubleKind, type Trouble } from './trouble.ts';

/** The control, while it runs. */
export interface TroubleControl {
  /** Its secret URL, for the server's `INLOOP_TROUBLE_URL`. `GET` reports; `POST <url>/<kind>` makes trouble. */
  readonly url: string;
  /** Gives the control its `trouble`. Before that it answers 503. */
  offer(trouble: Trouble): void;
}

/** Starts the control on a free port. It ends with this process. */
export async function startTroubleControl(): Promise<TroubleControl> {
  let trouble: Trouble | undefined;
  const path = `/${randomBytes(24).toString('hex')}`;

  const answer = async (req: IncomingMessage): Promise<[status: number, body: object]> => {
    const url = req.url ?? '';
    // The path holds 24 random bytes. Whoever does not know them gets 404.
    if (!url.startsWith(path)) return [404, {}];
    if (!trouble) return [503, {}];
    if (req.method === 'GET') return [200, trouble.report()];
    const kind = url.slice(path.length + 1);
    return req.method === 'POST' && isTroubleKind(kind) ? [200, await trouble.make(kind)] : [400, {}];
  };
  const server = createServer((req, res) => {
    answer(req).then(
      ([status, body]) => res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
      // Making trouble fails if the process that it is about is gone already.
      () => res.writeHead(503).end('{}'),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
  server.unref();
  return {
    url: `http://${LOOPBACK}:${(server.address() as AddressInfo).port}${path}`,
    offer(offered) {
      trouble = offered;
    },
  };
}
