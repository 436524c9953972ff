// The server of the small application. The same code runs on Express 4 and 5. Prints its port.
import express from 'express';
import { createOperator } from 'inloop/operator';
import { attachFallback, createTaskServer } from 'inloop/server';
import { backend } from './backend.js';
import { count } from './tasks.js';

const app = express();
const tasks = createTaskServer({ backend, tasks: [count], identify: (req) => req.get('x-user') ?? null });
app.use(express.json());
app.use('/operator', createOperator({ backend, tasks: [count], allow: () => null }).router);
app.use('/tasks', tasks.router);
app.post('/counts', (req, res, next) => {
  const input: { to: number } = { to: 3 };
  tasks
    .start(count, input, { owner: req.get('x-user') ?? 'nobody' })
    .then((task) => tasks.accepted(res, task))
    .catch(next);
});
const server = app.listen(0, '127.0.0.1', () => {
  const address = server.address();
  console.log(`port ${typeof address === 'object' ? address?.port : address}`);
});
attachFallback(server, { backend });
