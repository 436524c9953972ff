// Free ports on loopback, and the check that a chosen one is really free. For the stack and for tests.
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

/** The only address the local stack listens on. */
export const LOOPBACK = '127.0.0.1';

/** A TCP port that nothing listens on right now. Another process may still take it: whoever starts a service retries. */
export async function findFreePort(): Promise<number> {
  const port = await listenOnce(0);
  if (port === null)
    throw new Error('The system gave no free TCP port on 127.0.0.1. Close some programs and try again.');
  return port;
}

/** A UDP port that nothing is bound to right now. */
export function findFreeUdpPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    socket.once('error', reject);
    socket.bind(0, LOOPBACK, () => {
      const { port } = socket.address();
      socket.close(() => resolve(port));
    });
  });
}

/**
 * Whether a TCP port can be listened on.
 *
 * Ask before starting Soketi: it listens with SO_REUSEPORT, so that a second one on the same port starts without an
 * error and takes half of the connections. This check does not set that option and therefore sees the first one.
 */
export async function isPortFree(port: number): Promise<boolean> {
  return (await listenOnce(port)) !== null;
}

function listenOnce(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen({ port, host: LOOPBACK, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(address !== null && typeof address === 'object' ? address.port : null));
    });
  });
}
