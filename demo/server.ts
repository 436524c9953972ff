/** Entry of the demo's web server: `node dist/demo/server.js`. Ends cleanly on SIGTERM. */

import { once } from 'node:events';
import { join } from 'node:path';
import { attachFallback } from 'inloop/server';
import { createApp } from './app.ts';
import { openBackend } from './backend.ts';
import { openDatabase } from './database/database.ts';
import { openDataFolder } from './files/data-folder.ts';
import { addressOf, closeServer, listen, runProcess } from './process.ts';
import { readServerSettings } from './settings.ts';

/** Where the build puts the page, seen from the compiled file. */
const publicDir = join(import.meta.dirname, 'public');

await runProcess('server', async (stop) => {
  const settings = readServerSettings(process.env);
  const { backend, bus } = openBackend(settings, process.env);
  const folder = openDataFolder(settings.dataDir);
  const db = openDatabase(folder.database);
  try {
    const app = createApp({ ...settings, backend, bus, folder, db, publicDir, stop });
    const server = await listen(app, settings.host, settings.port);
    attachFallback(server, { backend, signal: stop, trustProxy: settings.trustProxy });
    console.log(`server: listening on ${addressOf(server)}`);
    if (!stop.aborted) await once(stop, 'abort');
    await closeServer(server);
  } finally {
    await backend.close();
    db.close();
  }
});
