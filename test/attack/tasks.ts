// The tasks of the attacked app: open to browsers, so that anybody who is signed in may send any input.
import { z } from 'zod';
import { defineTask } from '../../core/tasks/definition.ts';

/** No worker handles it, so it stays queued. Its title is the owner's input. */
export const wait = defineTask({
  name: 'wait',
  input: z.object({ title: z.string(), numbers: z.array(z.number()).optional() }),
  title: ({ title }) => title,
  browser: true,
});

/** Ends at once with a result of the given size. */
export const weigh = defineTask({
  name: 'weigh',
  input: z.object({ bytes: z.number().int().max(260_000), padding: z.string().optional() }),
  browser: true,
});
