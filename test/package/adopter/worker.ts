import { registerMetrics } from 'inloop/metrics';
import { traceTasks } from 'inloop/tracing';
import { createTaskWorker } from 'inloop/worker';
import { Registry } from 'prom-client';
import { backend } from './backend.js';
import { count } from './tasks.js';

const shutdown = new AbortController();
process.once('SIGTERM', () => shutdown.abort());
// Nothing reads the metrics or the traces: the two calls only have to compile and run.
registerMetrics({ backend, register: new Registry() });
traceTasks({ backend });
const worker = createTaskWorker({ backend, concurrency: 2 });
worker.handle(count, async (input, task) => {
  for (let done = 1; done <= input.to; done++) task.progress({ done, total: input.to });
  return { counted: input.to };
});
// `run-adopter.ts` waits for a line that begins with "port" from each process, and a worker has none to name.
console.log('port of none');
void worker.run({ signal: shutdown.signal }).then(() => backend.close());
