// A fake bus in this process that takes every event and delivers none, or refuses all of them. For tests in which nobody
// listens.
import { startHttpServer } from '../http-server.ts';

/** A running fake bus. */
export interface BusSwitch {
  /** While it is true, every request is answered with 503. */
  isDown: boolean;
  /** The variables `PUSHER_*` that lead to this bus. */
  readonly env: Record<string, string>;
  close(): Promise<void>;
}

/** Starts one on a free port. It is up. */
export async function startBusSwitch(): Promise<BusSwitch> {
  const { port, close } = await startHttpServer((request, response) => {
    // The answer to an event that is taken, and to the question which channels are occupied: none.
    request.resume().on('end', () => {
      response.statusCode = bus.isDown ? 503 : 200;
      response.setHeader('content-type', 'application/json').end('{"channels":{}}');
    });
  });
  const app = { PUSHER_APP_ID: 'a', PUSHER_KEY: 'k', PUSHER_SECRET: 's' };
  const bus: BusSwitch = {
    isDown: false,
    env: { ...app, PUSHER_HOST: '127.0.0.1', PUSHER_PORT: String(port), PUSHER_TLS: 'false' },
    close,
  };
  return bus;
}
