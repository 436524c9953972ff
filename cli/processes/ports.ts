// Finds, claims and checks free ports, on loopback unless told otherwise. For the stack, the commands and tests.
import { randomInt } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { createServer } from 'node:net';

/** The only address the local stack listens on. */
export const LOOPBACK = '127.0.0.1';

/** A TCP port that nothing listens on now. Another process may take it before the caller does. See {@link claimPort}. */
export async function findFreePort(): Promise<number> {
  const port = await listenOnce(0);
  if (port === null)
    throw new Error('The system gave no free TCP port on 127.0.0.1. Close some programs and try again.');
  return port;
}

/** A port that no other {@link claimPort} gets while this process holds it, even while nothing listens on it. */
export interface PortClaim {
  readonly port: number;
  /** Gives the port up. When the process ends in any way, the port is given up too. */
  release(): void;
}

/** Systems give out free ports from 32768 (Linux) or 49152 (macOS, Windows). Claimed ports are below these. */
const FIRST_CLAIMED = 20_000;
const LAST_CLAIMED = 32_000;
const CLAIM_TRIES = 100;

/**
 * Claims a TCP port for a service that may be restarted on it. While the service is down, {@link findFreePort} in another
 * process could pick its port, and two test suites would then share one service. The claim is the UDP port of the same
 * number, which only one process can hold.
 *
 * @throws Error when 100 random ports from `first` to `last` are all taken
 */
export async function claimPort(first = FIRST_CLAIMED, last = LAST_CLAIMED): Promise<PortClaim> {
  for (let tries = 0; tries < CLAIM_TRIES; tries++) {
    const port = randomInt(first, last + 1);
    const claim = await holdUdpPort(port);
    if (claim === null) continue;
    let isHeld = true;
    const release = (): void => {
      if (isHeld) claim.close();
      isHeld = false;
    };
    if (await isPortFree(port)) return { port, release };
    release();
  }
  throw new Error(
    `None of ${CLAIM_TRIES} ports from ${first} to ${last} on 127.0.0.1 is free. Close some programs and try again.`,
  );
}

function holdUdpPort(port: number): Promise<Socket | null> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', () => {
      socket.close();
      resolve(null);
    });
    // Without `exclusive`, workers of Node's cluster module would share the port. `unref`: a claim must not keep the process
    // alive.
    socket.bind({ port, address: LOOPBACK, exclusive: true }, () => resolve(socket.unref()));
  });
}

/** A UDP port that nothing is bound to now. */
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
 * Whether a TCP port can be listened on now. A moment later another process may have it, so the service that is started
 * there must refuse a taken port itself, as hardened Soketi does.
 *
 * @param host the address to listen on. 0.0.0.0 and :: stand for all: the port must be free on each.
 */
export async function isPortFree(port: number, host: string = LOOPBACK): Promise<boolean> {
  return (await listenOnce(port, host)) !== null;
}

function listenOnce(port: number, host: string = LOOPBACK): Promise<number | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen({ port, host, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(address !== null && typeof address === 'object' ? address.port : null));
    });
  });
}
