const { createTaskWorker } = require('inloop/worker');
const { addInvoice } = require('./invoices.js');
const { backend, makeInvoices } = require('./tasks.js');

const shutdown = new AbortController();
process.once('SIGTERM', () => shutdown.abort());
const worker = createTaskWorker({ backend });
worker.handle(makeInvoices, async ({ count }, task) => {
  for (let n = 1; n <= count; n++) {
    task.signal.throwIfAborted();
    await addInvoice(n);
    task.progress({ done: n, total: count });
  }
});
worker.run({ signal: shutdown.signal }).then(() => backend.close());
