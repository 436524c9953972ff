import { createTaskWorker } from 'inloop/worker';
import { backend } from './backend.js';
import { count } from './tasks.js';

const shutdown = new AbortController();
process.once('SIGTERM', () => shutdown.abort());
const worker = createTaskWorker({ backend, concurrency: 2 });
worker.handle(count, async (input, task) => {
  for (let done = 1; done <= input.to; done++) task.progress({ done, total: input.to });
  return { counted: input.to };
});
// `run-adopter.ts` waits for a line that begins with "port" from each process, and a worker has none to name.
console.log('port of none');
void worker.run({ signal: shutdown.signal }).then(() => backend.close());
