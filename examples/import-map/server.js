import express from 'express';
import { createTaskServer } from 'inloop/server';
import { policy } from './policy.js';
import { backend, buildReport } from './tasks.js';

const app = express();
const userOf = (_req) => 'ada'; // Here your session says who asks.
const tasks = createTaskServer({ backend, tasks: [buildReport], identify: userOf });

app.use('/tasks', tasks.router);
app.post('/reports', async (req, res) => {
  const task = await tasks.start(buildReport, { month: 'May' }, { owner: userOf(req) });
  tasks.accepted(res, task);
});
app.use((_req, res, next) => res.set('Content-Security-Policy', policy) && next());
app.use(express.static('public'));
for (const path of ['inloop/dist/client', 'inloop/dist/core', 'pusher-js/dist/web', '@noble/ciphers']) {
  app.use(`/modules/${path}`, express.static(`node_modules/${path}`));
}
app.listen(process.env.PORT || 3000);
