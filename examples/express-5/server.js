import express from 'express';
import { createTaskServer } from 'inloop/server';
import { backend, buildReport } from './tasks.js';

const app = express();
const userOf = (_req) => 'ada'; // Here your session says who asks.
const tasks = createTaskServer({ backend, tasks: [buildReport], identify: userOf });

app.use('/tasks', tasks.router);
app.post('/reports', async (req, res) => {
  const task = await tasks.start(buildReport, { month: 'May' }, { owner: userOf(req) });
  tasks.accepted(res, task);
});
app.use(express.static('public'));
app.listen(process.env.PORT || 3000);
