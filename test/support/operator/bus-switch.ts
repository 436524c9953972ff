// A bus that takes every event, or none. For the tests of `inloop/operator`.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface BusSwitch {
  /** While it is true, every request is answered with 503. */
  isDown: boolean;
  /** The variables `PUSHER_*` that lead to this bus. */
  readonly env: Record<string, string>;
  close(): void;
}

export async function startBusSwitch(): Promise<BusSwitch> {
  const server = createServer((request, response) => {
    // The answer to an event that is taken, and to the question which channels are occupied: none.
    request.resume().on('end', () => {
      response.statusCode = bus.isDown ? 503 : 200;
      response.setHeader('content-type', 'application/json').end('{"channels":{}}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const app = { PUSHER_APP_ID: 'a', PUSHER_KEY: 'k', PUSHER_SECRET: 's' };
  const bus: BusSwitch = {
    isDown: false,
    env: { ...app, PUSHER_HOST: '127.0.0.1', PUSHER_PORT: String(port), PUSHER_TLS: 'false' },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return bus;
}
