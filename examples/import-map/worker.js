import { setTimeout as wait } from 'node:timers/promises';
import { createTaskWorker } from 'inloop/worker';
import { backend, buildReport } from './tasks.js';

const shutdown = new AbortController();
process.once('SIGTERM', () => shutdown.abort());
const worker = createTaskWorker({ backend });
worker.handle(buildReport, async (_input, task) => {
  for (let done = 1; done <= 31; done++) {
    await wait(100, undefined, { signal: task.signal }); // Here your slow work goes on for a day of the month.
    task.progress({ done, total: 31 });
  }
});
await worker.run({ signal: shutdown.signal });
await backend.close();
