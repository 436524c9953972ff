// bee-queue comes with node_redis 3, which gets no security fixes any more (docs/dependencies.md). It is loaded and never used.
import { createRequire } from 'node:module';
import { expect, it, jest } from '@jest/globals';
import { recordLog } from '../../../test/support/log.ts';
import { startRedis } from '../../../test/support/redis/redis.ts';
import { Events } from '../../events/events.ts';
import { JobQueues } from '../queue.ts';

const requireByBeeQueue = createRequire(createRequire(__filename).resolve('bee-queue'));
const nodeRedis = requireByBeeQueue('redis') as { createClient(): unknown };
/** bee-queue gets each client from this function: the one that it was given, or one that it makes with node_redis. */
const { createClient } = requireByBeeQueue('./lib/redis') as { createClient(settings: object): unknown };

it('the Redis client that bee-queue comes with connects to nothing', async () => {
  const made = jest.spyOn(nodeRedis, 'createClient').mockImplementation(() => {
    throw new Error('made by node_redis');
  });
  const server = await startRedis();
  const queues = new JobQueues({ url: server.url, prefix: 'q:', events: new Events(recordLog()), clock: Date });
  try {
    expect(() => createClient({})).toThrow('made by node_redis');
    // `consume` resolves once bee-queue has both of its clients: the one for commands and the one that waits for jobs.
    const options = { concurrency: 1, stallInterval: 500, onStalled: () => undefined };
    const consumer = await queues.consume('import', options, async () => false);
    await consumer.close(1_000);
    expect(made).toHaveBeenCalledTimes(1);
  } finally {
    queues.close();
    await server.stop();
    made.mockRestore();
  }
}, 30_000);
