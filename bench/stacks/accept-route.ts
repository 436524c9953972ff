// The route `POST /imports` of all stacks but inloop. inloop's own route has the same parser and schema, and answers 202 with the whole
// snapshot.
import express, { type Express } from 'express';
import { userOf } from './stack.ts';
import { type TaskInput, taskInput } from './task.ts';

/** Adds `POST /imports`: validates the body, lets `accept` store the task, and answers 202 with its location. */
export function acceptWith(app: Express, accept: (input: TaskInput) => Promise<string>): void {
  app.post('/imports', express.json(), async (req, res) => {
    const parsed = taskInput.safeParse(req.body);
    if (!parsed.success) {
      res.status(422).json({ errors: parsed.error.issues });
      return;
    }
    const id = await accept({ ...parsed.data, user: userOf(req) });
    res.status(202).location(`/tasks/${id}`).set('Retry-After', '2').json({ id, status: 'queued' });
  });
}
