/** Entry of the demo's worker: `node dist/demo/worker.js`. On SIGTERM it finishes what it can, then exits with 0. */

import express from 'express';
import { createTaskWorker } from 'inloop/worker';
import { openBackend } from './backend.ts';
import { createExportHandler } from './contacts/export-contacts.ts';
import { createImportHandler } from './contacts/import-contacts.ts';
import { openDatabase } from './database/database.ts';
import { openDataFolder } from './files/data-folder.ts';
import { startSweeping } from './files/sweep.ts';
import { createHealthRouter } from './health.ts';
import { createUnseenMail } from './mail/unseen-mail.ts';
import { addressOf, closeServer, listen, runProcess } from './process.ts';
import { readWorkerSettings } from './settings.ts';
import { exportContacts, importContacts } from './tasks.ts';

await runProcess('worker', async (stop) => {
  const settings = readWorkerSettings(process.env);
  const { backend } = openBackend(settings, process.env);
  const folder = openDataFolder(settings.dataDir);
  const db = openDatabase(folder.database);
  try {
    const app = express().disable('x-powered-by').use(createHealthRouter(backend));
    const server = await listen(app, settings.host, settings.port);
    const stopSweeping = startSweeping(folder, db);
    const worker = createTaskWorker({ backend, concurrency: 4, drain: '10s' });
    worker.handle(importContacts, createImportHandler({ db, folder, slowRowMs: settings.slowRowMs }));
    worker.handle(exportContacts, createExportHandler({ db, folder }));
    if (settings.mail) {
      worker.onUnseen({ after: settings.mail.afterMinutes * 60_000 }, createUnseenMail(settings.mail));
    }
    console.log(`worker: ready for tasks, health on ${addressOf(server)}`);
    await worker.run({ signal: stop });
    stopSweeping();
    await closeServer(server);
  } finally {
    await backend.close();
    db.close();
  }
});
