// A task whose pace the test dictates. Declared once, for the server in the test and for the worker process.
import { z } from 'zod';
import { defineTask } from '../../../core/tasks/definition.ts';

/** Finishes `total` elements by `plan`, one part after the other: `done` elements, evenly, in `ms`. */
export const paced = defineTask({
  name: 'paced',
  input: z.object({ total: z.number(), plan: z.array(z.object({ done: z.number(), ms: z.number() })) }),
  title: ({ total }) => `Work through ${total}`,
  attempts: 3,
  browser: true,
});
