// One address that can lead to another Redis later, like a DNS name or an endpoint of a cloud. For tests of failovers and dead
// connections.
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { LOOPBACK } from '../../../cli/processes/ports.ts';

/** A running proxy. */
export interface RedisProxy {
  readonly url: string;
  readonly port: number;
  /** How many connections were made through the proxy so far. */
  readonly made: number;
  /** Leads new connections to the Redis on `port`. Open connections stay where they are. */
  leadTo(port: number): void;
  /** Closes open connections. */
  cut(): void;
  /** Open connections stay open and carry nothing more in either direction. New connections work. */
  swallow(): void;
  close(): Promise<void>;
}

/** Starts a proxy on a free port. @param target the port of the Redis to which connections lead at first */
export async function startRedisProxy(target: number): Promise<RedisProxy> {
  let leadsTo = target;
  let made = 0;
  /** Both ends of each open connection. A swallowed one stays until the proxy closes. */
  const pairs = new Set<readonly [Socket, Socket]>();
  const server = createServer((near) => {
    made += 1;
    const far = connect(leadsTo, LOOPBACK);
    const pair = [near, far] as const;
    pairs.add(pair);
    near.pipe(far);
    far.pipe(near);
    for (const [one, other] of [pair, [far, near] as const]) {
      one.on('error', () => other.destroy());
      one.on('close', () => {
        other.destroy();
        pairs.delete(pair);
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `redis://${LOOPBACK}:${port}`,
    port,
    get made() {
      return made;
    },
    leadTo(other) {
      leadsTo = other;
    },
    cut() {
      for (const pair of pairs) for (const socket of pair) socket.destroy();
    },
    swallow() {
      for (const pair of pairs) {
        for (const socket of pair) {
          socket.unpipe();
          // Data is read and thrown away, so that the writer does not notice. When one end closes, the other is not told.
          socket.removeAllListeners('close');
          socket.removeAllListeners('data');
          socket.on('data', () => undefined);
        }
      }
    },
    async close() {
      for (const pair of pairs) for (const socket of pair) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
