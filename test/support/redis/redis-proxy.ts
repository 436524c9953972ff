// One address whose Redis changes, as DNS or a cloud's endpoint has it. For tests of failovers and dead connections.
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { LOOPBACK } from '../../../dev/stack/ports.ts';

export interface RedisProxy {
  readonly url: string;
  readonly port: number;
  /** Connections made through it so far. */
  readonly made: number;
  /** New connections lead to the Redis on `port`; those that are open stay where they are. */
  leadTo(port: number): void;
  /** Closes what is open. */
  cut(): void;
  /** What is open stays open and carries nothing more, either way. New connections work. */
  swallow(): void;
  close(): Promise<void>;
}

export async function startRedisProxy(target: number): Promise<RedisProxy> {
  let leadsTo = target;
  let made = 0;
  /** One that is swallowed stays here until the end: either end may outlive the other. */
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
          // Read and thrown away, so that who writes sees nothing of it; what closes one end stays unknown to the other.
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
