// Free ports on loopback, and the check that a chosen one is really free. For the stack and for tests.
import { randomInt } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
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

/** A port that is this process's alone, also while nothing listens on it. */
export interface PortClaim {
  readonly port: number;
  /** Gives it up. The end of the process does so, too, however it ends. */
  release(): void;
}

/** Below the ports that systems hand out by themselves: Linux from 32768, macOS and Windows from 49152. */
const FIRST_CLAIMED = 20_000;
const LAST_CLAIMED = 32_000;
const CLAIM_TRIES = 100;

/**
 * Claims a TCP port for a service that is ended and started again on it. Between the two a {@link findFreePort} of
 * anybody could pick it, and two test suites would then talk to one service. The claim is the UDP port of the same
 * number, which one process alone can hold.
 *
 * @throws when it finds none from `first` to `last`
 */
export async function claimPort(first = FIRST_CLAIMED, last = LAST_CLAIMED): Promise<PortClaim> {
  for (let tries = 0; tries < CLAIM_TRIES; tries++) {
    const port = randomInt(first, last + 1);
    const claim = await holdUdpPort(port);
    if (claim === null) continue;
    const release = (): void => {
      if (isHeld) claim.close();
      isHeld = false;
    };
    let isHeld = true;
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
    // `exclusive`: processes of a cluster would share it. Unreferenced: a claim keeps nobody running.
    socket.bind({ port, address: LOOPBACK, exclusive: true }, () => resolve(socket.unref()));
  });
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
 * Whether a TCP port can be listened on. Only a look: a moment later another process may have it, so what is started
 * there must itself refuse a port that is taken, as Soketi with our preload does.
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
