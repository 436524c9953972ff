// A process that takes jobs and never finishes one. Bundled and killed by backend/queue/queue.test.ts.
import { Events } from '../../../../backend/events/events.ts';
import { consoleLog } from '../../../../backend/log/log.ts';
import { JobQueues } from '../../../../backend/queue/queue.ts';

const { REDIS_URL = '', QUEUE_PREFIX = '', QUEUE_NAME = '', STALL_MS = '' } = process.env;
const queues = new JobQueues({
  url: REDIS_URL,
  prefix: QUEUE_PREFIX,
  events: new Events(consoleLog),
  clock: { now: Date.now },
});
await queues.consume(
  QUEUE_NAME,
  { concurrency: 5, stallInterval: Number(STALL_MS), onStalled: (job) => console.log(`stalled ${job}`) },
  async (job) => {
    console.log(`took ${job}`);
    return new Promise<never>(() => undefined);
  },
);
console.log('consumer ready');
